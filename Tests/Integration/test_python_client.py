"""python-socketio against our server: polling, websocket and by upgrade, with both parsers."""

import queue
import socket
import threading

import engineio
import msgpack
import pytest
import socketio

from conftest import start
from support.deadline import SECONDS
from support.process import Server, eventually

TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}
LIMIT = 1_000_000
# python-engineio ends a polling loop at the next answer only: pings make that soon.
SERVER_ARGUMENTS = ("--max-payload", LIMIT, "--ping-interval", 500, "--ping-timeout", 20000)
# Its own limit, 16, is below what a server may put into one payload.
engineio.payload.Payload.max_decode_packets = 10_000


class EngineClient(engineio.Client):
    """Keeps what the library's may lose: the order of messages, and what its user has sent last."""

    # Handlers run in the thread that reads; each in its own, they overtake each other now and then.
    keeps_order = True

    def _trigger_event(self, event, *args, **kwargs):
        if event == "message" and self.keeps_order:
            kwargs["run_async"] = False
        return super()._trigger_event(event, *args, **kwargs)

    def disconnect(self, abort=False, reason=None):
        if not abort:
            # What waits and what is under way; nothing comes of it once the writer has ended.
            eventually(lambda: not self.queue.unfinished_tasks or self.write_loop_task is None)
        super().disconnect(abort, reason)


class SocketClient(socketio.Client):
    def _engineio_client_class(self):
        return EngineClient


class Client:
    """A `socketio.Client` whose events land in one queue per name."""

    def __init__(
        self, server: Server, transport: str, parser: str = "default", reconnection: bool = False
    ):
        self.server = server
        self.transport = transport
        self.io = SocketClient(
            serializer=parser, reconnection=reconnection,
            reconnection_delay=0.05, reconnection_delay_max=0.2,
            randomization_factor=0, handle_sigint=False,
        )
        self._queues: dict[tuple[str, str], queue.Queue] = {}
        self._lock = threading.Lock()

    def queue(self, event: str, namespace: str = "/") -> queue.Queue:
        with self._lock:
            return self._queues.setdefault((namespace, event), queue.Queue())

    def collect(self, *namespaces: str) -> None:
        for namespace in namespaces:
            for event in ("connect", "disconnect", "connect_error"):
                self._listen(event, namespace)
            self.io.on(
                "*",
                lambda event, *args, namespace=namespace: self.queue(event, namespace).put(args),
                namespace=namespace,
            )

    def _listen(self, event: str, namespace: str) -> None:
        self.io.on(
            event, lambda *args: self.queue(event, namespace).put(args), namespace=namespace
        )

    def connect(self, *namespaces: str, auth=None) -> "Client":
        names = list(namespaces) or ["/"]
        self.collect(*names)
        self.io.connect(
            self.server.url, auth=auth, namespaces=names,
            transports=TRANSPORTS[self.transport], wait_timeout=SECONDS,
        )
        for name in names:
            self.next("connect", name)
        return self

    def next(self, event: str, namespace: str = "/", seconds: float = SECONDS):
        return self.queue(event, namespace).get(timeout=seconds)

    def call(self, event: str, *arguments, namespace: str = "/"):
        return self.io.call(event, arguments, namespace=namespace, timeout=SECONDS)

    def sid(self, namespace: str = "/") -> str:
        return self.io.get_sid(namespace)

    def close(self) -> None:
        self.io.reconnection = False
        if self.io.connected:
            self.io.eio.disconnect(abort=True)


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture(scope="module", params=["default", "msgpack"])
def parser(request):
    return request.param


@pytest.fixture(scope="module")
def server(request, parser):
    return start(request, "ConformanceServer", *SERVER_ARGUMENTS, "--parser", parser)


@pytest.fixture
def make(server, transport, parser):
    clients = []

    def make_client(**options) -> Client:
        clients.append(Client(options.pop("server", server), transport, parser, **options))
        return clients[-1]

    yield make_client
    for client in clients:
        client.close()


def test_connects_with_the_transport_asked_for(make, transport):
    client = make().connect()
    expected = "polling" if transport == "polling" else "websocket"
    assert client.io.transport() == expected
    assert len(client.sid()) == 20 and client.sid() != client.io.eio.sid


def test_auth_reaches_the_handler(make):
    client = make().connect(auth={"token": "x", "deep": [1, {"a": None}]})
    assert client.next("auth") == ({"token": "x", "deep": [1, {"a": None}]},)


