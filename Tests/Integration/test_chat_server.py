"""The chat server as a program: its events, its log, its flags, its end."""

import json
import queue
import signal
import socket as sockets
import subprocess

import pytest
import socketio

from support import engine, http, paths, process
from support.deadline import SECONDS
from support.process import Server


@pytest.fixture(scope="module")
def chat():
    server = Server("ChatServer", "--max-room-name", 20, "--max-message", 100, "--max-rooms", 3)
    yield server
    server.stop()


class Peer(engine.Socket):
    """A client in `/`, with its name."""

    def __init__(self, server, name=None):
        super().__init__(server.port)
        self.id = self.connect("/", None if name is None else {"name": name})
        self._next = 0

    def emit(self, event, *arguments) -> None:
        self.send("42" + json.dumps([event, *arguments]))

    def ask(self, event, *arguments):
        """The arguments of the ack; events before it are kept for `event`."""
        self._next += 1
        self.send(f"42{self._next}" + json.dumps([event, *arguments]))
        prefix = f"43{self._next}["
        packet = self.receive()
        while not packet.startswith(prefix):
            self.kept.append(packet)
            packet = self.receive()
        return json.loads(packet[len(prefix) - 1:])

    @property
    def kept(self) -> list[str]:
        if not hasattr(self, "_kept"):
            self._kept = []
        return self._kept

    def event(self):
        packet = self.kept.pop(0) if self.kept else self.receive()
        assert packet.startswith("42["), packet
        return json.loads(packet[2:])

    def hears_nothing(self) -> bool:
        """Nothing was on its way: the answer to an echo comes first."""
        return self.ask("echo") == [] and not self.kept


@pytest.fixture
def peers(chat):
    opened = []

    def make(name=None):
        opened.append(Peer(chat, name))
        return opened[-1]

    yield make
    for peer in opened:
        peer.socket.connection.close()


def test_the_article(peers):
    ada, grace, alan = peers("Ada"), peers("Grace"), peers("Alan")
    assert ada.ask("joinRoom", {"room": "article"}) == [{"room": "article", "members": 1}]
    assert grace.ask("joinRoom", {"room": "article"}) == [{"room": "article", "members": 2}]
    ada.emit("message", {"userId": "u1", "room": "article", "message": "hello"})
    heard = ["message", {"userId": "u1", "message": "hello"}]
    assert ada.event() == heard and grace.event() == heard
    assert alan.hears_nothing()
    alan.emit("all", {"message": "to all"})
    for peer in (ada, grace, alan):
        assert peer.event() == ["all", {"message": "to all"}]


def test_requests_without_an_ack(peers):
    ada = peers("Ada")
    ada.emit("joinRoom", {"room": "silent"})
    ada.emit("message", {"userId": 7, "room": "silent", "message": "x"})
    assert ada.event() == ["message", {"userId": 7, "message": "x"}]


def test_acks_of_messages(peers):
    ada = peers("Ada")
    ada.ask("joinRoom", {"room": "acks"})
    assert ada.ask("message", {"userId": "a", "room": "acks", "message": "x"}) == []
    assert ada.event() == ["message", {"userId": "a", "message": "x"}]
    assert ada.ask("all", {"message": "y"}) == []
    assert ada.event() == ["all", {"message": "y"}]


def test_joining_twice_counts_once(peers):
    ada = peers("Ada")
    for _ in range(2):
        assert ada.ask("joinRoom", {"room": "twice"}) == [{"room": "twice", "members": 1}]


def test_leaving(peers):
    ada, grace = peers("Ada"), peers("Grace")
    ada.ask("joinRoom", {"room": "leave"})
    grace.ask("joinRoom", {"room": "leave"})
    assert ada.ask("leaveRoom", {"room": "leave"}) == [{"room": "leave", "members": 1}]
    grace.emit("message", {"userId": "g", "room": "leave", "message": "x"})
    assert grace.event()[0] == "message"
    assert ada.hears_nothing()


def test_a_disconnect_leaves_the_rooms(chat, peers):
    ada = peers("Ada")
    ada.ask("joinRoom", {"room": "gone"})
    ada.send("41")
    chat.wait_for_log(r'disconnected who="Ada" reason="client namespace disconnect"')
    assert peers().ask("joinRoom", {"room": "gone"}) == [{"room": "gone", "members": 1}]


def test_speaking_to_a_room_from_outside(peers):
    ada, grace = peers("Ada"), peers("Grace")
    grace.ask("joinRoom", {"room": "outside"})
    ada.emit("message", {"userId": "a", "room": "outside", "message": "x"})
    assert grace.event() == ["message", {"userId": "a", "message": "x"}]
    assert ada.hears_nothing()


