"""Malformed and hostile input on every layer: the exact answer, and a healthy server afterwards.

Every test uses `healthy`: the same process still answers `/healthz`, and a new client connects and
gets an ack. Packets of Socket.IO that are merely wrong are in test_socketio_protocol.py.
"""

import json
import struct
import threading

import pytest

from conftest import check_health, start
from support import engine, http
from support.websocket import (
    BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, TEXT, RawWebSocket, close_frame, frame, upgrade,
)

# Time enough for who sends byte by byte on a busy machine.
SERVER_ARGUMENTS = (
    "--head-timeout", 60_000, "--body-timeout", 60_000, "--keep-alive-timeout", 60_000,
    "--max-payload", 100_000,
)
pytestmark = pytest.mark.usefixtures("healthy")

HOST = "Host: 127.0.0.1"


@pytest.fixture(scope="module")
def hasty_server(request):
    return start(
        request, "ConformanceServer", "--head-timeout", 1000, "--body-timeout", 1000,
        "--keep-alive-timeout", 1000,
    )


@pytest.fixture
def hasty(hasty_server):
    """A server that waits for nobody; healthy as the other one."""
    pid = hasty_server.pid
    yield hasty_server
    check_health(hasty_server, pid)


def raw(line: str, *fields: str, body: str = "") -> str:
    return "\r\n".join([line, *fields, "", body])


GET = "GET /healthz HTTP/1.1"
POST = "POST /echo HTTP/1.1"

