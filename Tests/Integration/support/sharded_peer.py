"""A stand-in for a Node.js server with the sharded adapter (redis-wire.md sections 2 and 3)."""

import json
import secrets
import threading
import time

from .deadline import SECONDS
from .node_peer import compact, pack, unpack
from .process import eventually
from .redis import RedisServer, Subscriber

(INITIAL_HEARTBEAT, HEARTBEAT, BROADCAST, JOIN, LEAVE, DISCONNECT, FETCH, FETCHED, SERVER_SIDE,
 SERVER_SIDE_ANSWER, COUNT, ACK, CLOSE) = range(1, 14)
#: May hold binary, and is MessagePack then.
BINARY = {BROADCAST, FETCHED, SERVER_SIDE, SERVER_SIDE_ANSWER, ACK}
RESPONSES = {FETCHED, SERVER_SIDE_ANSWER, COUNT, ACK}


def name() -> str:
    """A uid or a requestId."""
    return secrets.token_hex(8)


def decode(payload: bytes) -> dict:
    return json.loads(payload) if payload[:1] == b"{" else unpack(payload)


def has_binary(value) -> bool:
    if isinstance(value, dict):
        return any(map(has_binary, value.values()))
    if isinstance(value, list):
        return any(map(has_binary, value))
    return isinstance(value, bytes)


def encode(message: dict) -> bytes:
    if message["type"] in BINARY and has_binary(message.get("data")):
        return pack(message)
    return compact(message).encode()


class ShardedPeer:
    """One adapter of one namespace, in the mode `static` unless it subscribes to `rooms`."""

    def __init__(self, redis: RedisServer, prefix: str, nsp: str = "/", sockets=(), rooms=()):
        self.redis = redis
        self.prefix = prefix
        self.nsp = nsp
        self.uid = name()
        self.sockets = list(sockets)
        #: Instead of the right answers to a type: a function of the request and those.
        self.answers: dict[int, object] = {}
        self.reply = lambda socket, arguments: "ok"
        self.server_reply = lambda arguments: {"heard": arguments}
        self.requests: list[dict] = []
        self._changed = threading.Condition()
        channels = [self.channel, self.own_channel, *map(self.room_channel, rooms)]
        self.subscriber = Subscriber(redis.port, sharded=channels, on_message=self._receive)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.subscriber.close()

    @property
    def channel(self) -> str:
        return f"{self.prefix}#{self.nsp}#"

    @property
    def own_channel(self) -> str:
        return f"{self.channel}{self.uid}#"

    def room_channel(self, room: str) -> str:
        return f"{self.channel}{room}#"

    # Sending

    def message(self, kind: int, data=...) -> dict:
        body = {"type": kind} if data is ... else {"type": kind, "data": data}
        return {**body, "uid": self.uid, "nsp": self.nsp}

    def send(self, kind: int, data=..., channel: str | None = None) -> int:
        return self.redis.spublish(channel or self.channel, encode(self.message(kind, data)))

    def broadcast(self, event: str, *arguments, rooms=(), excluded=(), flags=None, own=None) -> int:
        """Into the room channel `own`, or the general one."""
        data = {
            "packet": {"type": 2, "data": [event, *arguments]},
            "opts": {"rooms": list(rooms), "except": list(excluded), "flags": flags or {}},
        }
        return self.send(BROADCAST, data, self.room_channel(own) if own else None)

    def ask_all(self, event: str, *arguments, rooms=(), flags=None) -> str:
        number = name()
        self.send(BROADCAST, {
            "packet": {"type": 2, "data": [event, *arguments]}, "requestId": number,
            "opts": {"rooms": list(rooms), "except": [], "flags": flags or {}},
        })
        return number

    def request(self, kind: int, **data) -> str:
        number = name()
        self.send(kind, {**data, "requestId": number})
        return number

    # Receiving

    def found(self, number: str) -> list[dict]:
        """The answers so far to the request `number`, on the channel of this peer."""
        answers = [decode(data) for channel, data in list(self.subscriber.messages)
                   if channel == self.own_channel]
        return [one for one in answers if one.get("data", {}).get("requestId") == number]

    def responses(self, number: str, count: int = 1, seconds: float = SECONDS) -> list[dict]:
        """As `found`, once there are `count`."""
        eventually(lambda: len(self.found(number)) >= count, seconds,
                   lambda: f"{self.found(number)} of {self.subscriber.messages[-20:]}")
        return self.found(number)

    def received(self, kind: int, count: int = 1, seconds: float = SECONDS) -> list[dict]:
        """The others' messages of a kind, once there are `count`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [request for request in self.requests if request["type"] == kind]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} of {count} messages {kind}: {self.requests}"
                self._changed.wait(left)

    def _receive(self, channel: str, payload: bytes) -> None:
        try:
            request = decode(payload)
        except ValueError:
            return
        if channel == self.own_channel or request.get("uid") == self.uid:
            return
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        kind = request["type"]
        right = self._right_answers(kind, request.get("data") or {})
        change = self.answers.get(kind)
        for answer in right if change is None else change(request, right):
            self.answer(request, *answer)

    def answer(self, request: dict, kind: int, data: dict) -> None:
        self.send(kind, data, f"{self.channel}{request['uid']}#")

    def _right_answers(self, kind: int, data: dict) -> list[tuple[int, dict]]:
        number = data.get("requestId")
        if number is None:
            return []
        match kind:
            case 3:
                asked = [one for one in self.sockets if one.is_in(data["opts"])]
                arguments = data["packet"]["data"][1:]
                return [
                    (COUNT, {"requestId": number, "clientCount": len(asked)}),
                    *((ACK, {"requestId": number, "packet": self.reply(one, arguments)})
                      for one in asked),
                ]
            case 7:
                chosen = [one.details for one in self.sockets if one.is_in(data["opts"])]
                return [(FETCHED, {"requestId": number, "sockets": chosen})]
            case 9:
                reply = self.server_reply(data["packet"])
                if reply is ...:
                    return []
                return [(SERVER_SIDE_ANSWER, {"requestId": number, "packet": reply})]
        return []
