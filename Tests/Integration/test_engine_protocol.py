"""The public Engine.IO v4 protocol suite, and the wire facts of protocol.md §2–§11 and §22."""

import base64
import json
import re
import struct
import threading

import pytest
import websockets.exceptions
from websockets.sync.client import connect as websocket_connect

from support import engine, http
from support.deadline import SECONDS
from support.process import eventually
from support.websocket import BINARY, CLOSE, TEXT, RawWebSocket, upgrade

# Pings and deadlines are too far away to come between: what is about them starts its own server.
# One loop: what is sent first on two connections is then also taken first.
SERVER_ARGUMENTS = ("--cors", "*", "--loops", 1)
SID = re.compile(r"[A-Za-z0-9_-]{20}")
KEYS = ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]


def error(code: int) -> bytes:
    messages = {
        0: "Transport unknown", 1: "Session ID unknown", 2: "Bad handshake method",
        3: "Bad request", 4: "Forbidden", 5: "Unsupported protocol version",
    }
    return f'{{"code":{code},"message":"{messages[code]}"}}'.encode()


def refuses(response: http.Response, code: int) -> None:
    """The answer is exactly the one of §3 for `code`."""
    assert response.status == (403 if code == 4 else 400)
    assert response.field("content-type") == "application/json"
    assert response.body == error(code)


def is_gone(polling: engine.Polling) -> None:
    refuses(polling.get(), 1)


# §4 Handshake


def test_4_handshake_over_polling(server):
    response = http.request(server.port, "GET", engine.target("polling"))
    assert response.status == 200
    assert response.field("content-type") == "text/plain; charset=UTF-8"
    assert response.field("cache-control") == "no-store"
    assert response.text[0] == "0"
    opened = json.loads(response.text[1:])
    assert list(opened) == KEYS
    assert SID.fullmatch(opened["sid"])
    assert opened["upgrades"] == ["websocket"]
    assert (opened["pingInterval"], opened["pingTimeout"]) == (25_000, 20_000)
    assert opened["maxPayload"] == 1_000_000


def test_4_handshake_tells_the_heartbeat(start_server):
    server = start_server("--ping-interval", 300, "--ping-timeout", 200)
    opened = engine.Polling(server.port).open
    assert (opened["pingInterval"], opened["pingTimeout"]) == (300, 200)


def test_4_handshake_over_websocket(server):
    with websocket_connect(f"ws://127.0.0.1:{server.port}{engine.target('websocket')}") as socket:
        message = socket.recv(SECONDS)
        opened = json.loads(message[1:])
        assert message[0] == "0" and list(opened) == KEYS
        assert opened["upgrades"] == [] and SID.fullmatch(opened["sid"])


def test_1_session_ids_are_distinct(server):
    sids = {engine.Polling(server.port).sid for _ in range(50)}
    assert len(sids) == 50


REFUSED = [
    ("GET", "", 0), ("GET", "?EIO=4", 0), ("GET", "?EIO=4&transport=", 0),
    ("GET", "?EIO=4&transport=abc", 0), ("GET", "?EIO=4&transport=webtransport", 0),
    ("GET", "?EIO=4&transport=Polling", 0),
    ("GET", "?transport=polling", 5), ("GET", "?EIO=3&transport=polling", 5),
    ("GET", "?EIO=abc&transport=polling", 5), ("GET", "?EIO=44&transport=polling", 5),
    ("GET", "?EIO=4&EIO=3&transport=polling", 5), ("GET", "?EIO=&transport=polling", 5),
    ("POST", "?EIO=4&transport=polling", 2), ("PUT", "?EIO=4&transport=polling", 2),
    ("DELETE", "?EIO=4&transport=polling", 2), ("PATCH", "?EIO=4&transport=polling", 2),
    ("GET", "?EIO=4&transport=websocket", 3), ("POST", "?EIO=4&transport=websocket", 2),
    ("GET", "?EIO=4&transport=polling&sid=unknown", 1),
    ("POST", "?EIO=4&transport=polling&sid=unknown", 1),
    ("GET", "?EIO=4&transport=polling&sid=" + "A" * 20, 1),
    ("GET", "?EIO=4&transport=polling&sid=%00", 1),
    ("GET", "?EIO=4&transport=polling&sid=" + "A" * 4000, 1),
    # §2: the transport is looked at before the sid, the sid before EIO.
    ("GET", "?transport=abc&sid=unknown", 0), ("GET", "?transport=polling&sid=unknown", 1),
]


