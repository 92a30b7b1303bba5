"""Clients of Socket.IO v2 (Engine.IO 3) against our server, alone and among those of v4."""

import contextlib
import gzip
import json

import pytest
from websockets.sync.client import connect

from support import http
from support.deadline import SECONDS
from support.process import eventually
from support.v2 import TRANSPORTS, V2Client
from support.websocket import RawWebSocket
from test_python_client import Client

# A client of v2 gives up when no pong has come by its next ping: that must not be soon.
SERVER_ARGUMENTS = (
    "--allow-eio3", "true", "--ping-interval", 10_000, "--ping-timeout", 20_000,
    "--max-payload", 1_000_000,
)
OCTETS = "Content-Type: application/octet-stream"


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture(params=TRANSPORTS)
def v4_transport(request):
    return request.param


@pytest.fixture
def make(server, transport):
    clients = []

    def make_client(name: str = "") -> V2Client:
        clients.append(V2Client(server, name or transport))
        return clients[-1]

    yield make_client
    for client in clients:
        client.close()


@pytest.fixture
def make_v4(server, v4_transport):
    clients = []

    def make_client() -> Client:
        clients.append(Client(server, v4_transport))
        return clients[-1]

    yield make_client
    for client in clients:
        client.close()


def test_is_in_the_default_namespace_without_asking(make, transport, healthy):
    client = make().connect()
    expected = "polling" if transport == "polling" else "websocket"
    assert client.current_transport() == expected
    assert client.next("auth") == [{}]
    assert client.call("add", 2, 3) == 5


def test_events_and_acks_both_ways(make):
    client = make().connect()
    # This client counts a polling body in characters, not in UTF-16: no emoji there.
    text = "é€\u2028" if client.transport == "polling" else "é€\U0001f600"
    client.emit("message", "a", 1, 2.5, None, True, [text], {"k": "v"})
    assert client.next("message-back") == ["a", 1, 2.5, None, True, [text], {"k": "v"}]
    assert client.call("echo", 1, "two", {"three": [3]}) == [1, "two", {"three": [3]}]
    assert client.call("echo") is None
    assert client.call("throws-ack-error") == {"error": {"code": "E_REFUSED"}}
    client.emit("ask-me", 21)
    assert client.next("answer") == [42]


def test_binary_both_ways(make):
    client = make().connect()
    data = bytes(range(256))
    assert client.call("reverse", data) == data[::-1]
    client.emit("send-binary", 70_000)
    nested = {"title": "nested", "content": b"\x01\x02\x03"}
    assert client.next("binary") == [(data * 274)[:70_000], nested]
    upload = {"name": "x", "file": data, "parts": [{"title": "p", "content": b"\xff\x00"}]}
    receipt = client.call("upload", upload)
    assert receipt["file"] == data[::-1] and receipt["parts"][0]["content"] == b"\xff\x00"
    client.emit("ask-me-binary", b"\x00\x01\xff")
    assert client.next("answer") == [b"\xff\x01\x00"]


def test_many_events_keep_their_order(make):
    client = make().connect()
    client.emit("burst", 500)
    assert [client.next("number")[0] for _ in range(500)] == list(range(500))


def test_other_namespaces(make):
    client = make().connect("/custom", "/quiet")
    assert client.next("auth", "/custom") == [{}]
    client.emit("message", "c", namespace="/custom")
    assert client.next("message-back", "/custom") == ["c"]
    assert client.call("add", 1, 2, namespace="/quiet") == 3
    assert client.call("add", 1, 2) == 3


def test_auth_is_in_the_name_of_the_namespace(make):
    client = make().connect("/auth?token=secret")
    assert client.call("add", 1, 2, namespace="/auth") == 3


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("/auth", ["no token"]),
        ("/auth?token=wrong", [{"code": "E_AUTH"}]),
        ("/broken", ["internal error"]),
        ("/nowhere", [{"message": "Invalid namespace"}]),
    ],
)
def test_refusals(make, name, error):
    client = make().connect(name, joins=False)
    assert client.next("connect_error", name.split("?")[0]) == error
    assert client.call("add", 1, 2) == 3


def test_disconnects(make, server):
    client = make().connect("/quiet")
    client.disconnect()
    for sid in (client.sid, f"/quiet#{client.sid}"):
        assert server.reasons(sid)[1] == "disconnect:client namespace disconnect"
    other = make().connect()
    other.emit("disconnect-me", True)
    other.next("disconnect")
    assert server.reasons(other.sid)[1] == "disconnect:server namespace disconnect"


