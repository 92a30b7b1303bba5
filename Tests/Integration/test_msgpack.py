"""The MessagePack parser on the wire, byte by byte, and what it refuses (protocol.md §23).

What an application sees of it is in test_python_client.py and js/parser.test.mjs.
"""

import base64
import itertools
import json
import random

import msgpack
import pytest
import socketio

from support import engine, garbage
from support.cluster import Cluster
from support.member import settled
from support.process import eventually
from support.websocket import BINARY, CLOSE, TEXT

SERVER_ARGUMENTS = ("--parser", "msgpack", "--max-payload", 100_000, "--allow-eio3", "true")
UNDEFINED = msgpack.ExtType(0, b"\x00")
_names = itertools.count()


def pack(value) -> bytes:
    return msgpack.packb(value, use_bin_type=True)


def packet(kind: int, data=None, namespace: str = "/quiet", **others) -> bytes:
    """A packet as python-socketio writes it."""
    return pack({"type": kind, "data": data, "nsp": namespace, **others})


class Socket(engine.Socket):
    """A client over WebSocket that has joined a namespace."""

    def __init__(self, port: int, namespace: str = "/quiet", auth=None, **options):
        super().__init__(port, **options)
        self.send(packet(0, auth, namespace))
        reply = self.take()
        assert reply["type"] == 0 and reply["nsp"] == namespace, reply
        self.id = reply["data"]["sid"]

    def take(self):
        return msgpack.unpackb(self.receive())

    def call(self, *event):
        self.send(packet(2, list(event), id=99))
        reply = self.take()
        assert (reply["type"], reply["nsp"], reply["id"]) == (3, "/quiet", 99), reply
        return reply["data"]


@pytest.fixture(autouse=True)
def healthy(server):
    """The same process serves everybody else all the time."""
    pid = server.pid
    with Socket(server.port) as other:
        yield
        marker = f"alive-{next(_names)}"
        assert other.call("echo", marker) == [marker]
        assert server.pid == pid


@pytest.fixture
def socket(server):
    with Socket(server.port) as socket:
        yield socket


def assert_malformed(server, socket: Socket) -> None:
    """The engine session is closed at once, nothing else is sent, and the app is told."""
    assert socket.closes() == 1005
    reason = "forced close"
    assert server.reasons(socket.id) == [f"disconnecting:{reason}", f"disconnect:{reason}"]


# Bytes


def test_connect_byte_by_byte(server):
    with engine.Socket(server.port) as socket:
        socket.send(packet(0, namespace="/quiet"))
        reply = socket.receive()
        sid = msgpack.unpackb(reply)["data"]["sid"]
        assert reply == pack({"type": 0, "nsp": "/quiet", "data": {"sid": sid}})
        socket.send(packet(0, {"token": "bad"}, "/auth"))
        assert socket.receive() == pack({
            "type": 4, "nsp": "/auth",
            "data": {"message": "not authorized", "data": {"code": "E_AUTH"}},
        })
        socket.send(packet(0, None, "/random"))
        assert socket.receive() == pack(
            {"type": 4, "nsp": "/random", "data": {"message": "Invalid namespace"}}
        )


def test_events_and_acks_byte_by_byte(socket):
    socket.send(packet(2, ["echo", 1, -1.5, "é", None, [b"\x01", {"k": b""}]], id=300))
    assert socket.receive() == pack({
        "type": 3, "nsp": "/quiet", "data": [1, -1.5, "é", None, [b"\x01", {"k": b""}]], "id": 300,
    })
    socket.send(packet(2, ["burst", 1]))
    assert socket.receive() == pack({"type": 2, "nsp": "/quiet", "data": ["number", 0]})
    socket.send(packet(2, ["ask-me", 21]))
    question = socket.take()
    assert question["data"] == ["question", 21]
    assert list(question) == ["type", "nsp", "data", "id"]
    socket.send(packet(3, [42], id=question["id"]))
    assert socket.take()["data"] == ["answer", 42]
    socket.send(packet(2, ["disconnect-me", False]))
    assert socket.receive() == pack({"type": 1, "nsp": "/quiet"})


def test_a_broadcast_is_the_same_for_all(server, socket):
    with Socket(server.port) as other:
        for each in (socket, other):
            assert each.call("join", "bytes") == [["bytes"]]
        with Socket(server.port) as speaker:
            speaker.send(packet(2, ["binary-to-room", "bytes", bytes(300)]))
            expected = pack({"type": 2, "nsp": "/quiet", "data": ["said", bytes(300)]})
            assert [each.receive() for each in (socket, other)] == [expected] * 2