@pytest.mark.parametrize(("method", "query", "code"), REFUSED)
def test_3_refused_over_http(server, method, query, code):
    refuses(http.request(server.port, method, engine.PATH + query), code)


@pytest.mark.parametrize(
    ("query", "message"),
    [("?EIO=4&transport=abc", b"Transport unknown"),
     ("?EIO=4", b"Transport unknown"),
     ("?EIO=4&transport=websocket&sid=unknown", b"Session ID unknown"),
     ("?EIO=3&transport=websocket", b"Unsupported protocol version"),
     ("?transport=websocket", b"Unsupported protocol version")],
)
def test_3_refused_over_websocket_is_plain_text(server, query, message):
    with http.Connection(server.port) as connection:
        connection.send(upgrade(engine.PATH + query))
        response = connection.response()
        assert (response.status, response.body) == (400, message)
        assert response.field("connection").lower() == "close"
        assert response.field("content-type") == "text/html"
        assert connection.is_closed()


@pytest.mark.parametrize("value", ["a\x01b", "\x7f"])
def test_2_origin_with_a_control_character(server, value):
    with http.Connection(server.port) as connection:
        connection.send(http.head("GET", engine.target("polling"), f"Origin: {value}"))
        # RFC 9110 §5.5 refuses it before Engine.IO does.
        assert connection.response().status == 400


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io/default/", "/socket.io/a/b"])
def test_2_matching_is_by_prefix(server, path):
    response = http.request(server.port, "GET", engine.target("polling", path=path))
    assert response.text.startswith("0{")


def test_2_the_last_of_repeated_parameters_holds(server):
    target = engine.PATH + "?EIO=3&EIO=4&transport=abc&transport=polling&sid=x&sid="
    assert http.request(server.port, "GET", target).text.startswith("0{")


def test_2_application_parameters_and_cache_busters_are_ignored(server):
    target = engine.target("polling", t="Pabc", b64="1", token="%20x")
    assert http.request(server.port, "GET", target).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_2_other_methods_with_a_sid(start_server, method):
    server = start_server()  # without CORS, which answers OPTIONS itself
    session = engine.Polling(server.port)
    response = http.request(server.port, method, session.target)
    assert (response.status, response.body) == (500, b"")
    session.send("40/quiet,")
    assert session.receive().startswith("40/quiet,{")


def test_2_upgrade_elsewhere_is_not_upgraded(server):
    with http.Connection(server.port) as connection:
        connection.send(upgrade("/elsewhere"))
        assert connection.response().status == 404


@pytest.mark.parametrize("loops", [2, 4])
def test_sessions_are_found_from_every_loop(start_server, loops):
    """Each request is a connection of its own, accepted by whichever loop."""
    server = start_server("--loops", loops)
    sessions = [joined(server) for _ in range(20)]
    for number in range(5):
        for session in sessions:
            session.send(f'42/quiet,{number}["echo",{number}]')
        for session in sessions:
            assert session.receive() == f"43/quiet,{number}[{number}]"
    for session in sessions:
        assert session.post("1").body == b"ok"
        is_gone(session)


# §5 and §6 Polling


def joined(server) -> engine.Polling:
    """A polling session in `/quiet`."""
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    assert session.receive().startswith("40/quiet,{")
    return session


def test_6_several_packets_in_one_payload(server):
    session = joined(server)
    session.send('42/quiet,1["echo","a"]', '42/quiet,2["echo","b"]', '42/quiet,3["echo","c"]')
    assert [session.receive() for _ in range(3)] == [
        '43/quiet,1["a"]', '43/quiet,2["b"]', '43/quiet,3["c"]',
    ]


def test_6_binary_as_base64(server):
    session = joined(server)
    session.send('451-/quiet,4["echo",{"_placeholder":true,"num":0}]', "bAQIDBA==")
    assert session.receive() == '461-/quiet,4[{"_placeholder":true,"num":0}]'
    assert session.receive() == "bAQIDBA=="


@pytest.mark.parametrize("text", ["bAQIDBA", "b-_-_", "b+/+/"])
def test_5_base64_is_read_leniently(server, text):
    session = joined(server)
    session.send('451-/quiet,4["echo",{"_placeholder":true,"num":0}]', text)
    session.receive()
    answer = session.receive()
    standard = text[1:].replace("-", "+").replace("_", "/")
    assert answer == "b" + standard + "=" * (-len(standard) % 4)