@pytest.mark.parametrize("arguments", [[], [1], ["a", {"b": [None]}], [{"deep": [[[]]]}]])
def test_echo(peers, arguments):
    assert peers().ask("echo", *arguments) == arguments


def test_echo_of_binary(peers):
    peer = peers()
    peer.send('451-1["echo",{"_placeholder":true,"num":0}]', b"\x01\x02")
    assert peer.receive() == '461-1[{"_placeholder":true,"num":0}]'
    assert peer.receive() == b"\x01\x02"


WRONG = [
    ("joinRoom", [], "bad_request"), ("joinRoom", [None], "bad_request"),
    ("joinRoom", ["room"], "bad_request"), ("joinRoom", [7], "bad_request"),
    ("joinRoom", [["room"]], "bad_request"), ("joinRoom", [{}], "room_required"),
    ("joinRoom", [{"room": ""}], "room_required"), ("joinRoom", [{"room": None}], "room_required"),
    ("joinRoom", [{"room": 7}], "bad_request"), ("joinRoom", [{"room": {}}], "bad_request"),
    ("joinRoom", [{"room": "x" * 21}], "room_too_long"),
    ("joinRoom", [{"room": "é" * 11}], "room_too_long"),
    ("leaveRoom", [], "bad_request"), ("leaveRoom", [{}], "room_required"),
    ("message", [], "bad_request"), ("message", ["x"], "bad_request"),
    ("message", [{"userId": "u", "message": "x"}], "room_required"),
    ("message", [{"userId": "u", "room": "r"}], "message_required"),
    ("message", [{"userId": "u", "room": "r", "message": ""}], "message_required"),
    ("message", [{"userId": "u", "room": "r", "message": ["x"]}], "bad_request"),
    ("message", [{"room": "r", "message": "x"}], "bad_request"),
    ("message", [{"userId": {}, "room": "r", "message": "x"}], "bad_request"),
    ("message", [{"userId": "u", "room": "r", "message": "x" * 101}], "message_too_long"),
    ("message", [{"userId": "u", "room": "x" * 21, "message": "x"}], "room_too_long"),
    ("all", [], "bad_request"), ("all", [{}], "message_required"),
    ("all", [{"message": "x" * 101}], "message_too_long"), ("all", [{"message": 1}], "bad_request"),
]


@pytest.mark.parametrize(("event", "arguments", "code"), WRONG)
def test_wrong_requests(peers, event, arguments, code):
    peer = peers()
    answer = peer.ask(event, *arguments)
    assert list(answer[0]) == ["error"] and set(answer[0]["error"]) == {"code", "message"}
    assert answer[0]["error"]["code"] == code
    assert not peer.kept
    peer.emit(event, *arguments)
    name, error = peer.event()
    assert (name, error) == ("error", answer[0]["error"])
    assert peer.ask("echo", "still here") == ["still here"]


def test_too_many_rooms(peers):
    peer = peers()
    for number in range(3):
        peer.ask("joinRoom", {"room": f"many{number}"})
    assert peer.ask("joinRoom", {"room": "many3"})[0]["error"]["code"] == "too_many_rooms"
    peer.ask("leaveRoom", {"room": "many0"})
    assert peer.ask("joinRoom", {"room": "many3"})[0]["room"] == "many3"


def test_unknown_events_are_ignored(peers):
    peer = peers()
    peer.emit("nonsense", 1)
    assert peer.hears_nothing()


# The log


def test_log_says_who_joined_and_said_what(chat, peers):
    peer = peers("Ada Lovelace")
    peer.ask("joinRoom", {"room": "log"})
    chat.wait_for_log(r'joined who="Ada Lovelace" room="log" members=1')
    peer.ask("message", {"userId": "u", "room": "log", "message": "hear me"})
    chat.wait_for_log(r'message who="Ada Lovelace" room="log" message="hear me"')
    peer.ask("all", {"message": "hear me all"})
    chat.wait_for_log(r'all who="Ada Lovelace" message="hear me all"')
    peer.socket.connection.close()
    chat.wait_for_log(r'disconnected who="Ada Lovelace" reason="transport close"')


def test_log_names_the_id_of_the_nameless(chat, peers):
    peer = peers()
    peer.ask("joinRoom", {"room": "id"})
    chat.wait_for_log(rf'joined who="{peer.id}" room="id"')


def test_log_lines_cannot_be_forged(chat, peers):
    peer = peers('Eve"\n2026-01-01T00:00:00.000Z info joined who="Root')
    peer.ask("joinRoom", {"room": "x\r\ny\x1b[31m"})
    line = chat.wait_for_log(r'joined who="Eve')
    assert "Root" in line and "\x1b" not in line
    assert not any(
        text.startswith("2026-01-01T00:00:00.000Z")
        for text in [*chat.lines, *chat.errors().splitlines()]
    )