def test_events_both_ways(make):
    client = make().connect()
    client.io.emit("message", ("a", 1, 2.5, None, True, ["é\u2028\U0001f600"], {"k": "v"}))
    assert client.next("message-back") == (
        "a", 1, 2.5, None, True, ["é\u2028\U0001f600"], {"k": "v"},
    )


@pytest.mark.parametrize(
    ("event", "arguments", "answer"),
    [
        ("add", (2, 3), 5),
        ("add-async", (2, 3), 5),
        ("nothing", (), 42),
        ("optional", ("a",), "a:none"),
        ("optional", ("a", 7), "a:7"),
        ("four", ("a", 1, True, ["x", "y"]), "a 1 true x+y"),
        ("echo", (1, "two", {"three": [3]}), (1, "two", {"three": [3]})),
        ("echo", (), None),
    ],
)
def test_ack_of_the_server(make, event, arguments, answer):
    client = make().connect()
    received = client.call(event, *arguments)
    assert (tuple(received) if isinstance(answer, tuple) else received) == answer


def test_ack_of_the_client(make):
    client = make()
    client.io.on("question", lambda value: value * 2)
    client.connect()
    client.io.emit("ask-me", 21)
    assert client.next("answer") == (42,)


def test_ack_of_the_client_with_binary(make):
    client = make()
    client.io.on("question", lambda value: bytes(reversed(value)))
    client.connect()
    client.io.emit("ask-me-binary", b"\x00\x01\xff")
    assert client.next("answer") == (b"\xff\x01\x00",)


def test_ack_that_the_client_never_sends_times_out(make):
    client = make()
    client.io.eio.keeps_order = False
    release = threading.Event()
    client.io.on("question", lambda value: release.wait(SECONDS) and None)
    client.connect()
    client.io.emit("ask-me-briefly")
    assert client.next("no-answer") == ("timedOut",)
    release.set()


def test_call_without_an_ack_times_out(make):
    client = make().connect()
    with pytest.raises(socketio.exceptions.TimeoutError):
        client.io.call("no such event", timeout=0.3)
    assert client.call("add", 1, 1) == 2


def test_handler_that_throws_answers_the_ack(make):
    client = make().connect()
    for event in ("throws", "throws-async"):
        assert client.call(event, "x") == {"error": {"code": "internal"}}
    assert client.call("throws-ack-error") == {"error": {"code": "E_REFUSED"}}
    assert client.call("add", 1, 1) == 2


@pytest.mark.parametrize(
    ("event", "arguments"),
    [("add", ()), ("add", (1,)), ("add", (1, "two")), ("add", (None, 1)), ("four", ("a", 1)),
     ("reverse", ("no bytes",)), ("upload", ({"name": "x"},))],
)
def test_wrong_argument_is_an_error_that_both_sides_see(make, server, event, arguments):
    client = make().connect()
    before = len(server.get("/errors"))
    answer = client.call(event, *arguments)
    assert isinstance(answer, dict) and isinstance(answer["error"]["code"], str)
    errors = eventually(lambda: server.get("/errors")[before:])
    assert errors[0]["event"] == event
    assert client.call("add", 1, 1) == 2


def test_binary_both_ways(make):
    client = make().connect()
    data = bytes(range(256))
    assert client.call("reverse", data) == bytes(reversed(data))
    assert client.call("reverse", b"") == b""
    answer = client.call("echo", {"a": [data, {"b": b"\x01"}]}, b"\x02", "text")
    assert tuple(answer) == ({"a": [data, {"b": b"\x01"}]}, b"\x02", "text")
    client.io.emit("send-binary", 300)
    assert client.next("binary") == (
        bytes(n & 255 for n in range(300)), {"title": "nested", "content": b"\x01\x02\x03"},
    )


def test_binary_nested_in_typed_objects(make):
    client = make().connect()
    parts = [{"title": "one", "content": b"\x01"}, {"title": "two", "content": b"\x02\x03"}]
    answer = client.call("upload", {"name": "n", "file": b"abc", "parts": parts})
    assert answer == {
        "name": "n", "sizes": [3, 1, 2], "file": b"cba", "parts": list(reversed(parts)),
    }


def test_namespaces_share_one_connection(make):
    client = make().connect("/", "/custom", "/quiet", auth={"n": 1})
    assert client.next("auth", "/") == ({"n": 1},)
    assert client.next("auth", "/custom") == ({"n": 1},)
    assert len({client.sid(name) for name in ("/", "/custom", "/quiet")}) == 3
    client.io.emit("message", "c", namespace="/custom")
    assert client.next("message-back", "/custom") == ("c",)
    assert client.queue("message-back").empty()