def test_6_binary_in_a_later_payload(server):
    session = joined(server)
    session.send('451-/quiet,4["echo",{"_placeholder":true,"num":0}]')
    session.send("bAQIDBA==")
    assert session.receive() == '461-/quiet,4[{"_placeholder":true,"num":0}]'
    assert session.receive() == "bAQIDBA=="


def test_6_post_answers_ok(server):
    response = joined(server).post('42/quiet,["echo"]')
    assert (response.status, response.body) == (200, b"ok")
    assert response.field("content-type") == "text/html"
    assert response.field("cache-control") == "no-store"


def test_6_poll_headers(server):
    session = joined(server)
    session.send('42/quiet,1["echo"]')
    response = session.get()
    assert (response.status, response.text) == (200, "43/quiet,1[]")
    assert response.field("content-type") == "text/plain; charset=UTF-8"
    assert response.field("cache-control") == "no-store"
    assert response.field("content-length") == "12"


@pytest.mark.parametrize("body", ["abc", "", "3\x1e", "\x1e3", "4\x1e\x1e4", "8", "-1", " 3", "é"])
def test_6_bad_payload_closes(server, body):
    session = engine.Polling(server.port)
    with session.pending_get() as pending:
        try:
            response = session.post(body)
            assert (response.status, response.body) in ((200, b"ok"), (400, b""))
        except http.Closed:
            pass  # the reference may reset the connection
        assert pending.response().body == b"1"
    is_gone(session)


def test_6_packets_before_a_bad_one_are_delivered(server):
    session = joined(server)
    note = f"before-{session.sid}"
    try:
        session.post(f'42/quiet,["no-result","{note}"]\x1eabc\x1e42/quiet,["no-result","after"]')
    except http.Closed:
        pass
    eventually(lambda: note in server.get("/notes"))
    assert "after" not in server.get("/notes")
    is_gone(session)


def test_6_second_get_closes(server):
    session = engine.Polling(server.port)
    with session.pending_get() as first:
        # Not answered yet when the second comes: the first ping is 25 s away.
        second = session.get()
        assert (second.status, second.body) == (400, b"")
        response = first.response()
        assert (response.status, response.body) == (200, b"1")
    is_gone(session)


def test_6_second_post_closes(server):
    session = engine.Polling(server.port)
    with http.Connection(server.port) as first:
        first.send(http.head("POST", session.target, "Content-Length: 10") + "4")
        # The server must know the first one before the second is sent.
        first.send("0")

        def overlap():
            try:
                return session.post("3")
            except http.Closed:
                return None

        response = overlap()
        if response is not None and response.status == 200:
            pytest.fail("the first POST's head had not arrived, or the overlap was let pass")
        assert response is None or (response.status, response.body) == (400, b"")
        assert first.rest()[:15] != b"HTTP/1.1 200 OK"
    is_gone(session)


def test_6_get_and_post_together(server):
    session = joined(server)
    with session.pending_get() as pending:
        session.send('42/quiet,7["echo","x"]')
        packets = pending.response().text.split("\x1e")
        assert '43/quiet,7["x"]' in packets


def test_6_client_aborts_the_poll(server):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    sid = json.loads(session.receive().removeprefix("40/quiet,"))["sid"]
    session.pending_get().close()
    assert server.reasons(sid) == ["disconnecting:transport error", "disconnect:transport error"]
    is_gone(session)


def test_6_client_aborts_a_post(server):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    sid = json.loads(session.receive().removeprefix("40/quiet,"))["sid"]
    with http.Connection(server.port) as connection:
        connection.send(http.head("POST", session.target, "Content-Length: 10") + "4")
    assert server.reasons(sid)[0] in ("disconnecting:transport error", "disconnecting:ping timeout")


def test_6_octet_stream_closes(server):
    session = engine.Polling(server.port)
    response = session.post("4", ["Content-Type: application/octet-stream"])
    assert (response.status, response.body) == (400, b"")
    is_gone(session)


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "x", "text/plain;charset=latin1"])
def test_6_other_content_types_do_not_matter(server, kind):
    session = engine.Polling(server.port)
    assert session.post("3", [f"Content-Type: {kind}"]).body == b"ok"