def test_what_notepack_alone_writes(socket):
    # Undefined `data` and `id` are absent; inside they are nothing, or null in arrays.
    socket.send(packet(0, UNDEFINED, "/", id=UNDEFINED))
    assert socket.take()["nsp"] == "/"
    assert socket.take()["data"] == ["auth", {}]
    value = [UNDEFINED, {"a": UNDEFINED, "b": 1}]
    assert socket.call("echo", *value) == [None, {"b": 1}]
    date = msgpack.ExtType(0, (784_111_777_000).to_bytes(8, "big"))
    assert socket.call("echo", date) == ["1994-11-06T08:49:37.000Z"]
    for size in (0, 2, 3, 300, 70_000):
        assert socket.call("reverse", msgpack.ExtType(0, bytes(size))) == [bytes(size)]


def test_over_polling_binary_is_base64(server):
    session = engine.Polling(server.port)
    session.send("b" + base64.b64encode(packet(0)).decode())
    reply = session.receive()
    assert reply[0] == "b"
    assert msgpack.unpackb(base64.b64decode(reply[1:]))["nsp"] == "/quiet"
    session.close()


def test_members_in_any_order_and_others_ignored(socket):
    for members in itertools.permutations(
        [("type", 2), ("nsp", "/quiet"), ("data", ["echo", 7]), ("id", 1)]
    ):
        socket.send(pack(dict([*members[:2], ("options", {"compress": [True]}), *members[2:]])))
        assert socket.take() == {"type": 3, "nsp": "/quiet", "data": [7], "id": 1}


def test_events_without_a_name_reach_nobody(socket):
    for data in ([], [None], [[]], [{}], [b""], [True, 1]):
        socket.send(packet(2, data, id=1))
    for name in ("connect", "disconnect", "connect_error", "newListener"):
        socket.send(packet(2, [name], id=1))
    assert socket.call("echo", "still here") == ["still here"]


# Malformed packets, class A