# HTTP: name, what is sent, the status. The connection is closed after each.
BAD_REQUESTS = [
    # Request lines (RFC 9112 §3)
    ("no request line", "\r\n" * 20, 400),
    ("garbage", "\x00\x01\x02\x03\r\n\r\n", 400),
    ("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("only a method", raw("GET", HOST), 400),
    ("no version", raw("GET /healthz", HOST), 400),
    ("two spaces", raw("GET  /healthz HTTP/1.1", HOST), 400),
    ("a tab for a space", raw("GET\t/healthz\tHTTP/1.1", HOST), 400),
    ("a space in the target", raw("GET /health z HTTP/1.1", HOST), 400),
    ("a fragment in the target", raw("GET /healthz#x HTTP/1.1", HOST), 400),
    ("NUL in the target", raw("GET /health\0z HTTP/1.1", HOST), 400),
    ("a byte above 127 in the target", raw("GET /h\xe9 HTTP/1.1", HOST), 400),
    ("a target without a slash", raw("GET healthz HTTP/1.1", HOST), 400),
    ("an asterisk for GET", raw("GET * HTTP/1.1", HOST), 400),
    ("a method with brackets", raw("G[]T /healthz HTTP/1.1", HOST), 400),
    ("a method with a colon", raw("GET: /healthz HTTP/1.1", HOST), 400),
    ("lower case http", raw("GET /healthz http/1.1", HOST), 400),
    ("three digits of version", raw("GET /healthz HTTP/1.10", HOST), 400),
    ("HTTP/0.9 by version", raw("GET /healthz HTTP/0.9", HOST), 505),
    ("HTTP/2.0 by version", raw("GET /healthz HTTP/2.0", HOST), 505),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("a space before the method", raw(" GET /healthz HTTP/1.1", HOST), 400),
    # Line ends (§2.2)
    ("bare LF", f"{GET}\n{HOST}\n\n", 400),
    ("bare LF in a field", f"{GET}\r\n{HOST}\nX: y\r\n\r\n", 400),
    ("bare CR in a value", f"{GET}\r\n{HOST}\r\nX: a\rb\r\n\r\n", 400),
    # Fields (§5)
    ("folded line", f"{GET}\r\n{HOST}\r\nX: a\r\n b\r\n\r\n", 400),
    ("whitespace before the first field", f"{GET}\r\n {HOST}\r\n\r\n", 400),
    ("space before the colon", raw(GET, HOST, "X : y"), 400),
    ("no colon", raw(GET, HOST, "X"), 400),
    ("empty name", raw(GET, HOST, ": y"), 400),
    ("a name with a quote", raw(GET, HOST, 'X": y'), 400),
    ("NUL in a value", raw(GET, HOST, "X: a\0b"), 400),
    ("NUL in a name", raw(GET, HOST, "X\0: ab"), 400),
    ("a control character in a value", raw(GET, HOST, "X: a\x1bb"), 400),
    ("no Host", raw(GET), 400),
    ("two Hosts", raw(GET, HOST, "Host: other"), 400),
    ("a Host with a space", raw(GET, "Host: a b"), 400),
    ("a Host with a path", raw(GET, "Host: a/b"), 400),
    # Limits (RFC 6585 §5, RFC 9110 §15.5.15)
    ("a long target", raw(f"GET /{'a' * 9000} HTTP/1.1", HOST), 414),
    ("a target without an end", "GET /" + "a" * 20_000, 414),
    ("a huge field", raw(GET, HOST, "X: " + "y" * 20_000), 431),
    ("a huge name", raw(GET, HOST, "X" * 20_000 + ": y"), 431),
    ("too many fields", raw(GET, HOST, *(f"X{n}: y" for n in range(200))), 431),
    ("too many empty fields", raw(GET, HOST, *("X:" for _ in range(5000))), 431),
    ("a method without an end", "G" * 20_000, 431),
    # Framing and smuggling (§6)
    ("length and chunks", raw(POST, HOST, "Content-Length: 4", "Transfer-Encoding: chunked",
                              body="0\r\n\r\n"), 400),
    ("chunks and length", raw(POST, HOST, "Transfer-Encoding: chunked", "Content-Length: 4",
                              body="0\r\n\r\n"), 400),
    ("two lengths", raw(POST, HOST, "Content-Length: 4", "Content-Length: 5", body="abcd"), 400),
    ("two lengths in one", raw(POST, HOST, "Content-Length: 4, 5", body="abcd"), 400),
    ("a negative length", raw(POST, HOST, "Content-Length: -1"), 400),
    ("a signed length", raw(POST, HOST, "Content-Length: +4", body="abcd"), 400),
    ("a hexadecimal length", raw(POST, HOST, "Content-Length: 0x4", body="abcd"), 400),
    ("a length with a space", raw(POST, HOST, "Content-Length: 1 2", body="abcd"), 400),
    ("an empty length", raw(POST, HOST, "Content-Length:"), 400),
    ("a length over 64 bits", raw(POST, HOST, "Content-Length: 99999999999999999999"), 413),
    ("a length above the limit", raw(POST, HOST, "Content-Length: 100000000"), 413),
    ("unknown coding", raw(POST, HOST, "Transfer-Encoding: gzip"), 501),
    ("unknown coding before chunked", raw(POST, HOST, "Transfer-Encoding: gzip, chunked"), 501),
    ("identity", raw(POST, HOST, "Transfer-Encoding: identity"), 501),
    ("chunked not last", raw(POST, HOST, "Transfer-Encoding: chunked, gzip"), 501),
    ("chunked twice", raw(POST, HOST, "Transfer-Encoding: chunked, chunked"), 400),
    ("chunked twice in two fields",
     raw(POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
    ("chunked with a vertical tab", raw(POST, HOST, "Transfer-Encoding: \x0bchunked"), 400),
    ("chunked in quotes", raw(POST, HOST, 'Transfer-Encoding: "chunked"'), 400),
    ("chunks with HTTP/1.0",
     raw("POST /echo HTTP/1.0", HOST, "Transfer-Encoding: chunked", body="0\r\n\r\n"), 400),
    ("a chunk size that overflows",
     raw(POST, HOST, "Transfer-Encoding: chunked", body="fffffffffffffffff\r\n"), 400),
    ("a chunk size of 2^63",
     raw(POST, HOST, "Transfer-Encoding: chunked", body="8000000000000000\r\n"), 400),
    ("a negative chunk size", raw(POST, HOST, "Transfer-Encoding: chunked", body="-1\r\n"), 400),
    ("a chunk size with 0x", raw(POST, HOST, "Transfer-Encoding: chunked", body="0x4\r\n"), 400),
    ("an empty chunk size", raw(POST, HOST, "Transfer-Encoding: chunked", body="\r\n"), 400),
    ("a chunk longer than its size",
     raw(POST, HOST, "Transfer-Encoding: chunked", body="3\r\nabcd\r\n0\r\n\r\n"), 400),
    ("a chunk with a bare LF",
     raw(POST, HOST, "Transfer-Encoding: chunked", body="3\nabc\n0\n\n"), 400),
    ("an endless chunk extension",
     raw(POST, HOST, "Transfer-Encoding: chunked", body="3;" + "x" * 10_000), 400),
    ("an endless trailer", raw(POST, HOST, "Transfer-Encoding: chunked",
                               body="0\r\nX: " + "y" * 20_000), 431),
    ("a trailer that is no field",
     raw(POST, HOST, "Transfer-Encoding: chunked", body="0\r\nnonsense\r\n\r\n"), 400),
]


@pytest.mark.parametrize(
    ("data", "status"), [case[1:] for case in BAD_REQUESTS], ids=[case[0] for case in BAD_REQUESTS]
)
def test_http_refuses(server, data, status):
    with http.Connection(server.port) as connection:
        connection.send(data.encode("latin-1"))
        response = connection.response()
        assert response.status == status
        assert response.field("connection") == "close"
        connection.rest()


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [case for case in BAD_REQUESTS if len(case[1]) < 200],
    ids=[case[0] for case in BAD_REQUESTS if len(case[1]) < 200],
)
def test_http_refuses_byte_by_byte(server, name, data, status):
    with http.Connection(server.port) as connection:
        try:
            for byte in data.encode("latin-1"):
                connection.send(bytes([byte]))
        except ConnectionError:
            pass  # refused before the last byte
        assert connection.response().status == status


@pytest.mark.parametrize("sent", ["", "G", f"{GET}\r\n", f"{GET}\r\n{HOST}\r\nX: "])
def test_http_slow_head(hasty, sent):
    with http.Connection(hasty.port) as connection:
        connection.send(sent)
        if not sent:
            # Nothing at all: closed, with or without a 408 (RFC 9110 §15.5.9).
            assert connection.rest()[:12] in (b"", b"HTTP/1.1 408")
            return
        response = connection.response()
        assert (response.status, response.field("connection")) == (408, "close")
        assert connection.is_closed()


def test_http_drip_feeding_does_not_extend_the_time(hasty):
    with http.Connection(hasty.port) as connection:
        stop = threading.Event()

        def drip():
            try:
                connection.send(f"{GET}\r\n{HOST}\r\nX: ")
                while not stop.wait(0.1):
                    connection.send("y")
            except OSError:
                pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert connection.response().status == 408
        finally:
            stop.set()
            dripping.join()


@pytest.mark.parametrize("fields", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_http_slow_body(hasty, fields):
    with http.Connection(hasty.port) as connection:
        connection.send(raw(POST, HOST, fields, body="1\r\na\r\n"[:6]))
        response = connection.response()
        assert (response.status, response.field("connection")) == (408, "close")
        assert connection.is_closed()


def test_http_idle_connection_is_closed_without_a_word(hasty):
    with http.Connection(hasty.port) as connection:
        connection.send(raw(GET, HOST))
        assert connection.response().status == 200
        assert connection.rest() == b""


@pytest.mark.parametrize("fields", [[], ["Content-Type: text/plain"]])
def test_http_post_without_a_length(server, fields):
    """RFC 9110 §15.5.12 lets a server ask for one; without it the body is empty (RFC 9112 §6.3)."""
    with http.Connection(server.port) as connection:
        connection.send(raw(POST, HOST, *fields))
        assert connection.response().status in (200, 411)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "BREW", "TRACE", "get", "CONNECT-ME"])
def test_http_method_that_a_route_does_not_have(server, method):
    response = http.request(server.port, method, "/healthz")
    assert response.status in (405, 501)
    if response.status == 405:
        assert "GET" in response.field("allow")


def test_http_head_has_no_body(server):
    with http.Connection(server.port) as connection:
        connection.send(raw("HEAD /healthz HTTP/1.1", HOST) + raw(GET, HOST))
        response = connection.response("HEAD")
        assert (response.status, response.field("content-length")) == (200, "2")
        assert connection.response().text == "ok"


def test_http_equal_lengths_are_one(server):
    with http.Connection(server.port) as connection:
        connection.send(raw(POST, HOST, "Content-Length: 4", "Content-Length: 4", body="abcd"))
        response = connection.response()
        assert response.status == 400 or response.body == b"abcd"


def test_http_pipelining_flood(server):
    with http.Connection(server.port) as connection:
        count = 5000
        sender = threading.Thread(target=connection.send, args=(raw(GET, HOST) * count,))
        sender.start()
        for _ in range(count):
            assert connection.response().text == "ok"
        sender.join()


@pytest.mark.parametrize("path", ["/healthz", engine.PATH])
def test_http_pipelining_without_reading_does_not_grow_the_server(server, path):
    with http.Connection(server.port, 1) as connection:
        requests = raw(f"GET {path} HTTP/1.1", HOST) * 1000
        with pytest.raises((TimeoutError, ConnectionError)):
            # The server stops reading once its answers are not taken.
            for _ in range(400):
                connection.send(requests)


def test_http_smuggled_request_is_not_answered(server):
    with http.Connection(server.port) as connection:
        connection.send(
            raw(POST, HOST, "Content-Length: 6", "Transfer-Encoding: chunked",
                body="0\r\n\r\n" + raw("GET /stats HTTP/1.1", HOST))
        )
        assert connection.response().status == 400
        assert connection.rest() == b""


def test_http_bad_request_behind_a_good_one(server):
    with http.Connection(server.port) as connection:
        connection.send(raw(GET, HOST) + "garbage\r\n\r\n" + raw(GET, HOST))
        assert connection.response().status == 200
        assert connection.response().status == 400
        assert connection.rest() == b""


def test_http_expectation(server):
    with http.Connection(server.port) as connection:
        connection.send(raw(POST, HOST, "Content-Length: 4", "Expect: 100-continue"))
        assert connection.response().status == 100
        connection.send("abcd")
        assert connection.response().body == b"abcd"


def test_http_expectation_of_too_much(server):
    with http.Connection(server.port) as connection:
        connection.send(raw(POST, HOST, "Content-Length: 100000000", "Expect: 100-continue"))
        assert connection.response().status == 413


def test_http_response_splitting_in_the_target(server):
    response = http.request(server.port, "GET", "/x%0d%0aSet-Cookie:%20a=b")
    assert response.status == 404 and response.field("set-cookie") is None


def test_http_half_closed_client(server):
    import socket

    with http.Connection(server.port) as connection:
        connection.send(raw(GET, HOST))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.rest()[-2:] in (b"ok", b"")


# Static files

TRAVERSALS = [
    "/files/../secret", "/files/%2e%2e/secret", "/files/..%2fsecret", "/files/%2e%2e%2fsecret",
    "/files/..%5csecret", "/files/..\\secret", "/files/%252e%252e/secret", "/files//../secret",
    "/files/./../secret", "/files/sub/../../secret", "/files/....//secret", "/files/..;/secret",
    "/files/%c0%ae%c0%ae/secret", "/files/secret%00.txt", "/files/index.html%00",
    "/files/%", "/files/%zz", "/files/%2", "/files/sub", "/files/.hidden",
    "/files/" + "a/" * 3000, "/files//etc/passwd", "/files/%2fetc/passwd",
]


@pytest.mark.parametrize("path", TRAVERSALS, ids=lambda path: path[:40])
def test_static_files_lead_nowhere_else(start_server, tmp_path, path):
    files = tmp_path / "files"
    (files / "sub").mkdir(parents=True)
    (files / "index.html").write_text("<p>index")
    (files / ".hidden").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    server = start_server("--files", files)
    good = http.request(server.port, "GET", "/files/index.html")
    assert (good.status, good.text) == (200, "<p>index")
    response = http.request(server.port, "GET", path)
    assert response.status in (400, 403, 404)
    assert b"secret" not in response.body and b"root:" not in response.body


# WebSocket: the opening handshake


def handshake(target: str, *lines: str) -> str:
    return raw(f"GET {target} HTTP/1.1", HOST, *lines)


UPGRADE = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
VERSION = "Sec-WebSocket-Version: 13"
KEY_LINE = f"Sec-WebSocket-Key: {KEY}"
HANDSHAKES = {
    "no key": ([UPGRADE, CONNECTION, VERSION], 400),
    "an empty key": ([UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key:"], 400),
    "a short key": ([UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key: YWJj"], 400),
    "a long key": ([UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key: " + "A" * 42 + "=="], 400),
    "a key that is no base64": (
        [UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="], 400),
    "two keys": ([UPGRADE, CONNECTION, VERSION, KEY_LINE, KEY_LINE], 400),
    "no version": ([UPGRADE, CONNECTION, KEY_LINE], 426),
    "version 8": ([UPGRADE, CONNECTION, KEY_LINE, "Sec-WebSocket-Version: 8"], 426),
    "version 99": ([UPGRADE, CONNECTION, KEY_LINE, "Sec-WebSocket-Version: 99"], 426),
    "no Connection": ([UPGRADE, VERSION, KEY_LINE], 400),
    "no Upgrade": ([CONNECTION, VERSION, KEY_LINE], 400),
    "an upgrade to something else": (["Upgrade: h2c", CONNECTION, VERSION, KEY_LINE], 400),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_websocket_bad_handshake(server, name):
    fields, status = HANDSHAKES[name]
    with http.Connection(server.port) as connection:
        connection.send(handshake(engine.target("websocket"), *fields))
        response = connection.response()
        assert response.status == status
        if status == 426:
            assert response.field("sec-websocket-version") == "13"


def test_websocket_post_is_no_handshake(server):
    with http.Connection(server.port) as connection:
        connection.send(
            raw(f"POST {engine.target('websocket')} HTTP/1.1", HOST, UPGRADE, CONNECTION, VERSION,
                KEY_LINE, "Content-Length: 0")
        )
        assert connection.response().status == 400


def test_websocket_half_open_upgrade(hasty):
    """The head stops in the middle: as slow as any other."""
    with http.Connection(hasty.port) as connection:
        connection.send(upgrade(engine.target("websocket"))[:-10])
        assert connection.response().status == 408


def test_websocket_upgrade_then_silence(server):
    """The session lives on without a packet, until connectTimeout; dropping it harms nobody."""
    for _ in range(50):
        RawWebSocket(server.port, engine.target("websocket")).connection.close()


def test_websocket_upgrade_and_gone_before_the_answer(server):
    for _ in range(50):
        with http.Connection(server.port) as connection:
            connection.send(upgrade(engine.target("websocket")))


def test_websocket_frames_behind_the_handshake_are_read(server):
    """RFC 6455 §4.1 lets no client do so, but bytes that are there must not be lost."""
    with http.Connection(server.port) as connection:
        connection.send(
            upgrade(engine.target("websocket")).encode() + frame(TEXT, "40/quiet,")
            + frame(TEXT, '42/quiet,1["echo"]')
        )
        assert connection.response().status == 101
        assert b"43/quiet,1[]" in connection.read_until(b"43/quiet,1[]") + b"43/quiet,1[]"


# WebSocket: frames; name, bytes, close code

FRAMES = {
    "an unmasked frame": (frame(TEXT, "3", masked=False), 1002),
    "an unmasked empty frame": (frame(TEXT, "", masked=False), 1002),
    "reserved bit 1": (frame(TEXT, "3", reserved=4), 1002),
    "reserved bit 2": (frame(TEXT, "3", reserved=2), 1002),
    "reserved bit 3": (frame(TEXT, "3", reserved=1), 1002),
    "reserved bit on a control frame": (frame(PING, "", reserved=4), 1002),
    **{f"opcode {n}": (frame(n, "3"), 1002) for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a fragmented ping": (frame(PING, "x", final=False), 1002),
    "a fragmented pong": (frame(PONG, "x", final=False), 1002),
    "a fragmented close": (frame(CLOSE, b"\x03\xe8", final=False), 1002),
    "a ping of 126 bytes": (frame(PING, "x" * 126), 1002),
    "a close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a ping with a 64-bit length": (frame(PING, "x", length_form=64), 1002),
    "a continuation of nothing": (frame(CONTINUATION, "x"), 1002),
    "a final continuation too many": (
        frame(TEXT, "3", final=False) + frame(CONTINUATION, "") + frame(CONTINUATION, "x"), 1002),
    "a message inside a message": (frame(TEXT, "3", final=False) + frame(TEXT, "x"), 1002),
    "a binary inside a text": (frame(TEXT, "3", final=False) + frame(BINARY, "x"), 1002),
    "5 bytes with a 16-bit length": (frame(TEXT, "3xxxx", length_form=16), 1002),
    "5 bytes with a 64-bit length": (frame(TEXT, "3xxxx", length_form=64), 1002),
    "a length with the highest bit": (frame(TEXT, "", length_form=64, declared=1 << 63), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (close_frame(code), 1002)
       for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)},
    "a close reason that is no UTF-8": (close_frame(1000, b"\xff\xfe"), 1007),
    "text that is no UTF-8": (frame(TEXT, b"4\xff"), 1007),
    "text with an overlong form": (frame(TEXT, b"4\xc0\xaf"), 1007),
    "text with a surrogate": (frame(TEXT, b"4\xed\xa0\x80"), 1007),
    "text above U+10FFFF": (frame(TEXT, b"4\xf4\x90\x80\x80"), 1007),
    "text that ends inside a character": (frame(TEXT, b"4\xe2\x82"), 1007),
    "a character broken at a fragment": (
        frame(TEXT, b"4\xe2", final=False) + frame(CONTINUATION, b"\x28\xa1"), 1007),
    "a message above the limit": (frame(TEXT, "4" * 100_001), 1009),
    "a length above the limit, nothing else": (
        frame(TEXT, "", length_form=64, declared=1 << 40), 1009),
    "a length of 2^63 - 1": (frame(BINARY, "", length_form=64, declared=(1 << 63) - 1), 1009),
    "fragments above the limit": (
        frame(TEXT, "4" * 60_000, final=False) + frame(CONTINUATION, "x" * 60_000), 1009),
}


@pytest.mark.parametrize("name", FRAMES)
def test_websocket_violation(server, name):
    data, code = FRAMES[name]
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        try:
            socket.socket.send_raw(data)
        except ConnectionError:
            pass  # refused before the last byte
        assert socket.close_code() == code
    reason = "transport error"
    assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]


@pytest.mark.parametrize("name", ["an unmasked frame", "text that is no UTF-8", "close code 1005",
                                  "a ping of 126 bytes", "reserved bit 1"])
def test_websocket_violation_byte_by_byte(server, name):
    data, code = FRAMES[name]
    with engine.Socket(server.port) as socket:
        try:
            for byte in data:
                socket.socket.send_raw(bytes([byte]))
        except ConnectionError:
            pass
        assert socket.close_code() == code


def test_websocket_ping_flood_is_answered_or_closed_but_bounded(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.socket.send_raw(frame(PING, "x") * 1000)
        pongs = 0
        while pongs < 1000:
            received = socket.socket.frame()
            assert received.opcode == PONG
            pongs += 1
        assert socket.is_alive()


def test_websocket_thousands_of_empty_fragments(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.socket.send_raw(
            frame(TEXT, "42/quiet", final=False) + frame(CONTINUATION, "", final=False) * 5000
            + frame(CONTINUATION, ',1["echo"]')
        )
        assert socket.receive() == "43/quiet,1[]"


def test_websocket_data_after_the_close_frame_is_ignored(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.socket.send_raw(close_frame(1000) + frame(TEXT, '42/quiet,["no-result","late"]'))
        assert socket.closes() == 1000
    assert "late" not in server.get("/notes")


def test_websocket_truncated_frame_then_gone(server):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.socket.send_raw(frame(TEXT, "x" * 1000)[:500])
    assert server.reasons(sid)[0] in ("disconnecting:transport close", "disconnecting:transport error")


def test_websocket_client_that_never_reads(start_server):
    """What waits for it is bounded, and others are served meanwhile."""
    server = start_server("--ping-interval", 300, "--ping-timeout", 3000)
    with engine.Socket(server.port) as slow, engine.Socket(server.port) as other:
        sid = slow.connect("/quiet")
        for _ in range(20):
            slow.send('42/quiet,["volatile-flood",1000,1000]')
        other.connect("/quiet")
        assert other.is_alive()
        # It is given up: by its unread pings, or because too much waits for it.
        phases = server.reasons(sid)
        assert phases[0] in ("disconnecting:ping timeout", "disconnecting:transport error",
                             "disconnecting:forced close", "disconnecting:transport close")


# Engine.IO


def test_engine_thousand_packets_in_one_payload(server):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    session.receive()
    session.send(*["3"] * 10_000, '42/quiet,1["echo"]')
    assert session.receive() == "43/quiet,1[]"


def test_engine_separators_only(server):
    session = engine.Polling(server.port)
    try:
        session.post("\x1e" * 1000)
    except http.Closed:
        pass
    assert session.get().status == 400


@pytest.mark.parametrize("text", ["b", "b====", "b!!!!", "bA", "b" + "A" * 50_001, "b\u00e9"])
def test_engine_odd_base64(server, text):
    """Read leniently or refused; either way binary without a text closes the session."""
    session = engine.Polling(server.port)
    try:
        session.post(text)
    except http.Closed:
        pass
    while (response := session.get()).status == 200:
        assert response.text in ("6\x1e1", "1"), response  # the close that lingers (§6)
    assert response.status == 400


def test_engine_body_that_is_no_utf8(server):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    session.receive()
    try:
        session.post(b'42/quiet,1["echo","\xff\xfe"]')
    except http.Closed:
        return
    # Read with replacement characters, or refused.
    response = session.get()
    assert response.status == 400 or "43/quiet,1[" in response.text or response.body == b"1"


@pytest.mark.parametrize("sid", ["../../etc/passwd", "%00%00", "%ff%fe", "a" * 2000, "'", "<script>"])
def test_engine_odd_session_ids(server, sid):
    with http.Connection(server.port) as connection:
        connection.send(http.head("GET", engine.target("polling", sid)))
        response = connection.response()
        assert response.status == 400
        assert response.body == b'{"code":1,"message":"Session ID unknown"}'


def test_engine_upgrade_of_an_unknown_session(server):
    with http.Connection(server.port) as connection:
        connection.send(upgrade(engine.target("websocket", "unknown")))
        response = connection.response()
        assert (response.status, response.body) == (400, b"Session ID unknown")
        assert connection.is_closed()


def test_engine_many_upgrades_of_one_session(server):
    session = engine.Polling(server.port)
    sockets = [RawWebSocket(server.port, engine.target("websocket", session.sid)) for _ in range(20)]
    sockets[0].send("2probe")
    assert sockets[0].message() == "3probe"
    for socket in sockets[1:]:
        assert socket.close_code() == 1005
    for socket in sockets:
        socket.connection.close()


def test_engine_handshake_flood(server):
    for _ in range(500):
        assert engine.Polling(server.port).sid


def test_engine_percent_encoding_that_is_broken(server):
    for query in ("?EIO=4&transport=%", "?EIO=4&transport=%zz", "?%=%&transport=polling&EIO=%34"):
        assert http.request(server.port, "GET", engine.PATH + query).status in (200, 400)


def test_engine_a_thousand_query_parameters(server):
    query = "&".join(f"a{n}=b" for n in range(1000))
    target = f"{engine.PATH}?{query}&EIO=4&transport=polling"
    assert http.request(server.port, "GET", target).status == 200


def test_engine_poll_answered_to_one_who_left(server):
    for _ in range(50):
        session = engine.Polling(server.port)
        pending = session.pending_get()
        session.post("40/quiet,")
        pending.close()


# Socket.IO


@pytest.fixture
def socket(server):
    with engine.Socket(server.port) as opened:
        opened.connect("/quiet")
        yield opened


@pytest.mark.parametrize("depth", [1000, 45_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_socketio_deep_json(server, socket, depth, start, end):
    depth = min(depth, 90_000 // (len(start) + len(end)))
    socket.send(f'42/quiet,1["echo",{start * depth}1{end * depth}]')
    # Deeper than 500: a decode error.
    assert socket.closes() == 1005


def test_socketio_json_of_allowed_depth(socket):
    # With the packet's own array 500, the most there may be.
    nested = "[" * 499 + "]" * 499
    socket.send(f'42/quiet,1["echo",{nested}]')
    assert socket.receive() == f"43/quiet,1[{nested}]"


def test_socketio_deep_json_without_an_end(socket):
    socket.send('42/quiet,1["echo",' + "[" * 90_000)
    assert socket.closes() == 1005


def test_socketio_deep_auth(server):
    with engine.Socket(server.port) as socket:
        socket.send('40/auth,{"token":' + "[" * 40_000 + "]" * 40_000 + "}")
        assert socket.closes() == 1005


def test_socketio_a_handler_that_decodes_deep_json(socket):
    # With the packet's own array 500, the most there may be.
    nested = "[" * 499 + "]" * 499
    socket.send(f'42/quiet,1["add",{nested},{nested}]')
    answer = json.loads(socket.receive().removeprefix("43/quiet,1"))
    assert answer[0]["error"]["code"] == "invalid_argument"


@pytest.mark.parametrize("count", ["11", "1000", "999999999", "9" * 30, "18446744073709551616",
                                   "00000000000000000000011", "1e3", "+1", "0x1"])
def test_socketio_absurd_attachment_counts(socket, count):
    socket.send(f'45{count}-/quiet,["x",{{"_placeholder":true,"num":0}}]')
    assert socket.closes() == 1005


@pytest.mark.parametrize("identifier", ["99999999999999999999", "9" * 1000, "18446744073709551615"])
def test_socketio_absurd_ack_ids(socket, identifier):
    """Beyond 64 bits: echoed digit by digit, or refused; never another number."""
    socket.send(f'42/quiet,{identifier}["echo"]')
    received = socket.socket.frame()
    if received.opcode == CLOSE:
        assert received.close_code == 1005
    else:
        assert received.payload.decode() == f"43/quiet,{identifier}[]"


def test_socketio_ack_of_an_unknown_id(socket):
    socket.send("43/quiet,9007199254740991[]")
    assert socket.is_alive()


def test_socketio_ten_thousand_namespaces(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        for number in range(10_000):
            socket.send(f"40/n{number},")
        for number in range(10_000):
            assert socket.receive() == f'44/n{number},{{"message":"Invalid namespace"}}'
        assert socket.is_alive()


def test_socketio_a_huge_namespace_name(socket):
    name = "/" + "n" * 90_000
    socket.send(f"40{name},")
    received = socket.socket.frame()
    if received.opcode == CLOSE:
        assert received.close_code == 1005
    else:
        assert received.payload.decode() == f'44{name},{{"message":"Invalid namespace"}}'


def test_socketio_a_huge_event_name(socket):
    socket.send(f'42/quiet,["{"n" * 90_000}"]')
    assert socket.is_alive()


def test_socketio_join_and_leave_a_thousand_times(server, socket):
    for _ in range(1000):
        socket.send("41/quiet,", "40/quiet,")
    for _ in range(1000):
        assert socket.receive().startswith("40/quiet,{")
    assert socket.is_alive()


def test_socketio_a_thousand_rooms(socket):
    for number in range(1000):
        socket.send(f'42/quiet,["join","room{number}"]')
    socket.send('42/quiet,1["rooms"]')
    assert len(json.loads(socket.receive().removeprefix("43/quiet,1"))[0]) == 1000


def test_socketio_a_placeholder_in_the_name(socket):
    socket.send('451-/quiet,[{"_placeholder":true,"num":0}]', b"echo")
    assert socket.closes() == 1005


def test_socketio_a_placeholder_without_binary(socket):
    """In a packet of type 2 it is an object like any other."""
    socket.send('42/quiet,1["echo",{"_placeholder":true,"num":0}]')
    assert socket.receive() == '43/quiet,1[{"_placeholder":true,"num":0}]'


def test_socketio_a_placeholder_without_binary_for_a_typed_handler(socket):
    socket.send('42/quiet,1["reverse",{"_placeholder":true,"num":0}]')
    answer = json.loads(socket.receive().removeprefix("43/quiet,1"))
    assert answer[0]["error"]["code"] == "invalid_argument"
    assert socket.is_alive()


def test_socketio_attachments_that_never_come(server):
    """The packet waits; the heartbeat goes on, and so do others."""
    sockets = [engine.Socket(server.port) for _ in range(50)]
    for socket in sockets:
        socket.connect("/quiet")
        socket.send('4510-/quiet,1["echo",{"_placeholder":true,"num":0}]', b"x" * 1000)
    for socket in sockets:
        socket.socket.connection.close()


def test_socketio_auth_with_every_kind_of_value(server):
    for auth in ('{"token":null}', '{"token":1}', '{"token":{}}', '{"token":"' + "x" * 90_000 + '"}',
                 '{"token":"\\u0000"}', '{"token":"a","token":"b"}', '{"":""}', '{"__proto__":{}}'):
        with engine.Socket(server.port) as socket:
            socket.send(f"40/auth,{auth}")
            assert socket.receive().startswith("44/auth,{")


@pytest.mark.parametrize(
    "text", ['"\\ud800"', '"\\udc00\\ud800"', "1e999", "-1e999", "1" + "0" * 400, "1e-999", "-0",
             '"\\u0000"', '{"a":1,"a":2}', '{"":{"":{}}}']
)
def test_socketio_odd_values_for_typed_handlers(socket, text):
    """The relay passes them on or refuses them; a typed handler never brings the server down."""
    socket.send(f'42/quiet,1["add",{text},{text}]')
    received = socket.socket.frame()
    assert received.opcode == CLOSE or received.payload.startswith(b"43/quiet,1[")


def test_socketio_event_flood(server):
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.socket.send_raw(frame(TEXT, '42/quiet,["no such event",1]') * 20_000)
        assert socket.is_alive()


def test_random_bytes_after_the_handshake(server):
    import random

    random.seed(7)
    for _ in range(200):
        with engine.Socket(server.port) as socket:
            try:
                socket.socket.send_raw(random.randbytes(random.randint(1, 300)))
            except ConnectionError:
                pass


def test_random_bytes_as_http(server):
    import random

    random.seed(8)
    for _ in range(200):
        with http.Connection(server.port) as connection:
            connection.send(random.randbytes(random.randint(1, 300)))


def test_mutated_packets(server):
    import random

    random.seed(9)
    examples = ['42/quiet,1["echo",{"a":[1,"b",null]}]', '451-/quiet,2["x",{"_placeholder":true,"num":0}]',
                '40/auth,{"token":"secret"}', "41/quiet,", "43/quiet,1[true]", "44/quiet,{}"]
    for _ in range(300):
        with engine.Socket(server.port) as socket:
            socket.connect("/quiet")
            text = list(random.choice(examples))
            for _ in range(random.randint(1, 4)):
                text[random.randrange(len(text))] = random.choice('0123456789[]{}",:/-\\ _az\x1e')
            try:
                socket.send("".join(text), b"\x01")
            except ConnectionError:
                pass


def test_file_descriptors_come_back(server):
    import os

    before = len(os.listdir(f"/proc/{server.pid}/fd"))
    for _ in range(200):
        with http.Connection(server.port) as connection:
            connection.send("G")
    for _ in range(200):
        with engine.Socket(server.port):
            pass
    from support.process import eventually

    eventually(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) <= before + 5)
