"""Compression with real clients: permessage-deflate (RFC 7692) and poll responses (§11)."""

import gzip
import itertools
import json
import os
import zlib

import pytest
import requests
import socketio
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

from conftest import start
from support import engine, http
from support.deadline import SECONDS
from support.websocket import TEXT, RawWebSocket, frame, upgrade

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
MODES = ["true", "takeover", "small"]
LONG = "long text " * 300
LIMIT = 1_000_000
_numbers = itertools.count()


@pytest.fixture(scope="module", params=MODES)
def deflating(request):
    return start(request, "ConformanceServer", "--deflate", request.param, "--loops", "1")


@pytest.fixture(scope="module")
def sharing(request):
    return start(request, "ConformanceServer", "--deflate", "true", "--loops", "1")


class Client:
    """A Socket.IO client over a WebSocket of the package `websockets`."""

    def __init__(self, server, **options):
        self._context = connect(
            f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket",
            max_size=1 << 24, **options,
        )
        self.socket = self._context.__enter__()
        assert self.socket.recv(timeout=SECONDS).startswith("0{")
        self.socket.send("40")
        assert self.socket.recv(timeout=SECONDS).startswith("40{")
        assert self.socket.recv(timeout=SECONDS).startswith('42["auth"')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._context.__exit__(None, None, None)

    @property
    def extensions(self) -> list:
        return self.socket.protocol.extensions

    def receive(self):
        while (message := self.socket.recv(timeout=SECONDS)) == "2":
            self.socket.send("3")
        return message

    def echo(self, *values) -> list:
        number = next(_numbers)
        self.socket.send(f"42{number}" + json.dumps(["echo", *values]))
        reply = self.receive()
        assert reply.startswith(f"43{number}["), reply[:100]
        return json.loads(reply[len(f"43{number}"):])


TEXTS = ["", "short", "é\u2028\U0001f600", LONG, "x" * 200_000, os.urandom(3000).hex(), LONG]


@pytest.mark.parametrize("offer", [
    {},
    {"client_max_window_bits": None},
    {"client_max_window_bits": 9},
    {"client_max_window_bits": 15},
    {"server_max_window_bits": 9},
    {"server_max_window_bits": 12, "client_max_window_bits": 10},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
], ids=str)
def test_websockets_with_parameters(deflating, offer):
    factory = ClientPerMessageDeflateFactory(**offer)
    with Client(deflating, compression=None, extensions=[factory]) as client:
        # A client that does not mention its window cannot be told to keep it small.
        is_silent = offer.get("client_max_window_bits", True) is None
        declined = "small" in deflating.arguments and is_silent
        assert len(client.extensions) == (0 if declined else 1)
        for _ in range(3):
            for text in TEXTS:
                assert client.echo(text, 1) == [text, 1]


@pytest.mark.parametrize("compression", ["deflate", None])
def test_websockets_fragments_and_binary(deflating, compression):
    with Client(deflating, compression=compression) as client:
        assert len(client.extensions) == (1 if compression else 0)
        text = json.dumps(["echo", LONG])
        client.socket.send(["427", text[:1000], text[1000:1001], text[1001:]])
        assert client.receive() == "437" + json.dumps([LONG], separators=(",", ":"))
        data = b"binary " * 1000
        client.socket.send('451-8["reverse",{"_placeholder":true,"num":0}]')
        client.socket.send(data)
        assert client.receive() == '461-8[{"_placeholder":true,"num":0}]'
        assert client.receive() == data[::-1]


def test_off_by_default(server):
    with Client(server, compression="deflate") as client:
        assert client.extensions == []
        assert client.echo(LONG) == [LONG]


def test_upgrade_and_python_socketio(sharing):
    # Its websocket-client offers no compression, its requests take gzip.
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        client = socketio.Client(reconnection=False, handle_sigint=False)
        client.connect(sharing.url, transports=transports, wait_timeout=SECONDS)
        assert client.call("echo", LONG, timeout=SECONDS) == LONG
        client.disconnect()


def raw_client(server, *fields: str) -> RawWebSocket:
    """A client in `/` that has seen its greeting."""
    socket = RawWebSocket(server.port, engine.target("websocket"), *fields)
    assert socket.message().startswith("0{")
    socket.send("40")
    assert socket.message().startswith("40{")
    assert socket.message().startswith('42["auth"')
    return socket


def inflate(payload: bytes) -> str:
    return zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff").decode()


def test_a_broadcast_is_compressed_for_those_who_asked(sharing):
    plain = raw_client(sharing)
    clients = [raw_client(sharing, OFFER) for _ in range(3)]
    small = raw_client(
        sharing, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"
    )
    assert plain.extensions is None
    packet = f'42["said","{LONG}"]'
    for _ in range(2):
        plain.send(f'42["everyone","{LONG}"]')
        assert plain.message() == packet
        frames = [client.frame() for client in clients]
        assert all(received.is_compressed and received.opcode == TEXT for received in frames)
        assert len({received.payload for received in frames}) == 1
        assert inflate(frames[0].payload) == packet
        assert len(frames[0].payload) < len(packet) / 10
        received = small.frame()
        assert received.is_compressed
        window = zlib.decompressobj(-9)
        assert window.decompress(received.payload + b"\x00\x00\xff\xff").decode() == packet
    # `compress(false)`, and what is short.
    plain.send(f'42["everyone-plain","{LONG}"]')
    plain.send('42["everyone","short"]')
    for client in [plain, *clients, small]:
        for expected in (packet, '42["said","short"]'):
            received = client.frame()
            assert (received.is_compressed, received.payload.decode()) == (False, expected)
    clients[0].send(f'42["plain","{LONG}"]')
    assert not clients[0].frame().is_compressed
    for client in [plain, *clients, small]:
        client.connection.close()