# The program


def run(*arguments, **environment):
    import os

    return subprocess.run(
        [*paths.command("ChatServer"), *map(str, arguments)], capture_output=True, text=True,
        timeout=SECONDS, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
    )


def test_help():
    result = run("--help")
    assert result.returncode == 0 and result.stderr == ""
    for name in ("PORT", "HOST", "LOOPS", "CORS_ORIGIN", "LOG_LEVEL", "--port", "--log-level"):
        assert name in result.stdout


def fails_with_one_line(result) -> str:
    assert result.returncode not in (0, -11, -6, -4, -5), result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--port", "x"], "--port"), (["--port", "65536"], "--port"), (["--port", "-1"], "--port"),
     (["--port"], "--port"), (["--port="], "--port"), (["--loops", "1.5"], "--loops"),
     (["--nonsense"], "--nonsense"), (["nonsense"], "nonsense"),
     (["--log-level", "loud"], "--log-level"), (["--cors-origin", "nowhere"], "--cors-origin"),
     (["--page-directory", "/no/such/directory"], "--page-directory"),
     (["--host", "no host"], "--host"), (["--max-message", "0"], "--max-message")],
)
def test_bad_flags(arguments, named):
    assert named in fails_with_one_line(run(*arguments))


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("LOOPS", "many"), ("LOG_LEVEL", "x"), ("CORS_ORIGIN", "a b"),
     ("TRUST_PROXY", "all"), ("REPLICA_NAME", "a b"), ("REPLICAS", "app-1"),
     ("REDIS_ADAPTER", "x")],
)
def test_bad_environment(name, value):
    assert name in fails_with_one_line(run(**{name: value}))


@pytest.mark.parametrize("loops", [1, 2])
def test_port_in_use(loops):
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = fails_with_one_line(
            run("--port", port, "--host", "127.0.0.1", "--loops", loops)
        )
        assert str(port) in line and "in use" in line


def test_port_in_use_by_another_chat_server(start_chat):
    """SO_REUSEPORT must not let a second server share the port by accident."""
    first = start_chat()
    line = fails_with_one_line(run("--port", first.port))
    assert str(first.port) in line and "in use" in line


def test_address_that_is_not_ours():
    fails_with_one_line(run("--port", 0, "--host", "203.0.113.1"))


def test_environment_configures_and_flags_win(start_chat):
    server = start_chat("--log-level", "info", environment={"LOG_LEVEL": "error", "LOOPS": "1"})
    peer = Peer(server, "Flag")
    peer.ask("joinRoom", {"room": "x"})
    server.wait_for_log('joined who="Flag"')


@pytest.mark.parametrize("loops", [1, 3])
def test_loops(start_chat, loops):
    import os

    server = start_chat("--loops", loops)
    peers = [Peer(server, f"p{n}") for n in range(12)]
    for number, peer in enumerate(peers):
        assert peer.ask("joinRoom", {"room": "x"})[0]["members"] == number + 1
    peers[0].emit("message", {"userId": "u", "room": "x", "message": "m"})
    for peer in peers:
        assert peer.event() == ["message", {"userId": "u", "message": "m"}]


def test_healthz(start_chat):
    server = start_chat("--replica-name", "app-1")
    peers = [Peer(server) for _ in range(3)]
    assert server.get("/healthz") == {"status": "ok", "replica": "app-1", "clients": 3}
    for peer in peers:
        peer.socket.connection.close()
    process.eventually(lambda: server.get("/healthz")["clients"] == 0)


def test_healthz_without_a_name(chat):
    assert chat.get("/healthz")["replica"] == sockets.gethostname()


# Who serves, and who is there


def test_whoami(start_chat):
    server = start_chat("--replicas", "app-1:3000,app-2:3001", environment={"REPLICA_NAME": "app-2"})
    peer = Peer(server, "Ada")
    assert peer.ask("whoami") == [{
        "id": peer.id, "name": "Ada", "replica": "app-2", "address": "127.0.0.1",
        "replicas": [{"name": "app-1", "port": 3000}, {"name": "app-2", "port": 3001}],
    }]


@pytest.mark.parametrize(
    ("trust", "address"),
    [("0", "127.0.0.1"), ("false", "127.0.0.1"), ("true", "10.0.0.2"), ("2", "10.0.0.1")],
)
def test_trust_proxy(start_chat, trust, address):
    server = start_chat(environment={"TRUST_PROXY": trust})
    client = engine.Polling(server.port, ["X-Forwarded-For: 10.0.0.1, 10.0.0.2"])
    client.send("40")
    assert client.receive().startswith("40")
    client.send('420["whoami"]')
    answer = client.receive()
    assert answer.startswith("430[") and json.loads(answer[3:])[0]["address"] == address