def test_stays_as_long_as_it_pings(start_server, transport):
    server = start_server("--allow-eio3", "true", "--ping-interval", 1500)
    client = V2Client(server, transport)
    try:
        client.connect()
        # The client pings at once and every pingInterval; without an answer it gives up.
        for _ in range(3):
            client.next("pong")
        assert client.queue("disconnect").empty()
        assert client.call("add", 2, 2) == 4
    finally:
        client.close()


def test_a_room_of_both_versions(make, make_v4):
    old, new = make().connect(), make_v4().connect()
    for client in (old, new):
        assert client.call("join", "both") == ["both"]
    text = "grüße €"
    new.io.emit("to-room", ("both", text))
    assert old.next("said") == [text]
    old.emit("to-room", "both", text)
    assert new.next("said") == (text,)
    data = bytes(range(256)) * 300
    new.io.emit("binary-to-room", ("both", data))
    assert old.next("said") == [data]
    old.emit("binary-to-room", "both", data)
    assert new.next("said") == (data,)
    # To all at once, text and binary in order.
    old.emit("in-room", "both", "all")
    assert old.next("said") == ["all"]
    assert new.next("said") == ("all",)
    new.io.on("room-question", lambda room: "v4 in " + room)
    assert old.call("ask-room", "both", 50_000) == {
        "answers": ["v2 in both", "v4 in both"], "isComplete": True,
    }
    for client in (old, new):
        assert client.call("leave", "both") == []


def test_upgraded_and_polling_clients_of_one_room(make, server):
    clients = [make(name).connect() for name in TRANSPORTS]
    for client in clients:
        client.call("join", "three")
    for sender in clients:
        data = sender.transport.encode() + b"\x00\xff"
        sender.emit("binary-to-room", "three", data)
        for client in clients:
            if client is not sender:
                assert client.next("said") == [data]


@pytest.mark.parametrize("transport", ["websocket", "upgrade"])
def test_drop_is_noticed(make, server):
    client = make().connect()
    client.process.kill()
    assert server.reasons(client.sid)[1] == "disconnect:transport close"


# By hand, as no client would


def packets(body: str) -> list[str]:
    """The packets of a text body; its lengths are UTF-16 code units."""
    units = body.encode("utf-16-le")
    found, start = [], 0
    while start < len(units):
        colon = units.index(b":\0", start)
        length = 2 * int(units[start:colon].decode("utf-16-le"))
        found.append(units[colon + 2:colon + 2 + length].decode("utf-16-le"))
        start = colon + 2 + length
    return found


class RawPolling:
    def __init__(self, port: int, query: str = ""):
        self.port = port
        self.base = f"/socket.io/?EIO=3&transport=polling{query}"
        body = http.request(port, "GET", self.base).text
        [first] = packets(body)
        assert body == f"{len(first)}:{first}" and first[0] == "0"
        self.open = json.loads(first[1:])
        self.sid = self.open["sid"]
        self.target = f"{self.base}&sid={self.sid}"

    def get(self) -> http.Response:
        return http.request(self.port, "GET", self.target)

    def post(self, body: bytes | str, *fields: str) -> http.Response:
        return http.request(self.port, "POST", self.target, body, fields)


def test_the_wire_of_polling(server, healthy):
    raw = RawPolling(server.port)
    assert set(raw.open) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    # The namespace is joined on the poll after the handshake; the app's event follows.
    assert raw.get().text == '2:4013:42["auth",{}]'
    emoji = '42["message","\U0001f600é€"]'
    assert raw.post(f"{len(emoji) + 1}:{emoji}").text == "ok"
    assert packets(raw.get().text) == ['42["message-back","\U0001f600é€"]']
    assert raw.post("9:40/quiet,").text == "ok"
    assert raw.get().text == "9:40/quiet,"
    assert raw.post("1:2").text == "ok"
    assert raw.get().text == "1:3"
    body = b'451-7["reverse",{"_placeholder":true,"num":0}]'
    digits = bytes(int(digit) for digit in str(len(body)))
    framed = b"\0" + digits + b"\xff" + body + b"\1\4\xff\4\1\2\3"
    assert raw.post(framed, OCTETS).text == "ok"
    answer = raw.get()
    assert answer.field("content-type") == "application/octet-stream"
    ack = b'461-7[{"_placeholder":true,"num":0}]'
    digits = bytes(int(digit) for digit in str(len(ack)))
    assert answer.body == b"\0" + digits + b"\xff" + ack + b"\1\4\xff\4\3\2\1"