def test_auth_accepted(make):
    client = make().connect("/auth", auth={"token": "secret"})
    assert client.call("add", 1, 2, namespace="/auth") == 3


@pytest.mark.parametrize(
    ("auth", "error"),
    [
        ({"token": "wrong"}, {"message": "not authorized", "data": {"code": "E_AUTH"}}),
        ({}, {"message": "no token"}),
        (None, {"message": "no token"}),
    ],
)
def test_auth_refused_with_data(make, auth, error):
    client = make()
    client.collect("/", "/auth")
    client.io.connect(
        client.server.url, auth=auth, namespaces=["/", "/auth"], wait=False,
        transports=TRANSPORTS[client.transport],
    )
    assert client.next("connect_error", "/auth") == (error,)
    client.next("connect", "/")
    assert client.call("add", 1, 2) == 3


def test_unknown_namespace(make):
    client = make()
    client.collect("/", "/nowhere")
    client.io.connect(
        client.server.url, namespaces=["/", "/nowhere"], wait=False,
        transports=TRANSPORTS[client.transport],
    )
    assert client.next("connect_error", "/nowhere") == ({"message": "Invalid namespace"},)
    client.next("connect", "/")


def test_rooms_and_broadcasts(make):
    first, second, third = (make().connect("/quiet") for _ in range(3))
    clients = (first, second, third)

    def call(client, event, *arguments):
        return client.call(event, *arguments, namespace="/quiet")

    def said(client):
        # A marker through the same socket: what was said before it has arrived before it.
        client.io.emit("burst", 1, namespace="/quiet")
        client.next("number", "/quiet")
        heard = []
        while not client.queue("said", "/quiet").empty():
            heard.append(client.next("said", "/quiet")[0])
        return heard

    def heard_by(event, *arguments, speaker=first):
        """What each of the three hears; the ack `rooms` after it says that it was sent."""
        speaker.io.emit(event, arguments, namespace="/quiet")
        call(speaker, "rooms")
        return [said(client) for client in clients]

    assert call(first, "join", "a") == ["a"]
    assert call(first, "join", "b") == ["a", "b"]
    assert call(second, "join", "a") == ["a"]
    assert call(third, "join", "b") == ["b"]
    assert heard_by("to-room", "a", "1") == [[], ["1"], []]
    assert heard_by("in-room", "a", "2") == [["2"], ["2"], []]
    assert heard_by("to-rooms", "a", "b", "3") == [[], ["3"], ["3"]]
    assert heard_by("in-room-except", "a", "b", "4") == [[], ["4"], []]
    assert heard_by("to-room", third.sid("/quiet"), "5") == [[], [], ["5"]]
    assert heard_by("broadcast", "6") == [[], ["6"], ["6"]]
    assert heard_by("everyone", "7") == [["7"], ["7"], ["7"]]
    assert heard_by("local", "8") == [["8"], ["8"], ["8"]]
    assert heard_by("binary-to-room", "a", b"\x09") == [[], [b"\x09"], []]
    assert heard_by("to-room", "nobody", "10") == [[], [], []]
    assert call(second, "leave", "a") == []
    assert heard_by("to-room", "a", "11") == [[], [], []]
    # Both rooms at once: each socket hears it once.
    call(second, "join", "a")
    call(second, "join", "b")
    assert heard_by("to-rooms", "a", "b", "12") == [[], ["12"], ["12"]]


def test_broadcast_with_acks(make, transport):
    room = f"q-{transport}"
    clients = [make() for _ in range(3)]
    for number, client in enumerate(clients):
        client.io.on(
            "room-question", lambda room, number=number: f"{room}{number}", namespace="/quiet"
        )
        client.connect("/quiet")
    for client in clients[:2]:
        client.call("join", room, namespace="/quiet")
    answer = clients[2].call("ask-room", room, 50_000, namespace="/quiet")
    assert answer == {"answers": [room + "0", room + "1"], "isComplete": True}
    answer = clients[2].call("ask-room", "empty", 50_000, namespace="/quiet")
    assert answer == {"answers": [], "isComplete": True}