def test_6_body_of_exactly_the_limit(start_server):
    server = start_server("--max-payload", 1000)
    session = engine.Polling(server.port)
    assert session.open["maxPayload"] == 1000
    session.send("40/quiet,")
    session.receive()
    text = "x" * (1000 - len('42/quiet,1["echo",""]'))
    assert session.post(f'42/quiet,1["echo","{text}"]').body == b"ok"
    assert session.receive() == f'43/quiet,1["{text}"]'


@pytest.mark.parametrize("chunked", [False, True])
def test_6_body_above_the_limit_is_413_and_the_session_stays(start_server, chunked):
    server = start_server("--max-payload", 1000)
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    session.receive()
    if chunked:
        with http.Connection(server.port) as connection:
            connection.send(http.head("POST", session.target, "Transfer-Encoding: chunked"))
            connection.send("3e9\r\n" + "x" * 1001 + "\r\n0\r\n\r\n")
            response = connection.response()
    else:
        response = session.post("x" * 1001)
    assert (response.status, response.body) == (413, b"")
    session.send('42/quiet,1["echo","still here"]')
    assert session.receive() == '43/quiet,1["still here"]'


def test_6_chunked_post(server):
    session = joined(server)
    with http.Connection(server.port) as connection:
        connection.send(http.head("POST", session.target, "Transfer-Encoding: chunked"))
        for byte in '42/quiet,1["echo"]':
            connection.send(f"1;x=y\r\n{byte}\r\n")
        connection.send("0\r\nTrailer: x\r\n\r\n")
        assert connection.response().body == b"ok"
    assert session.receive() == "43/quiet,1[]"


def test_6_close_packet(server):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    sid = json.loads(session.receive().removeprefix("40/quiet,"))["sid"]
    with session.pending_get() as pending:
        assert session.post("1").body == b"ok"
        assert pending.response().body == b"6"
    assert server.reasons(sid) == ["disconnecting:transport close", "disconnect:transport close"]
    is_gone(session)


def test_6_server_close_without_a_pending_poll(server):
    session = joined(server)
    session.send('42/quiet,["disconnect-me",true]')
    packets = []
    while "1" not in packets:
        packets += session.poll()
    assert [packet for packet in packets if packet not in "26"] == ["41/quiet,", "1"]
    is_gone(session)


def test_6_disconnect_packet_arrives_before_the_close(server):
    """The official client takes a `1` in the same payload for a lost transport and reconnects."""
    session = joined(server)
    with session.pending_get() as pending:
        session.send('42/quiet,["disconnect-me",true]')
        packets = pending.response().text.split("\x1e")
    assert "41/quiet," in packets and "1" not in packets
    assert session.poll()[-1] == "1"
    is_gone(session)


@pytest.mark.parametrize("packet", ["0", "5", "6", "3", "3x", "5x", "0{}"])
def test_5_ignored_packets(server, packet):
    session = joined(server)
    session.send(packet, '42/quiet,1["echo"]')
    assert session.receive() == "43/quiet,1[]"


@pytest.mark.parametrize("packet", ["2", "2probe"])
def test_5_a_ping_from_the_client_closes(server, packet):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    sid = json.loads(session.receive().removeprefix("40/quiet,"))["sid"]
    try:
        session.post(packet)
    except http.Closed:
        pass
    assert server.reasons(sid) == ["disconnecting:transport error", "disconnect:transport error"]
    is_gone(session)


# §7 WebSocket