@pytest.mark.parametrize("fields, status", [
    (["Sec-WebSocket-Extensions: permessage-deflate;"], 400),
    (["Sec-WebSocket-Extensions: permessage-deflate; a=\"b"], 400),
    (["Sec-WebSocket-Extensions: ="], 400),
    (["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"], 101),
    (["Sec-WebSocket-Extensions: " + "permessage-deflate; x, " * 500], 101),
])
def test_offers(sharing, fields, status):
    with http.Connection(sharing.port) as connection:
        connection.send(upgrade(engine.target("websocket"), *fields))
        response = connection.response()
        assert response.status == status
        assert response.field("Sec-WebSocket-Extensions") is None


def bomb(count: int) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(b"4" * count) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize("payload, code", [
    (bomb(LIMIT + 1), 1009), (bomb(500_000_000), 1009), (b"\xff\xff\xff", 1007), (b"\x07", 1007),
    (b"\xf2\x48", 1007), (b"\x00\x01\x00\xfe\xff\xc3\x00", 1007),
], ids=["just too big", "bomb", "garbage", "bad block", "cut short", "no text"])
@pytest.mark.parametrize("fragments", [1, 5])
def test_hostile_messages(deflating, payload, code, fragments):
    socket = raw_client(deflating, OFFER)
    size = len(payload) // fragments + 1
    pieces = [payload[start:start + size] for start in range(0, len(payload), size)]
    for index, piece in enumerate(pieces):
        socket.send_raw(frame(
            TEXT if index == 0 else 0, piece, final=index == len(pieces) - 1,
            reserved=4 if index == 0 else 0,
        ))
    assert socket.close_code() == code
    assert socket.is_closed()
    peak = next(
        int(line.split()[1]) for line in open(f"/proc/{deflating.pid}/status")
        if line.startswith("VmHWM")
    )
    assert peak < 200_000, f"{peak} kB were used"
    with Client(deflating) as client:
        assert client.echo(LONG) == [LONG]


def test_one_clients_bombs_do_not_hold_up_another(sharing):
    hostile = raw_client(sharing, OFFER)
    payload = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = '42["none","' + "x" * 900_000 + '"]'
    message = (payload.compress(text.encode()) + payload.flush(zlib.Z_SYNC_FLUSH))[:-4]
    with Client(sharing) as client:
        hostile.send_raw(frame(TEXT, message, reserved=4) * 200)
        for _ in range(10):
            assert client.echo("x") == ["x"]
    hostile.send('4299["echo",1]')
    assert hostile.message() == "4399[1]"


@pytest.mark.parametrize("accepted, coding", [
    ("gzip, deflate, br", "gzip"), ("deflate", "deflate"), ("gzip;q=0.1, deflate;q=0.2", "deflate"),
    ("br", None), ("identity", None), ("", None),
])
def test_polls(server, accepted, coding):
    session = requests.Session()
    session.headers["Accept-Encoding"] = accepted or None
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    opened = session.get(url, timeout=SECONDS).text
    sid = json.loads(opened[1:])["sid"]
    url += "&sid=" + sid
    assert session.post(url, data="40", timeout=SECONDS).text == "ok"
    session.get(url, timeout=SECONDS)
    answer = session.post(url, data=f'421["echo","{LONG}"]'.encode(), timeout=SECONDS)
    assert (answer.text, answer.headers.get("Content-Encoding")) == ("ok", None)
    response = session.get(url, timeout=SECONDS)
    assert response.text == f'431["{LONG}"]'
    assert response.headers.get("Content-Encoding") == coding
    assert (int(response.headers["Content-Length"]) < 1000) == (coding is not None)
    session.post(url, data=f'42["plain","{LONG}"]'.encode(), timeout=SECONDS)
    response = session.get(url, timeout=SECONDS)
    assert response.text == f'42["said","{LONG}"]'
    assert response.headers.get("Content-Encoding") is None


def test_polls_uncompressed(start_server):
    server = start_server("--http-compression", "false")
    polling = engine.Polling(server.port, fields=("Accept-Encoding: gzip",))
    polling.send("40")
    polling.poll()
    polling.send(f'421["echo","{LONG}"]')
    response = http.request(
        server.port, "GET", polling.target, fields=("Accept-Encoding: gzip",)
    )
    assert response.field("Content-Encoding") is None
    assert response.text == f'431["{LONG}"]'


def test_compressed_posts_are_refused(server):
    polling = engine.Polling(server.port)
    response = polling.post(gzip.compress(b"40"), ("Content-Encoding: gzip",))
    assert response.status == 415
    assert response.field("Accept-Encoding") == "identity"
    polling.send("40")
    assert polling.poll()[0].startswith("40{")


def test_a_session_that_breaks_the_rules_is_told(deflating):
    with Client(deflating, compression="deflate") as client:
        client.socket.send("4" + "x" * (LIMIT + 1))
        with pytest.raises(ConnectionClosed) as closed:
            client.receive()
        assert closed.value.rcvd.code == 1009
        assert closed.value.rcvd.reason == f"message of more than {LIMIT} bytes"
