"""Engine.IO v4 from the client's side, one packet at a time, over either transport."""

import itertools
import json

from . import http
from .deadline import SECONDS
from .websocket import CLOSE, TEXT, RawWebSocket

PATH = "/socket.io/"
SEPARATOR = "\x1e"
ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_names = itertools.count()


def target(transport: str, sid: str | None = None, path: str = PATH, **query: str) -> str:
    parts = ["EIO=4", f"transport={transport}"]
    if sid is not None:
        parts.append(f"sid={sid}")
    parts += [f"{name}={value}" for name, value in query.items()]
    return path + "?" + "&".join(parts)


class Polling:
    """A session over long-polling; each call is one HTTP request."""

    def __init__(self, port: int, fields=(), path: str = PATH, source: str | None = None):
        self.port = port
        self.path = path
        self.source = source
        self.response = http.request(
            port, "GET", target("polling", path=path), fields=fields, source=source
        )
        assert self.response.status == 200, self.response
        assert self.response.text.startswith("0{"), self.response
        self.open = json.loads(self.response.text[1:])
        self.sid = self.open["sid"]

    @property
    def target(self) -> str:
        return target("polling", self.sid, self.path)

    def get(self, seconds: float = SECONDS) -> http.Response:
        return http.request(self.port, "GET", self.target, seconds=seconds, source=self.source)

    def post(self, body: str | bytes, fields=("Content-Type: text/plain;charset=UTF-8",)):
        return http.request(self.port, "POST", self.target, body, fields, source=self.source)

    def poll(self) -> list[str]:
        """The packets that the next poll answers."""
        response = self.get()
        assert response.status == 200, response
        return response.text.split(SEPARATOR)

    def send(self, *packets: str) -> None:
        response = self.post(SEPARATOR.join(packets))
        assert (response.status, response.text) == (200, "ok"), response

    def pending_get(self, seconds: float = SECONDS) -> http.Connection:
        """A poll under way on a connection of its own."""
        connection = http.Connection(self.port, seconds, self.source)
        connection.send(http.head("GET", self.target))
        return connection

    def receive(self) -> str:
        """The next packet; pings are answered and not returned."""
        if not hasattr(self, "_queue"):
            self._queue = []
        while True:
            while self._queue:
                packet = self._queue.pop(0)
                if packet != "2":
                    return packet
                self.send("3")
            self._queue = self.poll()

    def close(self) -> None:
        self.post("1")


class Socket:
    """A session over WebSocket; pings are answered unless `answers_pings` is off."""

    def __init__(
        self,
        port: int,
        *fields: str,
        seconds: float = SECONDS,
        answers_pings: bool = True,
        query: dict[str, str] | None = None,
        source: str | None = None,
    ):
        self.answers_pings = answers_pings
        path = target("websocket", **(query or {}))
        self.socket = RawWebSocket(port, path, *fields, seconds=seconds, source=source)
        first = self.socket.message()
        assert first.startswith("0{"), first
        self.open = json.loads(first[1:])
        self.sid = self.open["sid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.connection.close()

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            self.socket.send(packet)

    def receive(self) -> str | bytes:
        while True:
            message = self.socket.message()
            if message != "2" or not self.answers_pings:
                return message
            self.socket.send("3")

    def close_code(self) -> int:
        return self.socket.close_code()

    def connect(self, namespace: str = "/quiet", auth=None) -> str:
        """Joins `namespace`; its socket id."""
        name = "" if namespace == "/" else namespace + ","
        self.send(f"40{name}{'' if auth is None else json.dumps(auth)}")
        reply = self.receive()
        assert reply.startswith(f"40{name}{{"), reply
        return json.loads(reply[2 + len(name):])["sid"]

    def is_alive(self) -> bool:
        """Whether an echo through `/quiet`, which must be joined, still comes back."""
        marker = f"alive-{next(_names)}"
        self.send(f'42/quiet,99["echo","{marker}"]')
        return self.receive() == f'43/quiet,99["{marker}"]'

    def closes(self) -> int:
        """Asserts that the server closes the session; returns the close code seen."""
        while True:
            received = self.socket.frame()
            if received.opcode == CLOSE:
                return received.close_code
            assert received.opcode == TEXT and received.payload in (b"2", b"6"), received