def test_7_echo_of_text_and_binary(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.send('451-/quiet,1["echo",{"_placeholder":true,"num":0}]', b"\x01\x02\x03\x04")
        assert socket.receive() == '461-/quiet,1[{"_placeholder":true,"num":0}]'
        assert socket.receive() == b"\x01\x02\x03\x04"
        # A text frame may carry binary as base64 (§5).
        socket.send('451-/quiet,1["echo",{"_placeholder":true,"num":0}]', "bAQIDBA==")
        assert socket.receive() == '461-/quiet,1[{"_placeholder":true,"num":0}]'
        assert socket.receive() == b"\x01\x02\x03\x04"


def test_2_b64_makes_the_server_send_text_only(server):
    target = engine.target("websocket", b64="1")
    with RawWebSocket(server.port, target) as socket:
        socket.message()
        socket.send("40/quiet,")
        socket.message()
        socket.send('451-/quiet,1["echo",{"_placeholder":true,"num":0}]')
        socket.send(b"\x01\x02\x03\x04")
        assert socket.message() == '461-/quiet,1[{"_placeholder":true,"num":0}]'
        assert socket.message() == "bAQIDBA=="


@pytest.mark.parametrize("unit", ["abc", "", "8", "é", "-1"])
def test_7_bad_unit_closes_with_parse_error(server, unit):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.send(unit)
        assert socket.closes() == 1005
    assert server.reasons(sid) == ["disconnecting:parse error", "disconnect:parse error"]


def test_7_close_packet_closes(server):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.send("1")
        assert socket.closes() == 1005
    assert server.reasons(sid) == ["disconnecting:transport close", "disconnect:transport close"]


@pytest.mark.parametrize("code", [None, 1000, 1001, 3000, 4999])
def test_7_peer_closes(server, code):
    from support.websocket import close_frame

    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.socket.send_raw(close_frame(code))
        assert socket.closes() == (1005 if code is None else code)
    assert server.reasons(sid) == ["disconnecting:transport close", "disconnect:transport close"]


def test_7_tcp_drops(server):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
    assert server.reasons(sid) == ["disconnecting:transport close", "disconnect:transport close"]


def test_7_server_closes_without_a_code(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.send('42/quiet,["disconnect-me",true]')
        assert socket.receive() == "41/quiet,"
        assert socket.closes() == 1005


def test_7_message_above_the_limit_is_1009(start_server):
    server = start_server("--max-payload", 1000)
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        text = "x" * (1000 - len('42/quiet,1["echo",""]'))
        socket.send(f'42/quiet,1["echo","{text}"]')
        assert socket.receive() == f'43/quiet,1["{text}"]'
        socket.send("4" * 1001)
        assert socket.closes() == 1009
    assert server.reasons(sid) == ["disconnecting:transport error", "disconnect:transport error"]


def test_7_a_client_ping_closes(server):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.send("2")
        assert socket.closes() == 1005
    assert server.reasons(sid) == ["disconnecting:transport error", "disconnect:transport error"]


@pytest.mark.parametrize("packet", ["0", "3", "5", "6"])
def test_5_ignored_packets_over_websocket(server, packet):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.send(packet)
        assert socket.is_alive()


def test_7_fragmented_message(server):
    from support.websocket import CONTINUATION, PING, PONG, frame

    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.socket.send_raw(
            frame(TEXT, "42/quiet", final=False) + frame(CONTINUATION, ",1[", final=False)
            + frame(PING, b"now") + frame(CONTINUATION, '"echo"]')
        )
        pong = socket.socket.frame()
        assert (pong.opcode, pong.payload) == (PONG, b"now")
        assert socket.receive() == "43/quiet,1[]"


def test_7_websockets_library_agrees(server):
    url = f"ws://127.0.0.1:{server.port}{engine.target('websocket')}"
    with websocket_connect(url) as socket:
        socket.recv(SECONDS)
        assert socket.ping().wait(SECONDS)
        socket.send("40/quiet,")
        assert socket.recv(SECONDS).startswith("40/quiet,")
        socket.send("4")  # an empty Socket.IO packet
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            while socket.recv(SECONDS) == "2":
                pass
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1005


# §8 Upgrade


def probing(server, session) -> RawWebSocket:
    return RawWebSocket(server.port, engine.target("websocket", session.sid))


def upgraded(server) -> tuple[engine.Polling, RawWebSocket]:
    session = joined(server)
    socket = probing(server, session)
    socket.send("2probe")
    assert socket.message() == "3probe"
    socket.send("5")
    return session, socket


def test_8_upgrade(server):
    session, socket = upgraded(server)
    with socket:
        socket.send('42/quiet,1["echo","up"]')
        message = socket.message()
        while message == "2":
            socket.send("3")
            message = socket.message()
        assert message == '43/quiet,1["up"]'
        refuses(session.get(), 3)
        refuses(session.post("3"), 3)


def test_8_second_websocket_after_the_upgrade_is_closed(server):
    session, socket = upgraded(server)
    with socket, probing(server, session) as second:
        assert second.close_code() == 1005
        socket.send('42/quiet,1["echo"]')
        assert socket.message() in ("43/quiet,1[]", "2")


def test_8_second_websocket_while_probing_is_closed(server):
    session = joined(server)
    with probing(server, session) as first:
        first.send("2probe")
        assert first.message() == "3probe"
        with probing(server, session) as second:
            assert second.close_code() == 1005
        first.send("5")
        first.send('42/quiet,1["echo"]')
        while (message := first.message()) == "2":
            first.send("3")
        assert message == "43/quiet,1[]"


def test_8_a_pending_poll_is_released_by_noop_while_probing(server):
    session = joined(server)
    with session.pending_get() as pending, probing(server, session) as socket:
        socket.send("2probe")
        assert socket.message() == "3probe"
        assert pending.response().body in (b"6", b"2")


def test_8_a_poll_still_pending_at_the_upgrade_gets_a_close(server):
    session = joined(server)
    with probing(server, session) as socket:
        socket.send("2probe")
        assert socket.message() == "3probe"
        with session.pending_get() as pending:
            # Known to the server before the 5: the poll is asked for on a connection of its own,
            # so wait for its noop and ask again at once.
            pending.response()
            pending.send(http.head("GET", session.target))
            socket.send("5")
            response = pending.response()
            assert (response.status, response.body) in (
                (200, b"1"), (200, b"6"), (400, error(3)),
            )
        socket.send('42/quiet,1["echo"]')
        while (message := socket.message()) == "2":
            socket.send("3")
        assert message == "43/quiet,1[]"


@pytest.mark.parametrize("message", ["2foo", "2", "4x", "3probe", "6", "abc", "", b"2probe"])
def test_8_anything_else_on_the_probe_closes_it_only(server, message):
    session = joined(server)
    with probing(server, session) as socket:
        socket.send(message)
        assert socket.close_code() == 1005
    session.send('42/quiet,1["echo","here"]')
    assert session.receive() == '43/quiet,1["here"]'


def test_8_upgrade_without_a_probe(server):
    session = joined(server)
    with probing(server, session) as socket:
        socket.send("5")
        socket.send('42/quiet,1["echo"]')
        while (message := socket.message()) == "2":
            socket.send("3")
        assert message == "43/quiet,1[]"


def test_8_upgrade_times_out(start_server):
    # A ping ends each poll soon: so the poller sees that it is to stop.
    server = start_server("--upgrade-timeout", 1000, "--ping-interval", 300)
    session = joined(server)
    with probing(server, session) as socket:
        stop = threading.Event()

        def keep_polling():
            while not stop.is_set():
                if "2" in session.poll():
                    session.send("3")

        poller = threading.Thread(target=keep_polling)
        poller.start()
        try:
            assert socket.close_code() == 1005  # after 1000 ms
        finally:
            stop.set()
            poller.join()
    session.send('42/quiet,1["echo"]')
    assert session.receive() == "43/quiet,1[]"


def test_8_messages_go_out_by_polling_while_probing(server):
    session = joined(server)
    with probing(server, session) as socket:
        socket.send("2probe")
        assert socket.message() == "3probe"
        session.send('42/quiet,1["echo"]')
        packet = session.receive()
        while packet == "6":
            packet = session.receive()
        assert packet == "43/quiet,1[]"


def test_8_queued_packets_move_to_the_websocket(server):
    session = joined(server)
    with probing(server, session) as socket:
        socket.send("2probe")
        assert socket.message() == "3probe"
        session.send('42/quiet,["burst",50]')  # nothing polls: they wait in the queue
        socket.send("5")
        numbers = []
        while len(numbers) < 50:
            message = socket.message()
            if message == "2":
                socket.send("3")
            else:
                numbers.append(message)
        assert numbers == [f'42/quiet,["number",{n}]' for n in range(50)]


def test_8_session_closes_while_probing(server):
    session = joined(server)
    with probing(server, session) as socket:
        socket.send("2probe")
        assert socket.message() == "3probe"
        session.send("1")
        assert socket.close_code() == 1005


def test_12_allow_upgrades_false_empties_the_list_only(start_server):
    server = start_server("--allow-upgrades", "false")
    session = engine.Polling(server.port)
    assert session.open["upgrades"] == []
    with probing(server, session) as socket:
        socket.send("2probe")
        assert socket.message() == "3probe"


@pytest.mark.parametrize(("enabled", "other"), [("polling", "websocket"), ("websocket", "polling")])
def test_12_transports(start_server, enabled, other):
    server = start_server("--transports", enabled)
    refuses(http.request(server.port, "GET", engine.target(other)), 0)
    if enabled == "polling":
        assert engine.Polling(server.port).open["upgrades"] == []
    else:
        with engine.Socket(server.port) as socket:
            socket.connect("/quiet")


# §9 Heartbeat


# A client that is to be given up must have joined before: that is why its time is not shorter.
IMPATIENT = ("--ping-interval", 300, "--ping-timeout", 3000)


def test_9_ping_and_pong_over_polling(start_server):
    server = start_server("--ping-interval", 300)
    session = engine.Polling(server.port)
    for _ in range(3):
        assert session.get().body == b"2"
        assert session.post("3").body == b"ok"


def test_9_ping_and_pong_over_websocket(start_server):
    server = start_server("--ping-interval", 300)
    with engine.Socket(server.port, answers_pings=False) as socket:
        for _ in range(3):
            assert socket.receive() == "2"
            socket.send("3")


def test_9_ping_timeout_over_polling(start_server):
    server = start_server(*IMPATIENT)
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    sid = json.loads(session.receive().removeprefix("40/quiet,"))["sid"]
    assert server.reasons(sid) == ["disconnecting:ping timeout", "disconnect:ping timeout"]
    is_gone(session)


def test_9_ping_timeout_over_websocket(start_server):
    server = start_server(*IMPATIENT)
    with engine.Socket(server.port, answers_pings=False) as socket:
        socket.send("40/quiet,")
        sid = json.loads(socket.receive().removeprefix("40/quiet,"))["sid"]
        assert socket.receive() == "2"
        assert socket.closes() == 1005
    assert server.reasons(sid) == ["disconnecting:ping timeout", "disconnect:ping timeout"]


def test_9_only_pongs_count(start_server):
    server = start_server(*IMPATIENT)
    with engine.Socket(server.port, answers_pings=False) as socket:
        sid = socket.connect("/quiet")
        assert socket.receive() == "2"
        for _ in range(5):
            socket.send('42/quiet,["echo"]')
        assert socket.closes() == 1005
    assert server.reasons(sid)[0] == "disconnecting:ping timeout"


# §11 CORS, cookie, allowRequest


def test_11_cors_any(server):
    response = http.request(server.port, "GET", engine.target("polling"), fields=["Origin: http://a"])
    assert response.field("access-control-allow-origin") == "*"
    refused = http.request(server.port, "GET", engine.PATH, fields=["Origin: http://a"])
    assert refused.status == 400
    assert refused.field("access-control-allow-origin") == "*"


def test_11_preflight(server):
    response = http.request(
        server.port, "OPTIONS", engine.target("polling"),
        fields=["Origin: http://a", "Access-Control-Request-Method: POST",
                "Access-Control-Request-Headers: x-custom"],
    )
    assert (response.status, response.body) == (204, b"")
    assert response.field("access-control-allow-methods") == "GET,HEAD,PUT,PATCH,POST,DELETE"
    assert response.field("access-control-allow-headers") == "x-custom"
    assert "Access-Control-Request-Headers" in response.field("vary")


def test_11_without_cors_options_is_a_bad_handshake(start_server):
    server = start_server()
    response = http.request(server.port, "OPTIONS", engine.target("polling"))
    refuses(response, 2)
    response = http.request(server.port, "GET", engine.target("polling"), fields=["Origin: http://a"])
    assert response.status == 200 and response.field("access-control-allow-origin") is None


@pytest.mark.parametrize(("origin", "allowed"), [("http://a", "http://a"), ("http://c", None)])
def test_11_cors_list_reflects_and_does_not_refuse(start_server, origin, allowed):
    server = start_server("--cors", "http://a,http://b")
    response = http.request(
        server.port, "GET", engine.target("polling"), fields=[f"Origin: {origin}"]
    )
    assert response.status == 200
    assert response.field("access-control-allow-origin") == allowed
    assert response.field("vary") == "Origin"


def test_11_cors_with_credentials(start_server):
    server = start_server("--cors", "reflect")
    response = http.request(
        server.port, "GET", engine.target("polling"), fields=["Origin: http://a"]
    )
    assert response.field("access-control-allow-origin") == "http://a"
    assert response.field("access-control-allow-credentials") == "true"


def test_11_cookie(start_server):
    server = start_server("--cookie", "io")
    session = engine.Polling(server.port)
    cookie = f"io={session.sid}; Path=/; HttpOnly; SameSite=Lax"
    assert session.response.field("set-cookie") == cookie
    session.send("40/quiet,")
    assert session.get().field("set-cookie") is None
    with RawWebSocket(server.port, engine.target("websocket")) as socket:
        assert socket.response.field("set-cookie") is None


def test_2_allow_request_refuses_handshakes_only(start_server):
    server = start_server("--refuse-without", "token")
    refuses(http.request(server.port, "GET", engine.target("polling")), 4)
    with http.Connection(server.port) as connection:
        connection.send(upgrade(engine.target("websocket")))
        response = connection.response()
        assert (response.status, response.body) == (400, b"Forbidden")
    response = http.request(server.port, "GET", engine.target("polling", token="x"))
    sid = json.loads(response.text[1:])["sid"]
    # Later requests of the session do not ask again.
    response = http.request(server.port, "POST", engine.target("polling", sid), "40/quiet,")
    assert response.body == b"ok"


def test_2_middlewares_see_every_request(start_server):
    server = start_server("--engine-guard", "token", "--cors", "*")
    response = http.request(server.port, "GET", engine.target("polling", token="x"))
    assert (response.status, response.field("x-guard")) == (200, "GET")
    sid = json.loads(response.text[1:])["sid"]
    for method, body in (("POST", "40"), ("GET", "")):
        refused = http.request(server.port, method, engine.target("polling", sid), body)
        assert (refused.status, refused.body) == (401, b"no token")
        assert refused.field("x-guard") == method
        assert refused.field("access-control-allow-origin") == "*"
        passed = http.request(server.port, method, engine.target("polling", sid, token="x"), body)
        assert (passed.status, passed.field("x-guard")) == (200, method)
    with http.Connection(server.port) as connection:
        connection.send(upgrade(engine.target("websocket")))
        response = connection.response()
        assert (response.status, response.body) == (401, b"no token")
        assert connection.is_closed()
    preflight = http.request(server.port, "OPTIONS", engine.target("polling"))
    assert (preflight.status, preflight.field("x-guard")) == (204, None)


# §22 Client bundle


@pytest.fixture
def bundle(start_server, tmp_path):
    text = "// the client\n" + "x" * 5000
    for name in ("socket.io.js", "socket.io.min.js"):
        (tmp_path / name).write_text(text)
    return start_server("--client-directory", tmp_path, "--cors", "*"), text


@pytest.mark.parametrize("name", ["socket.io.js", "socket.io.min.js"])
def test_22_bundle(bundle, name):
    server, text = bundle
    response = http.request(server.port, "GET", f"/socket.io/{name}?v=1", fields=["Origin: http://a"])
    assert (response.status, response.text) == (200, text)
    assert response.field("content-type") == "application/javascript; charset=utf-8"
    assert response.field("cache-control") == "public, max-age=0"
    assert response.field("access-control-allow-origin") == "*"
    etag = response.field("etag")
    for value in (etag, "W/" + etag.removeprefix("W/")):
        again = http.request(
            server.port, "GET", f"/socket.io/{name}", fields=[f"If-None-Match: {value}"]
        )
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(("encoding", "used"), [("gzip", "gzip"), ("deflate", "deflate"),
                                                ("gzip, deflate, br", "gzip"), ("identity", None),
                                                ("gzip;q=0", None), ("br", None)])
def test_22_bundle_is_compressed_as_accepted(bundle, encoding, used):
    import gzip
    import zlib

    server, text = bundle
    response = http.request(
        server.port, "GET", "/socket.io/socket.io.js", fields=[f"Accept-Encoding: {encoding}"]
    )
    assert response.field("content-encoding") == used
    decode = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[used]
    assert decode(response.body).decode() == text


@pytest.mark.parametrize("name", ["other.js", "socket.io.esm.min.js", "socket.io.js/x"])
def test_22_other_names_fall_through_to_the_engine(bundle, name):
    refuses(http.request(bundle[0].port, "GET", f"/socket.io/{name}"), 0)


@pytest.mark.parametrize("name", ["../secret", "%2e%2e/secret", "..%2fsecret"])
def test_22_bundle_leads_nowhere_else(bundle, name):
    assert http.request(bundle[0].port, "GET", f"/socket.io/{name}").status in (400, 404)
