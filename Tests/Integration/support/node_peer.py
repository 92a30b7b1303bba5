"""A stand-in for a Node.js server with @socket.io/redis-adapter: the classic wire, by hand.

What it sends is what the reference sends (redis-wire.md sections 1 and 5), and what it hears is
kept as it came. It holds sockets that are only names.
"""

import dataclasses
import json
import random
import string
import threading
import time

import msgpack

from .deadline import SECONDS
from .redis import RedisServer, Subscriber

SOCKETS, ALL_ROOMS, JOIN, LEAVE, DISCONNECT, FETCH, SERVER_SIDE, BROADCAST, COUNT, ACK = range(10)


def pack(value) -> bytes:
    return msgpack.packb(value, use_bin_type=True)


def unpack(data: bytes):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def compact(value) -> str:
    """JSON as `JSON.stringify` writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def name() -> str:
    """A uid or a requestId: six letters or digits."""
    return "".join(random.choices(string.ascii_letters + string.digits, k=6))


def packet(event: str, *arguments, nsp: str = "/") -> dict:
    return {"type": 2, "data": [event, *arguments], "nsp": nsp}


def options(rooms=(), excluded=(), flags=None) -> dict:
    return {"rooms": list(rooms), "except": list(excluded), "flags": flags or {}}


@dataclasses.dataclass
class FakeSocket:
    """What the peer tells others of a socket."""

    id: str
    rooms: list[str] = dataclasses.field(default_factory=list)
    data: object = None
    handshake: dict = dataclasses.field(default_factory=lambda: {
        "headers": {"x-test": "node"}, "time": "Sat Nov 21 2026 08:00:00 GMT+0000",
        "address": "::1", "xdomain": False, "secure": False, "issued": 1795248000000,
        "url": "/socket.io/?EIO=4&transport=websocket",
        "query": {"EIO": "4", "transport": "websocket", "colour": "blue"},
        "auth": {"token": "node"},
    })

    @property
    def details(self) -> dict:
        return {
            "id": self.id, "handshake": self.handshake, "rooms": [self.id, *self.rooms],
            "data": {} if self.data is None else self.data,
        }

    def is_in(self, opts: dict) -> bool:
        rooms = {self.id, *self.rooms}
        return (not opts["rooms"] or bool(rooms & set(opts["rooms"]))) and not (
            rooms & set(opts.get("except", []))
        )


class NodePeer:
    """One adapter of one namespace: subscribes as the reference does, answers as it does.

    `answers` maps a request type to a function of the request and the right answer, which gives
    the payloads to publish instead: none, late ones, several.
    """

    def __init__(
        self, redis: RedisServer, key: str, nsp: str = "/", sockets=(), specific: bool = False,
    ):
        self.redis = redis
        self.key = key
        self.nsp = nsp
        self.uid = name()
        self.sockets = list(sockets)
        self.is_specific = specific
        self.answers: dict[int, object] = {}
        #: The first argument of a socket's acknowledgement: by the socket, of the arguments.
        self.reply = lambda socket, arguments: "ok"
        #: What the server answers to a server-side event; `...` never answers.
        self.server_reply = lambda arguments: {"heard": arguments}
        self.requests: list[dict] = []
        self._own: set[str] = set()
        self._changed = threading.Condition()
        self.subscriber = Subscriber(
            redis.port, self.request_channel, self.response_channel, self.own_response_channel,
            patterns=[f"{key}#{nsp}#*"], on_message=self._receive,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.subscriber.close()

    # Channels (section 1.1)

    @property
    def request_channel(self) -> str:
        return f"{self.key}-request#{self.nsp}#"

    @property
    def response_channel(self) -> str:
        return f"{self.key}-response#{self.nsp}#"

    @property
    def own_response_channel(self) -> str:
        return f"{self.key}-response#{self.nsp}#{self.uid}#"

    def channel(self, rooms=()) -> str:
        rooms = list(rooms)
        return f"{self.key}#{self.nsp}#" + (f"{rooms[0]}#" if len(rooms) == 1 else "")

    # Sending

    def broadcast(self, event: str, *arguments, rooms=(), excluded=(), flags=None) -> int:
        """Section 1.2: how many subscriptions took it."""
        message = [
            self.uid, packet(event, *arguments, nsp=self.nsp), options(rooms, excluded, flags)
        ]
        return self.redis.publish(self.channel(rooms), pack(message))

    def request(self, kind: int, **fields) -> str:
        """Publishes a request as JSON in the reference's order; its requestId."""
        number = fields.pop("requestId", None) or name()
        self._own.add(number)
        body = {"uid": self.uid, "requestId": number, "type": kind, **fields}
        if kind in (JOIN, LEAVE, DISCONNECT) or fields.get("without_ack"):
            body.pop("requestId")
            body.pop("without_ack", None)
        self.redis.publish(self.request_channel, compact(body))
        return number

    def ask_all(self, event: str, *arguments, rooms=(), excluded=(), flags=None) -> str:
        """A broadcast with acks (section 1.4); its requestId."""
        number = name()
        self._own.add(number)
        self.redis.publish(self.request_channel, pack({
            "uid": self.uid, "requestId": number, "type": BROADCAST,
            "packet": packet(event, *arguments, nsp=self.nsp),
            "opts": options(rooms, excluded, flags),
        }))
        return number

    def responses(
        self, number: str, count: int = 1, kind: int | None = None, seconds: float = SECONDS
    ) -> list:
        """The answers to the request `number`, once there are `count`."""
        found: list = []

        def wanted(channel: str, payload: bytes) -> bool:
            if channel not in (self.response_channel, self.own_response_channel):
                return False
            answer = decode(payload)
            return answer.get("requestId") == number and kind in (None, answer.get("type"))

        for _, payload in self.subscriber.wait(wanted, seconds, count):
            found.append(decode(payload))
        return found

    # Receiving

    def broadcasts(self, count: int = 1, event: str | None = None, seconds: float = SECONDS) -> list:
        """The others' broadcasts as (channel, uid, packet, opts), once there are `count`."""
        prefix = self.channel()

        def wanted(channel: str, payload: bytes) -> bool:
            if not channel.startswith(prefix):
                return False
            uid, sent, _ = unpack(payload)
            return uid != self.uid and event in (None, sent["data"][0])

        return [
            (channel, *unpack(payload))
            for channel, payload in self.subscriber.wait(wanted, seconds, count)
        ]

    def received(self, kind: int, count: int = 1, seconds: float = SECONDS) -> list[dict]:
        """The others' requests of a kind, once there are `count`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [request for request in self.requests if request["type"] == kind]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} of {count} requests {kind}: {self.requests}"
                self._changed.wait(left)

    def _receive(self, channel: str, payload: bytes) -> None:
        if channel != self.request_channel:
            return
        try:
            request = decode(payload)
        except ValueError:
            return
        kind = request.get("type")
        if request.get("uid") == self.uid or request.get("requestId") in self._own:
            return
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        right = self._right_answers(kind, request)
        change = self.answers.get(kind)
        for answer in right if change is None else change(request, right):
            self.answer(request, answer)

    def answer(self, request: dict, payload) -> None:
        """Publishes an answer where the request wants it; a dictionary as JSON."""
        own = self.is_specific and request.get("type") != SERVER_SIDE and request.get("uid")
        channel = f"{self.key}-response#{self.nsp}#" + (f"{request['uid']}#" if own else "")
        data = compact(payload) if isinstance(payload, dict) else payload
        self.redis.publish(channel, data)

    def _right_answers(self, kind: int, request: dict) -> list:
        number = request.get("requestId")
        match kind:
            case 0:
                chosen = [one.id for one in self.sockets if one.is_in({"rooms": request["rooms"]})]
                return [{"requestId": number, "sockets": chosen}]
            case 1:
                rooms = {room for one in self.sockets for room in (one.id, *one.rooms)}
                return [{"requestId": number, "rooms": sorted(rooms)}]
            case 5:
                chosen = [one.details for one in self.sockets if one.is_in(request["opts"])]
                return [{"requestId": number, "sockets": chosen}]
            case 6 if number is not None:
                reply = self.server_reply(request["data"])
                return [] if reply is ... else [{"type": 6, "requestId": number, "data": reply}]
            case 7:
                asked = [one for one in self.sockets if one.is_in(request["opts"])]
                count = {"type": COUNT, "requestId": number, "clientCount": len(asked)}
                arguments = request["packet"]["data"][1:]
                return [count, *(
                    pack({"type": ACK, "requestId": number, "packet": self.reply(one, arguments)})
                    for one in asked
                )]
        return []


def decode(payload: bytes):
    """A request or a response (section 1.3)."""
    return json.loads(payload) if payload[:1] == b"{" else unpack(payload)