def test_presence(peers):
    ada, grace, alan = peers("Ada"), peers("Grace"), peers("Alan")
    me = {"id": ada.id, "name": "Ada", "replica": sockets.gethostname()}
    alone = {"count": 1, "members": [me], "replicas": {me["replica"]: 1}}
    assert ada.ask("joinRoom", {"room": "seen", "presence": True}) == [
        {"room": "seen", "members": 1, "presence": alone}
    ]
    assert grace.ask("joinRoom", {"room": "seen"}) == [{"room": "seen", "members": 2}]
    name, seen = ada.event()
    assert (name, seen["room"], seen["count"]) == ("presence", "seen", 2)
    assert [member["id"] for member in seen["members"]] == [ada.id, grace.id]
    grace.socket.connection.close()
    assert ada.event() == ["presence", {"room": "seen", **alone}]
    assert alan.ask("joinRoom", {"room": "seen", "presence": "yes"})[0]["error"]["code"] \
        == "bad_request"
    assert ada.hears_nothing()


@pytest.mark.parametrize("event", ["joinRoom", "leaveRoom", "message"])
def test_rooms_of_watchers_are_closed(peers, event):
    """Whatever `presence` is sent to, no client can join it or speak to it."""
    ada, eve = peers("Ada"), peers("Eve")
    ada.ask("joinRoom", {"room": "closed", "presence": True})
    request = {"room": "\u0001presence:closed", "userId": "e", "message": "x"}
    assert eve.ask(event, request)[0]["error"]["code"] == "bad_request"
    assert ada.hears_nothing()


def test_a_thousand_joins_with_presence_stay_cheap(start_chat):
    """Members are listed up to a limit, and events come together: not a thousand to a thousand."""
    server = start_chat("--log-level", "error", "--max-room-name", 20)
    watchers = [Peer(server, f"watcher {number}") for number in range(20)]
    for peer in watchers:
        peer.ask("joinRoom", {"room": "many", "presence": True})
    others = [Peer(server, f"other {number}") for number in range(300)]
    for peer in others:
        peer.emit("joinRoom", {"room": "many"})
    for peer in watchers:
        events = 0
        seen = {"count": 0}
        while seen["count"] < 320:
            name, seen = peer.event()
            events += 1
            assert name == "presence" and len(seen["members"]) <= 100
        assert events < 100
    for peer in watchers + others:
        peer.socket.connection.close()


def test_unknown_path(chat):
    assert http.request(chat.port, "GET", "/nowhere").status == 404


def test_cors_origin(start_chat):
    server = start_chat("--cors-origin", "http://a.example")
    for origin, allowed in (("http://a.example", "http://a.example"), ("http://b.example", None)):
        response = http.request(
            server.port, "GET", engine.target("polling"), fields=[f"Origin: {origin}"]
        )
        assert response.field("access-control-allow-origin") == allowed


def test_page_and_client_are_served(start_chat):
    server = start_chat(
        "--page-directory", paths.PAGE_DIRECTORY, "--client-directory", paths.CLIENT_DIRECTORY
    )
    page = http.request(server.port, "GET", "/")
    assert page.status == 200 and page.field("content-type").startswith("text/html")
    client = http.request(server.port, "GET", "/socket.io/socket.io.js")
    assert client.body == paths.CLIENT_BUNDLE.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_on_a_signal_and_tells_its_clients(start_chat, number):
    server = start_chat()
    opened: queue.Queue = queue.Queue()
    client = socketio.Client(reconnection=False, handle_sigint=False)
    client.on("disconnect", opened.put)
    client.connect(server.url, transports=["websocket"])
    raw = Peer(server, "Raw")
    polling = engine.Polling(server.port)
    server.process.send_signal(number)
    # No DISCONNECT packet (§19): a client that got one would not come back by itself.
    assert raw.socket.close_code() == 1005
    assert opened.get(timeout=SECONDS) == client.reason.TRANSPORT_ERROR
    assert server.terminate() == 0
    server.wait_for_log('disconnected who="Raw" reason="server shutting down"')
    with pytest.raises(OSError):
        http.Connection(server.port)
    assert polling.sid


def test_ends_although_a_client_does_not_answer(start_chat):
    server = start_chat("--shutdown-timeout", 1)
    silent = [engine.Socket(server.port) for _ in range(5)]
    half = http.Connection(server.port)
    half.send("GET / HT")
    assert server.terminate() == 0
    for socket in silent:
        socket.socket.connection.close()
    half.close()


def test_starts_again_on_the_same_port_at_once(start_chat):
    server = start_chat()
    for _ in range(3):
        peer = Peer(server)
        assert server.terminate() == 0
        server.start(server.port)
        peer.socket.connection.close()