def test_the_wire_of_websocket(server, healthy):
    with RawWebSocket(server.port, "/socket.io/?EIO=3&transport=websocket") as socket:
        sid = json.loads(socket.message()[1:])["sid"]
        assert socket.message() == "40"
        assert socket.message() == '42["auth",{}]'
        socket.send('451-7["reverse",{"_placeholder":true,"num":0}]')
        socket.send(b"\4\1\2\3")
        assert socket.message() == '461-7[{"_placeholder":true,"num":0}]'
        assert socket.message() == b"\4\3\2\1"
        socket.send("40/auth")
        assert socket.message() == '44/auth,"no token"'
        socket.send("40/auth?token=bad,")
        assert socket.message() == '44/auth,{"code":"E_AUTH"}'
        socket.send("40/zz")
        assert socket.message() == '44/zz,{"message":"Invalid namespace"}'
        socket.send("40/auth?token=secret&x=1")
        assert socket.message() == "40/auth,"
        socket.send('42/auth?token=secret,1["add",1,2]')
        assert socket.message() == "43/auth,1[3]"
        socket.send("41/auth?token=secret,")
        socket.send("41")
        for namespace in ("/auth#", ""):
            assert server.reasons(namespace + sid) == [
                f"{phase}:client namespace disconnect" for phase in ("disconnecting", "disconnect")
            ]
        socket.send("2")
        assert socket.message() == "3"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("", ()), ("4:40", ()), ("99999999999999999999:4", ()), ("2:4\U0001f600", ()),
        ("x", ()), ("1:9", ()), ("-1:4", ()), (b"2:4\xff", ()), (b"", (OCTETS,)),
        (b"\0\xff", (OCTETS,)), (b"\0\x09\x09\xff4", (OCTETS,)), (b"\1\1\xff\x09", (OCTETS,)),
        (b"\x09" * 500_000, (OCTETS,)), (b"\0" * 500_000, (OCTETS,)), ("9" * 500_000, ()),
        ("0:" * 200_000 + "x", ()),
    ],
)
def test_malformed_bodies_end_the_session(server, healthy, body, fields):
    raw = RawPolling(server.port)
    assert raw.post(body, *fields).text == "ok"
    assert eventually(lambda: raw.get().status == 400)


def test_compression_for_both_versions_in_one_room(start_server):
    server = start_server("--allow-eio3", "true", "--deflate", "true", "--loops", "1")
    data = b"compress me " * 1000
    placeholder = '{"_placeholder":true,"num":0}'
    with contextlib.ExitStack() as stack:
        clients = []
        for version in (3, 4):
            for compression in ("deflate", None):
                for _ in range(2):
                    url = f"ws://127.0.0.1:{server.port}/socket.io/?EIO={version}&transport=websocket"
                    socket = stack.enter_context(connect(url, compression=compression))
                    assert bool(socket.protocol.extensions) == (compression is not None)
                    assert socket.recv(timeout=SECONDS).startswith("0{")
                    if version == 4:
                        socket.send("40")
                    assert socket.recv(timeout=SECONDS).startswith("40")
                    assert socket.recv(timeout=SECONDS) == '42["auth",{}]'
                    socket.send('421["join","room"]')
                    assert socket.recv(timeout=SECONDS) == '431[["room"]]'
                    clients.append((version, socket))
        for version, sender in clients:
            sender.send(f'451-["binary-to-room","room",{placeholder}]')
            sender.send((b"\4" if version == 3 else b"") + data)
            for version, receiver in clients:
                if receiver is not sender:
                    assert receiver.recv(timeout=SECONDS) == f'451-["said",{placeholder}]'
                    message = receiver.recv(timeout=SECONDS)
                    assert message == (b"\4" if version == 3 else b"") + data


@pytest.mark.parametrize("query", ["", "&b64=1"])
def test_compression_of_polling(server, query):
    raw = RawPolling(server.port, query)
    raw.get()
    assert raw.post('23:42["send-binary",70000]').text == "ok"
    connection = http.Connection(server.port)
    connection.send(http.head("GET", raw.target, "Accept-Encoding: gzip"))
    answer = connection.response()
    assert answer.field("content-encoding") == "gzip"
    body = gzip.decompress(answer.body)
    if query:
        assert answer.field("content-type") == "text/plain; charset=UTF-8"
        assert packets(body.decode())[0].startswith('452-["binary",')
    else:
        assert answer.field("content-type") == "application/octet-stream"
        assert body.endswith(b"\1\4\xff\4\1\2\3")


def test_silence_is_noticed(start_server):
    server = start_server(
        "--allow-eio3", "true", "--ping-interval", 200, "--ping-timeout", 200
    )
    with RawWebSocket(server.port, "/socket.io/?EIO=3&transport=websocket") as socket:
        sid = json.loads(socket.message()[1:])["sid"]
        assert socket.close_code() == 1005
    assert server.reasons(sid)[1] == "disconnect:ping timeout"


def test_is_refused_without_the_option(start_server):
    server = start_server()
    response = http.request(server.port, "GET", "/socket.io/?EIO=3&transport=polling")
    assert response.status == 400
    assert response.json == {"code": 5, "message": "Unsupported protocol version"}
