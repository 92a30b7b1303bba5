"""RFC 6455 over a bare socket: frames as they are, right or wrong."""

import base64
import dataclasses
import os
import struct

from .deadline import SECONDS
from .http import Closed, Connection, head

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@dataclasses.dataclass
class Frame:
    opcode: int
    payload: bytes
    is_final: bool = True
    is_compressed: bool = False

    @property
    def close_code(self) -> int:
        """The code of a close frame; 1005 if it has none (§7.1.5)."""
        assert self.opcode == CLOSE
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else 1005


def frame(
    opcode: int,
    payload: bytes | str = b"",
    final: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length_form: int | None = None,
    declared: int | None = None,
) -> bytes:
    """The bytes of a frame (§5.2); `length_form` is 7, 16 or 64, `declared` a length that lies."""
    data = payload.encode() if isinstance(payload, str) else payload
    length = len(data) if declared is None else declared
    form = length_form or (7 if length < 126 else 16 if length < 65536 else 64)
    wire = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if form == 7:
        wire += bytes([mask_bit | length])
    elif form == 16:
        wire += bytes([mask_bit | 126]) + struct.pack("!H", length)
    else:
        wire += bytes([mask_bit | 127]) + struct.pack("!Q", length)
    if not masked:
        return wire + data
    mask = os.urandom(4)
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    masked_data = (
        int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
    ).to_bytes(len(data), "big")
    return wire + mask + masked_data


def close_frame(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def upgrade(target: str, *fields: str, key: str = KEY) -> str:
    return head(
        "GET", target, "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *fields,
    )


class RawWebSocket:
    """An open WebSocket whose frames the test writes itself."""

    def __init__(
        self, port: int, target: str, *fields: str, seconds: float = SECONDS,
        source: str | None = None,
    ):
        self.connection = Connection(port, seconds, source)
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.send(upgrade(target, *fields, key=key))
        self.response = self.connection.response()
        assert self.response.status == 101, self.response
        self.extensions = self.response.field("Sec-WebSocket-Extensions")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send_raw(self, data: bytes) -> None:
        self.connection.send(data)

    def send(self, payload: str | bytes) -> None:
        """A text or a binary message in one frame."""
        self.send_raw(frame(TEXT if isinstance(payload, str) else BINARY, payload))

    def frame(self) -> Frame:
        """The next frame; the server's must not be masked (§5.1)."""
        first, second = self.connection.read_exactly(2)
        assert not second & 0x80, "masked frame from the server"
        compressed = bool(first & 0x40)
        assert not first & 0x30, "reserved bits set"
        assert not compressed or self.extensions, "compressed without an agreement"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.connection.read_exactly(2))[0]
            assert length > 125, "length not minimal"
        elif length == 127:
            length = struct.unpack("!Q", self.connection.read_exactly(8))[0]
            assert length > 65535, "length not minimal"
        return Frame(first & 0x0F, self.connection.read_exactly(length), bool(first & 0x80), compressed)

    def message(self) -> str | bytes:
        """The next text or binary message, which the server sends in one frame."""
        received = self.frame()
        assert received.is_final and received.opcode in (TEXT, BINARY), received
        return received.payload.decode() if received.opcode == TEXT else received.payload

    def close_code(self) -> int:
        """The code of the close frame that comes next, other frames skipped.

        1006 if the stream ends without one.
        """
        try:
            while True:
                received = self.frame()
                if received.opcode == CLOSE:
                    return received.close_code
        except Closed:
            return 1006

    def is_closed(self) -> bool:
        """Whether nothing but the end of the stream follows."""
        return self.connection.is_closed()
