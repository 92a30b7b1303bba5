"""A client of one server of a cluster, over a raw WebSocket: every packet in its order."""

import itertools
import json
import select
import time

from . import engine
from .deadline import SECONDS
from .process import eventually

NAMESPACE = "/cluster"
_fences = itertools.count(1)


class Member(engine.Socket):
    """A socket in one namespace that can ask for acks while events come in."""

    def __init__(
        self, server, namespace: str = NAMESPACE, *fields: str, auth=None, query=None, source=None
    ):
        super().__init__(server.port, *fields, query=query, source=source)
        self.server = server
        self.namespace = namespace
        self._prefix = "" if namespace == "/" else namespace + ","
        self._next_id = 0
        self._answers: dict[int, list] = {}
        #: What came and nobody has asked for: lists of a name and arguments.
        self.events: list[list] = []
        #: Answers questions of the server: by the event's name, a function of its arguments.
        self.replies: dict[str, object] = {}
        #: Set by a DISCONNECT packet of the server.
        self.was_told_to_go = False
        self.id = self.connect(namespace, auth)

    # Sending

    def emit(self, event: str, *arguments) -> None:
        self._send_event(None, event, arguments)

    def ask(self, event: str, *arguments):
        """The first argument of the ack; events before it are kept."""
        return self.answer_of(self.begin(event, *arguments))

    def begin(self, event: str, *arguments) -> int:
        """Asks without waiting; the number to ask `answer_of` for."""
        self._next_id += 1
        self._send_event(self._next_id, event, arguments)
        return self._next_id

    def answer_of(self, number: int):
        while number not in self._answers:
            self._take()
        answer = self._answers.pop(number)
        return answer[0] if answer else None

    def _send_event(self, number: int | None, event: str, arguments) -> None:
        self._send_packet(2, 5, number, [event, *arguments])

    def _send_packet(self, plain: int, binary: int, number, data) -> None:
        attachments: list[bytes] = []
        text = json.dumps(_detach(data, attachments), separators=(",", ":"))
        kind = f"4{binary}{len(attachments)}-" if attachments else f"4{plain}"
        self.send(f"{kind}{self._prefix}{'' if number is None else number}{text}", *attachments)

    # Receiving

    def event(self, name: str | None = None) -> list:
        """The next event, or the next named so; the others are kept."""
        while True:
            for index, event in enumerate(self.events):
                if name is None or event[0] == name:
                    return self.events.pop(index)
            self._take()

    def events_until(self, *last) -> list[list]:
        """What comes before the event `last`."""
        wanted = list(last)
        while wanted not in self.events:
            self._take()
        index = self.events.index(wanted)
        before, self.events = self.events[:index], self.events[index + 1:]
        return before

    def is_told_to_go(self) -> bool:
        """Whether the next packet that is no event is a DISCONNECT."""
        while not self.was_told_to_go:
            self._take()
        return True

    def _take(self) -> None:
        packet = self.socket.message()
        if packet == "2":
            self.send("3")
            return
        assert isinstance(packet, str) and packet[0] == "4", packet
        kind, rest = packet[1], packet[2:]
        count = 0
        if kind in "56":
            digits, _, rest = rest.partition("-")
            count = int(digits)
        assert rest.startswith(self._prefix.rstrip(",")), packet
        rest = rest[len(self._prefix):]
        digits = "".join(itertools.takewhile(str.isdigit, rest))
        number = int(digits) if digits else None
        text = rest[len(digits):]
        data = json.loads(text) if text else None
        if count:
            data = _attach(data, [self.receive() for _ in range(count)])
        match kind:
            case "1":
                self.was_told_to_go = True
            case "2" | "5":
                self._handle(number, data)
            case "3" | "6":
                self._answers[number] = data
            case _:
                raise AssertionError(packet)

    def _handle(self, number: int | None, data: list) -> None:
        reply = self.replies.get(data[0])
        if number is not None and reply is not None:
            self._send_packet(3, 6, number, [reply(*data[1:])])
        else:
            self.events.append(data)

    def has_answer(self, number: int) -> bool:
        return number in self._answers

    # Shorthands

    def fetch(self, **selection) -> list[dict]:
        """The sockets of `selection`, by their ids."""
        fetched = self.ask("fetch", selection)
        assert "error" not in fetched, fetched
        return sorted(fetched["sockets"], key=lambda found: found["id"])

    def ids(self, **selection) -> list[str]:
        return [found["id"] for found in self.fetch(**selection)]


def ids(members) -> list[str]:
    """The ids of `members` as `Member.ids` lists them."""
    return sorted(member.id for member in members)


def pump(members, until, seconds: float = SECONDS) -> None:
    """Lets `members` read, and so answer, whatever comes until `until()` holds."""
    sockets = {member.socket.connection.socket: member for member in members}
    deadline = time.monotonic() + seconds
    while not until():
        left = deadline - time.monotonic()
        assert left > 0, "nothing came of it in time"
        ready = [member for member in members if member.socket.connection.buffer]
        if not ready:
            ready = [sockets[one] for one in select.select(sockets, [], [], min(left, 0.1))[0]]
        for member in ready:
            member._take()


def asked(members, event: str, *arguments):
    """As `ask` of the first of `members`, while all of them answer what they are asked."""
    number = members[0].begin(event, *arguments)
    pump(members, lambda: members[0].has_answer(number))
    return members[0].answer_of(number)


def fence(member: Member, members) -> dict[Member, list[list]]:
    """What each of `members` has received before a cast that `member` sends to all of them."""
    number = next(_fences)
    assert member.ask("cast", {}, "fence", json.dumps([number])) == "sent"
    return {other: other.events_until("fence", number) for other in members}


def heard(members, expected: dict, event: str = "said") -> None:
    """Checks that each of `members` hears what `expected` says, in order, and nothing else."""
    got = {member: [] for member in members}
    for member, arguments in expected.items():
        for _ in arguments:
            got[member].append(member.event(event)[1:])
    # Nothing is still under way from any server to any other.
    for sender in {member.server: member for member in members}.values():
        for member, rest in fence(sender, members).items():
            got[member] += [late[1:] for late in rest if late[0] == event]
    assert got == {member: [list(one) for one in expected.get(member, [])] for member in members}


def settled(search, wanted, seconds: float = SECONDS) -> None:
    """Waits until `search()` is `wanted`."""
    last = []

    def is_so():
        last[:] = [search()]
        return last[0] == wanted

    eventually(is_so, seconds, lambda: f"{last[0]!r}, wanted {wanted!r}")


def _detach(value, attachments: list[bytes]):
    if isinstance(value, bytes):
        attachments.append(value)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, (list, tuple)):
        return [_detach(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: _detach(item, attachments) for key, item in value.items()}
    return value


def _attach(value, attachments: list[bytes]):
    if isinstance(value, list):
        return [_attach(item, attachments) for item in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return attachments[value["num"]]
        return {key: _attach(item, attachments) for key, item in value.items()}
    return value