EVENT = ["echo", 1]
MALFORMED = {
    "nothing": b"", "the unused byte": b"\xc1", "nil": b"\xc0", "an array": pack([2, "/", ["a"]]),
    "a string": pack("2"), "cut": packet(2, EVENT)[:-1], "trailing": packet(2, EVENT) + b"\xc0",
    "twice": packet(2, EVENT) * 2, "no members": b"\x80", "a lie": b"\xdf\xff\xff\xff\xff",
    "the default parser's packet": b'2/quiet,["echo"]',
    "no type": pack({"nsp": "/quiet", "data": EVENT}), "type 5": packet(5, EVENT),
    "type -1": packet(-1, EVENT), "type 1.5": packet(1.5, EVENT), "type '2'": packet("2", EVENT),
    "type 2^63": packet(2**63, EVENT), "no nsp": pack({"type": 2, "data": EVENT}),
    "nsp nil": packet(2, EVENT, None), "nsp binary": packet(2, EVENT, b"/quiet"),
    "nsp without a slash": packet(0, None, "quiet"), "nsp empty": packet(0, None, ""),
    "nsp long": packet(0, None, "/" + "x" * 1024), "id -1": packet(2, EVENT, id=-1),
    "id 1.5": packet(2, EVENT, id=1.5), "id '1'": packet(2, EVENT, id="1"),
    "id nil": packet(2, EVENT, id=None), "id 2^53+1": packet(2, EVENT, id=2**53 + 1),
    "CONNECT with an array": packet(0, [], "/"), "CONNECT with a string": packet(0, "x", "/"),
    "CONNECT with binary": packet(0, {"token": b"x"}, "/"), "DISCONNECT with data": packet(1, {}),
    "EVENT without data": pack({"type": 2, "nsp": "/quiet"}), "EVENT with nil": packet(2),
    "EVENT with a map": packet(2, {"echo": 1}), "EVENT with a string": packet(2, "echo"),
    "ACK with nil": packet(3, id=1), "ACK with a map": packet(3, {}, id=1),
    "CONNECT_ERROR with an array": packet(4, []),
    "keys that are no names": packet(2, ["echo", {(1, 2): 3}]),
    "many attachments": packet(2, ["echo", *[b"x"] * 11]),
    "a forged placeholder": packet(2, ["echo", {"_placeholder": True, "num": 0}, b"x"]),
    "a placeholder of nothing": packet(2, ["echo", {"_placeholder": True, "num": 7}, b"x"]),
    "deep": b"\x83\xa4type\x02\xa3nsp\xa6/quiet\xa4data\x92\xa4echo" + b"\x91" * 501 + b"\xc0",
    "very deep": b"\x83\xa4type\x02\xa3nsp\xa6/quiet\xa4data\x92\xa4echo" + b"\x91" * 90_000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(server, socket, name):
    socket.send(MALFORMED[name])
    assert_malformed(server, socket)


@pytest.mark.parametrize("text", ["40{}", "4", '42/quiet,["echo"]', '451-/quiet,["echo"]', "4\x80"])
def test_the_default_parser_with_this_server_is_closed(server, socket, text):
    socket.send(text)
    assert_malformed(server, socket)


def test_this_parser_with_a_default_server_is_closed(start_server):
    server = start_server()
    with engine.Socket(server.port) as socket:
        socket.send(packet(0, {}, "/"))
        assert socket.closes() == 1005
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        assert socket.is_alive()


def test_placeholders_without_binary_are_plain_maps(socket):
    for value in (
        {"_placeholder": True, "num": 0}, {"_placeholder": True, "num": 7},
        {"_placeholder": True, "num": -1}, [{"num": 1e300, "_placeholder": True}],
    ):
        assert socket.call("echo", value) == [value]
    error = socket.call("reverse", {"_placeholder": True, "num": 0})
    assert "error" in error[0]


def test_wrong_state_closes(server):
    for late in (packet(2, EVENT, "/custom"), packet(4, "no"), packet(0)):
        with Socket(server.port) as socket:
            socket.send(late)
            assert_malformed(server, socket)


@pytest.mark.timeout(120)
def test_garbage(server):
    """Random bytes and changed packets: an answer or the end, and a server that lives."""
    valid = {"type": 2, "data": ["echo", {"a": [b"x", 1.5]}], "nsp": "/quiet", "id": 3}
    messages = garbage.randoms(5, 300) + [pack(each) for each in garbage.mutations(valid)]
    source = random.Random(9)
    for _ in range(300):
        changed = bytearray(pack(valid))
        changed[source.randrange(len(changed))] = source.randrange(256)
        messages.append(bytes(changed))
    for message in messages:
        with engine.Socket(server.port) as socket:
            socket.send(packet(0), message, packet(2, ["echo", "end"], id=77))
            while True:
                frame = socket.socket.frame()
                if frame.opcode == CLOSE:
                    break
                if frame.opcode == BINARY and msgpack.unpackb(frame.payload).get("id") == 77:
                    break
                assert frame.opcode in (BINARY, TEXT), frame


# Clients of Socket.IO v2


def test_clients_of_version_2(server):
    """In `/` without asking; their binary frames begin with the engine's type (§13)."""
    with engine.Socket(server.port, query={"EIO": "3"}) as socket:
        def take():
            message = socket.receive()
            assert message[:1] == b"\x04", message
            return msgpack.unpackb(message[1:])

        assert take() == {"type": 0, "nsp": "/"}
        assert take() == {"type": 2, "nsp": "/", "data": ["auth", {}]}
        socket.send(b"\x04" + packet(2, ["echo", b"\x01"], "/", id=1))
        assert take() == {"type": 3, "nsp": "/", "data": [b"\x01"], "id": 1}
        socket.send(b"\x04" + packet(0, None, "/auth?token=secret"))
        assert take() == {"type": 0, "nsp": "/auth"}
        socket.send(b"\x04" + packet(0, None, "/broken"))
        assert take() == {"type": 4, "nsp": "/broken", "data": "internal error"}
        socket.send("40/quiet")
        assert socket.closes() == 1005


# Clusters


class Mixed(Cluster):
    """Servers of which each has another parser: the wire between them is the same."""

    def __init__(self, redis, parsers):
        self.parsers = list(parsers)
        super().__init__("redis", redis, len(self.parsers))

    def _start(self, index):
        plain = self.arguments
        self.arguments = [*plain, "--parser", self.parsers[index]]
        try:
            return super()._start(index)
        finally:
            self.arguments = plain


@pytest.mark.parametrize("parsers", [("msgpack", "msgpack"), ("msgpack", "default")])
def test_servers_over_redis(redis, parsers):
    cluster = Mixed(redis, parsers)
    clients = []
    heard = [[], []]
    try:
        for index, (server, parser) in enumerate(zip(cluster.servers, parsers, strict=True)):
            client = socketio.Client(serializer=parser, reconnection=False, handle_sigint=False)
            client.on("said", lambda *data, index=index: heard[index].append(data), "/cluster")
            client.on("room-question", lambda room, index=index: f"{room}{index}", "/cluster")
            client.connect(server.url, namespaces=["/cluster"], transports=["websocket"])
            clients.append(client)

        def call(index, *event):
            return clients[index].call(event[0], event[1:], namespace="/cluster", timeout=10)

        for index in range(2):
            assert call(index, "join", "r") == ["r"]
        for index in range(2):
            data = bytes(range(256))
            clients[index].emit("binary-to-room", ("r", data), namespace="/cluster")
            settled(lambda: heard[1 - index], [(data,)])
            call(index, "cast", {"rooms": ["r"]}, "said", json.dumps([{"n": [1.5, None]}, "é"]))
            for each in heard:
                eventually(lambda: ({"n": [1.5, None]}, "é") in each)
            heard[:] = [[], []]
            answer = call(index, "ask-room", "r", 5000)
            assert answer == {"answers": ["r0", "r1"], "isComplete": True}
    finally:
        for client in clients:
            client.disconnect()
        cluster.close()
