"""A shutdown that drains: SIGTERM closes clients in slices while the others are served."""

import signal
import socket as sockets
import threading

import pytest
import socketio

from support import engine, http
from support.http import Closed
from support.nginx import Nginx
from support.process import eventually
from support.websocket import CLOSE

LONG = 600_000
CLIENTS = 300


def terminate(server) -> None:
    """SIGTERM; returns when nobody listens any more."""
    server.process.send_signal(signal.SIGTERM)
    # Each loop stops in its turn: that one connection was refused does not say that all are.
    server.wait_for_log("draining: ", 10)
    assert not accepts(server.port)


def end(server, seconds: float) -> int:
    """Waits for the process, to which nothing more is sent; its exit status."""
    server.process.wait(seconds)
    return server.terminate()


def accepts(port: int) -> bool:
    try:
        sockets.create_connection(("127.0.0.1", port), 5).close()
        return True
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        # Accepted by the kernel when the listener was about to go.
        return False


def kept_alive(port: int) -> http.Connection:
    """A connection that the server has accepted, and keeps."""
    connection = http.Connection(port, 10)
    connection.send(http.head("GET", "/healthz"))
    assert connection.response().status == 200
    return connection


def ask(connection: http.Connection, target: str, *fields: str) -> http.Response:
    connection.send(http.head("GET", target, *fields))
    return connection.response()


class Witness(threading.Thread):
    """Reads a client until its end and puts its number into a list then."""

    def __init__(self, number: int, client: engine.Socket, ended: list[int]):
        super().__init__(daemon=True)
        self.number, self.client, self.ended = number, client, ended
        self.last = None
        client.socket.connection.socket.settimeout(60)
        self.start()

    def run(self):
        try:
            while self.last is None or self.last.opcode != CLOSE:
                self.last = self.client.socket.frame()
        except (Closed, OSError):
            pass
        self.ended.append(self.number)


@pytest.mark.parametrize("loops", [1, 2])
def test_clients_leave_in_slices(start_server, loops):
    server = start_server("--drain-time", 3000, "--loops", loops)
    ended: list[int] = []
    witnesses = []
    for number in range(CLIENTS):
        client = engine.Socket(server.port)
        client.connect()
        witnesses.append(Witness(number, client, ended))
    speakers = [engine.Socket(server.port, seconds=20) for _ in range(10)]
    for speaker in speakers:
        speaker.connect()
    terminate(server)
    # One round trip after the other, until no speaker is left: how many had gone at each? Their
    # number is what tells slices apart, and no clock is asked.
    seen = {0}
    while speakers:
        try:
            assert speakers[-1].is_alive()
            seen.add(len(ended))
        except (Closed, OSError, AssertionError):
            speakers.pop()
    for witness in witnesses:
        witness.join(30)
    assert len(ended) == CLIENTS
    assert all(witness.last and witness.last.opcode == CLOSE for witness in witnesses)
    # In random order, not in that of arrival.
    assert ended != sorted(ended)
    # A hundred slices, or some less on a machine that is busy.
    assert len(seen) >= 5, seen
    assert end(server, 20) == 0
    lines = [line for line in server.errors().splitlines() if "draining:" in line]
    assert lines == [f"info draining: {CLIENTS + 10} clients leave within 3.0 seconds"]


def test_messages_flow_between_those_that_are_left(start_server):
    server = start_server("--drain-time", LONG)
    ada, grace = engine.Socket(server.port), engine.Socket(server.port)
    ada.connect("/quiet")
    grace.connect("/quiet")
    polling = engine.Polling(server.port)
    connection = http.Connection(server.port, 10)
    assert ask(connection, "/healthz").status == 200
    terminate(server)
    ada.send('42/quiet,["broadcast","hello"]')
    assert grace.receive() == '42/quiet,["said","hello"]'
    # A namespace that is joined only now, and a session that polls on the connection it has.
    grace.connect("/custom")
    grace.send('42/custom,1["message-with-ack","x"]')
    assert grace.receive() == '42/custom,["auth",{}]'
    assert grace.receive() == '43/custom,1["x"]'
    body = "40/quiet,"
    connection.send(
        http.head("POST", polling.target, f"Content-Length: {len(body)}", "Content-Type: text/plain")
        + body
    )
    assert connection.response().text == "ok"
    assert ask(connection, polling.target).text.startswith("40/quiet,{")
    # A second signal ends it at once: minutes before the next slice.
    server.process.send_signal(signal.SIGTERM)
    assert end(server, 10) == 0
    for client in (ada, grace):
        client.closes()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_nobody_new_gets_in(start_chat, second):
    server = start_chat("--drain-time", 3600)
    with engine.Socket(server.port) as client:
        client.connect("/")
        connections = [kept_alive(server.port) for _ in range(3)]
        terminate(server)
        with pytest.raises(ConnectionRefusedError):
            sockets.create_connection(("127.0.0.1", server.port), 5)
        # A load balancer that asks on a connection of its own is refused; one that kept it reads.
        health = ask(connections[0], "/healthz")
        assert health.status == 503
        assert (health.json["status"], health.json["clients"]) == ("draining", 1)
        response = ask(connections[1], engine.target("polling"))
        assert (response.status, response.json) == (
            503, {"code": 101, "message": "Server shutting down"}
        )
        assert response.field("connection") == "close" and response.field("retry-after") == "1"
        assert connections[1].is_closed()
        response = ask(
            connections[2], engine.target("websocket"), "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        )
        assert (response.status, response.text) == (503, "Server shutting down")
        assert connections[2].is_closed()
        client.send('421["echo","still here"]')
        assert client.receive() == '431["still here"]'
        server.process.send_signal(second)
        assert end(server, 10) == 0
        client.closes()


def test_without_clients_it_is_over_at_once(start_chat):
    server = start_chat("--drain-time", 3600)
    with engine.Polling(server.port).pending_get() as poll:
        server.process.send_signal(signal.SIGINT)
        # The only client there is has the first slice, after 36 s; it leaves before.
        poll.close()
        assert end(server, 10) == 0


def test_behind_nginx_clients_come_to_another_server(start_chat):
    """The real client is sent away, and is back at another replica by way of nginx."""
    replicas = [
        start_chat("--drain-time", 2, "--trust-proxy", 1, "--replica-name", f"app-{number}")
        for number in range(3)
    ]
    nginx = Nginx(*(replica.port for replica in replicas))
    clients = []
    try:
        for _ in range(20):
            # By polling this client takes the end of a session for its own, and stays away.
            client = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.5)
            client.connect(nginx.url, transports=["websocket"])
            clients.append(client)
        home = clients[0].call("whoami")["replica"]
        assert {client.call("whoami")["replica"] for client in clients} == {home}
        leaving = next(one for one in replicas if home == one.arguments[-1])
        leaving.process.send_signal(signal.SIGTERM)
        assert end(leaving, 15) == 0

        def where():
            if not all(client.connected for client in clients):
                return None
            try:
                homes = {client.call("whoami", timeout=2)["replica"] for client in clients}
            except (socketio.exceptions.SocketIOError, KeyError):
                return None
            return homes if home not in homes else None

        eventually(where, 20)
    finally:
        for client in clients:
            client.disconnect()
        nginx.close()
