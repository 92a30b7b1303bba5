"""HTTP/1.1 over a bare socket: what is sent is sent byte for byte, what comes back is checked."""

import dataclasses
import json
import socket

from .deadline import SECONDS


@dataclasses.dataclass
class Response:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def field(self, name: str) -> str | None:
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Closed(Exception):
    """The peer closed, or reset, before the answer was complete."""


class Connection:
    """One TCP connection, from the address `source` if it matters; every read has a deadline."""

    def __init__(self, port: int, seconds: float = SECONDS, source: str | None = None):
        self.socket = socket.create_connection(
            ("127.0.0.1", port), seconds, source_address=(source, 0) if source else None
        )
        self.socket.settimeout(seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def close(self) -> None:
        self.socket.close()

    def _receive(self) -> bytes:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        return data

    def read_until(self, marker: bytes) -> bytes:
        while marker not in self.buffer:
            self.buffer += self._receive()
        head, self.buffer = self.buffer.split(marker, 1)
        return head

    def read_exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.buffer += self._receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def response(self, method: str = "GET") -> Response:
        """The next response; raises `Closed` if the stream ends before it."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ")
        assert version == "HTTP/1.1", lines[0]
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name == name.strip(), line
            fields.append((name, value.strip()))
        response = Response(int(status), fields, b"")
        if method == "HEAD" or response.status in (101, 204, 304) or response.status < 200:
            return response
        if (response.field("transfer-encoding") or "").lower() == "chunked":
            while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
                response.body += self.read_exactly(size)
                assert self.read_exactly(2) == b"\r\n"
            assert self.read_until(b"\r\n") == b""
            return response
        length = response.field("content-length")
        assert length is not None, f"neither length nor chunks: {lines}"
        response.body = self.read_exactly(int(length))
        return response

    def is_closed(self) -> bool:
        """Whether the peer now closes; waits for it until the deadline."""
        try:
            self.buffer += self._receive()
        except Closed:
            return True
        except TimeoutError:
            return False
        return False

    def rest(self) -> bytes:
        """Everything until the peer closes."""
        try:
            while True:
                self.buffer += self._receive()
        except Closed:
            pass
        data, self.buffer = self.buffer, b""
        return data


def head(method: str, target: str, *fields: str) -> str:
    """A request head with a Host and the given field lines."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""])


def request(
    port: int, method: str, target: str, body: bytes | str = b"", fields=(),
    seconds: float = SECONDS, source: str | None = None,
) -> Response:
    """One request over a connection of its own."""
    data = body.encode() if isinstance(body, str) else body
    lines = list(fields)
    if data or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(data)}")
    with Connection(port, seconds, source) as connection:
        connection.send(head(method, target, *lines).encode() + data)
        return connection.response(method)
