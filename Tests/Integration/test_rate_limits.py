"""Rate limits with real clients, raw ones, and addresses behind nginx."""

import pytest
import socketio

from support import engine, http
from support.nginx import Nginx
from support.websocket import PING, PONG, frame, upgrade

# Once the burst is used up, nothing comes back while a test lasts.
SLOW = 0.001
TOO_MANY = {"code": 100, "message": "Too many requests"}


def is_open(connect) -> bool:
    try:
        connect()
        return True
    except AssertionError as error:
        assert "429" in str(error), error
        return False


def test_events_of_a_real_client(start_server):
    server = start_server("--limit-events", f"{SLOW}:5")
    client = socketio.Client(reconnection=False)
    heard = []
    client.on("said", heard.append, namespace="/quiet")
    client.connect(server.url, namespaces=["/quiet"], transports=["websocket"])
    try:
        assert client.call("echo", "one", namespace="/quiet") == "one"
        for number in range(10):
            client.emit("everyone", f"message {number}", namespace="/quiet")
        with pytest.raises(socketio.exceptions.TimeoutError):
            client.call("echo", "late", namespace="/quiet", timeout=1)
        # Each handler of this client runs in a thread of its own.
        assert sorted(heard) == [f"message {number}" for number in range(4)]
        assert client.connected
    finally:
        client.disconnect()


def test_heartbeats_are_not_limited(start_server):
    server = start_server(
        "--limit-packets", f"{SLOW}:1", "--limit-events", f"{SLOW}:1", "--limit-bytes", f"{SLOW}:1",
        "--limit-address-packets", f"{SLOW}:1", "--ping-interval", 50, "--ping-timeout", 10_000,
    )
    with engine.Socket(server.port, answers_pings=False) as client:
        client.connect()
        for _ in range(20):
            assert client.receive() == "2"
            client.send("3")
        client.send('42/quiet,1["echo"]', '42/quiet,2["echo-unlimited"]')
        assert client.receive() == "2"


def test_the_closure_disconnects(start_server):
    server = start_server("--limit-events", f"{SLOW}:3", "--limit-action", "disconnect")
    with engine.Socket(server.port) as client:
        sid = client.connect()
        for number in range(9):
            client.send(f'42/quiet,{number}["echo",{number}]')
        for number in range(3):
            assert client.receive() == f"43/quiet,{number}[{number}]"
        client.closes()
        assert server.reasons(sid) == ["disconnecting:forced close", "disconnect:forced close"]
    # The address may come again.
    with engine.Socket(server.port) as client:
        client.connect()
        assert client.is_alive()


def test_joins_of_unknown_namespaces(start_server):
    server = start_server("--limit-events", f"{SLOW}:10")
    with engine.Socket(server.port) as client:
        client.connect()
        client.send(*(f"40/spam-{number}," for number in range(100)))
        refusals = [client.receive() for _ in range(100)]
        assert sum("Invalid namespace" in one for one in refusals) == 9
        assert sum("rate limit exceeded" in one for one in refusals) == 91
        # Those of the socket are counted apart.
        assert client.is_alive()


def test_events_in_one_post(start_server):
    server = start_server("--limit-events", f"{SLOW}:3")
    client = engine.Polling(server.port)
    client.send("40/quiet,")
    assert client.receive().startswith("40/quiet,{")
    client.send(*(f'42/quiet,{number}["echo",{number}]' for number in range(50)))
    assert [client.receive() for _ in range(3)] == [f"43/quiet,{n}[{n}]" for n in range(3)]
    client.send("40/custom,")
    assert client.receive().startswith("40/custom,{")


def test_handshakes_are_answered_429(start_server):
    server = start_server("--limit-handshakes", f"{SLOW}:2", "--cors", "*")
    engine.Polling(server.port)
    engine.Socket(server.port).socket.connection.close()
    # On one connection: the answer does not end it.
    with http.Connection(server.port) as connection:
        for _ in range(3):
            connection.send(http.head("GET", engine.target("polling"), "Origin: http://a"))
            response = connection.response()
            assert (response.status, response.json) == (429, TOO_MANY)
            assert 900 < int(response.field("retry-after")) <= 1001
            assert response.field("access-control-allow-origin") == "*"
            assert response.field("connection") != "close"
        connection.send(upgrade(engine.target("websocket")))
        response = connection.response()
        assert (response.status, response.text) == (429, "Too many requests")
        assert connection.is_closed()
    # Another address, and plain HTTP, are free.
    engine.Polling(server.port, source="127.0.0.2")
    assert http.request(server.port, "GET", "/healthz").status == 200
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url)


def test_what_a_client_claims_about_itself_counts_for_nothing(start_server):
    server = start_server("--limit-handshakes", f"{SLOW}:2")
    opened = [
        is_open(lambda: engine.Polling(server.port, [f"X-Forwarded-For: 192.0.2.{number}"]))
        for number in range(5)
    ]
    assert opened == [True, True, False, False, False]


def test_addresses_behind_nginx(start_server):
    server = start_server(
        "--limit-handshakes", f"{SLOW}:3", "--limit-address-packets", f"{SLOW}:8", "--trust-proxy", 1
    )
    nginx = Nginx(server.port, server.port, server.port)
    try:
        for source in ("127.0.0.1", "127.0.0.7"):
            # Whatever is claimed in front of nginx's own entry.
            clients = [
                engine.Socket(nginx.port, f"X-Forwarded-For: 192.0.2.{n}", source=source)
                for n in range(3)
            ]
            response = http.request(nginx.port, "GET", engine.target("polling"), source=source)
            assert (response.status, response.json) == (429, TOO_MANY)
            # Three joins and five events make eight packets of the address.
            for client in clients:
                client.connect()
            for number in range(5):
                clients[number % 3].send(f'42/quiet,{number}["echo",{number}]')
                assert clients[number % 3].receive() == f"43/quiet,{number}[{number}]"
            for client in clients:
                client.send('42/quiet,9["echo",9]', "40/custom,")
                assert client.receive() == '44/custom,{"message":"rate limit exceeded"}'
                client.socket.connection.close()
    finally:
        nginx.close()
    # One line for each address, whatever it did.
    lines = [line for line in server.errors().splitlines() if "rate limit" in line]
    assert len(lines) == 2 and "127.0.0.1 is over" in lines[0] and "127.0.0.7" in lines[1]


def test_a_flood_neither_stops_nor_grows_the_server(start_server):
    server = start_server("--limit-events", "10:10", "--limit-bytes", "100000:100000")
    with engine.Socket(server.port) as flooder, engine.Socket(server.port) as other:
        flooder.connect()
        other.connect()
        burst = b"".join(
            b'\x81\x92\0\0\0\0' + b'42/quiet,["burst"]' for _ in range(1000)
        )
        for _ in range(50):
            flooder.socket.send_raw(burst)
        assert other.is_alive()
        # Once this is answered, the whole flood has been read.
        flooder.socket.send_raw(frame(PING))
        assert flooder.socket.frame().opcode == PONG
    assert sum("rate limit" in line for line in server.errors().splitlines()) == 1