def test_client_leaves_a_namespace(make, server):
    client = make().connect("/", "/quiet")
    sid = client.sid("/quiet")
    client.io._send_packet(
        client.io.packet_class(socketio.packet.DISCONNECT, namespace="/quiet")
    )
    reason = "client namespace disconnect"
    assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]
    assert client.call("add", 1, 1) == 2


def test_client_disconnects(make, server):
    client = make().connect("/", "/quiet")
    sids = [client.sid("/"), client.sid("/quiet")]
    client.io.disconnect()
    for sid in sids:
        reason = "client namespace disconnect"
        assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]


def test_server_disconnects_one_namespace(make, server):
    client = make().connect("/", "/quiet")
    sid = client.sid("/quiet")
    client.io.emit("disconnect-me", False, namespace="/quiet")
    assert client.next("disconnect", "/quiet") == (client.io.reason.SERVER_DISCONNECT,)
    reason = "server namespace disconnect"
    assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]
    assert client.call("add", 1, 1) == 2


def test_server_disconnects_the_client(make, server):
    client = make().connect("/", "/quiet")
    sids = [client.sid("/"), client.sid("/quiet")]
    client.io.emit("disconnect-me", True, namespace="/quiet")
    client.next("disconnect", "/quiet")
    client.next("disconnect", "/")
    reason = "server namespace disconnect"
    for sid in sids:
        assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]


def test_transport_is_lost(make, server, transport):
    client = make().connect()
    sid = client.sid()
    if transport == "polling":
        return  # requests gives no hold on its sockets: test_engine_protocol aborts a poll
    client.io.eio.ws.sock.shutdown(socket.SHUT_RDWR)
    assert server.reasons(sid) == ["disconnecting:transport close", "disconnect:transport close"]


def test_rooms_are_there_while_disconnecting_and_gone_after(make, server):
    client = make().connect("/quiet")
    sid = client.sid("/quiet")
    client.call("join", "left", namespace="/quiet")
    client.io.disconnect()
    server.reasons(sid)
    rooms = server.get("/rooms")
    assert rooms[f"{sid}:disconnecting"] == ["left"]
    assert rooms[f"{sid}:disconnect"] == []


def test_reconnects_after_a_restart_on_the_same_port(start_server, transport, parser):
    server = start_server("--parser", parser)
    client = Client(server, transport, parser, reconnection=True).connect(auth={"again": True})
    first = client.sid()
    assert client.next("auth") == ({"again": True},)
    server.kill()
    client.next("disconnect")
    server.start(server.port)
    client.next("connect")
    assert client.next("auth") == ({"again": True},)
    assert client.sid() != first
    assert client.call("add", 1, 1) == 2
    client.close()


def text_of(size: int, transport: str, parser: str) -> str:
    """An argument of `message` whose packet has `size` bytes in the engine, or just as few."""
    if parser == "default":
        return "x" * (size - len('42["message",""]'))
    if transport == "polling":
        # A letter, then base64.
        size = (size - 1) // 4 * 3
    # Four bytes more are those of the length of a long string.
    frame = msgpack.packb({"type": 2, "data": ["message", ""], "nsp": "/"})
    return "x" * (size - len(frame) - 4)


def test_payload_at_the_limit(make, transport, parser):
    client = make().connect()
    text = text_of(LIMIT, transport, parser)
    client.io.emit("message", text)
    # On polling the answer may be larger than the limit: that holds for the server's input only.
    assert client.next("message-back") == (text,)


def test_payload_above_the_limit(make, server, transport, parser):
    client = make().connect()
    sid = client.sid()
    client.io.emit("message", text_of(LIMIT + 1, transport, parser))
    client.next("disconnect")
    if transport == "polling":
        return  # python-engineio gives up on the 413; the session itself stays open
    assert server.reasons(sid) == ["disconnecting:transport error", "disconnect:transport error"]


def test_one_megabyte_of_binary_over_websocket(make, transport, parser):
    client = make().connect()
    size = LIMIT if parser == "default" else LIMIT - 100
    # base64 makes four bytes of three on polling.
    data = bytes(size if transport != "polling" else 700_000)
    assert client.call("reverse", data) == data


def test_order_of_many_events(make):
    client = make().connect()
    client.io.emit("burst", 1000)
    assert [client.next("number")[0] for _ in range(1000)] == list(range(1000))


def test_twenty_clients_at_once(make):
    clients = [make() for _ in range(20)]
    threads = [threading.Thread(target=client.connect) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [client.call("add", n, n) for n, client in enumerate(clients)] == [
        2 * n for n in range(20)
    ]
