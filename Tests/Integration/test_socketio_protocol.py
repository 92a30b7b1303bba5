"""The public Socket.IO v5 protocol suite, and the wire facts of protocol.md §14–§19."""

import json
import re

import pytest

from support import engine, http
from support.process import eventually
from support.websocket import CLOSE

SERVER_ARGUMENTS = ("--cors", "*")
SID = r"[A-Za-z0-9_-]{20}"
PLACEHOLDER = {"_placeholder": True, "num": 0}
FORCED = ("disconnecting:forced close", "disconnect:forced close")


def typed(packet: str) -> tuple[str, list]:
    """A packet before its JSON, and the JSON: a typed value's keys come in any order."""
    start = packet.index("[")
    return packet[:start], json.loads(packet[start:])


@pytest.fixture
def socket(server):
    with engine.Socket(server.port) as opened:
        yield opened


# §16 Connecting


@pytest.mark.parametrize("packet", ["40", "40{}", "40/,", "40/", "40/,{}"])
def test_16_connect_to_the_main_namespace(socket, packet):
    socket.send(packet)
    assert re.fullmatch(f'40{{"sid":"{SID}"}}', socket.receive())
    assert socket.receive() == '42["auth",{}]'


@pytest.mark.parametrize("packet", ["40/custom", "40/custom,", "40/custom,{}"])
def test_16_connect_to_another_namespace(socket, packet):
    socket.send(packet)
    assert re.fullmatch(f'40/custom,{{"sid":"{SID}"}}', socket.receive())
    assert socket.receive() == '42/custom,["auth",{}]'


@pytest.mark.parametrize(
    "auth", ['{"token":"123"}', '{"a":{"b":[1,2,{"c":null}]}}', '{ "spaced" : true }']
)
def test_16_connect_with_auth(socket, auth):
    socket.send("40" + auth)
    assert socket.receive().startswith('40{"sid":')
    received = socket.receive()
    assert json.loads(received[2:]) == ["auth", json.loads(auth)]


def test_16_socket_id_is_not_the_session_id(socket):
    assert socket.connect("/quiet") != socket.sid


@pytest.mark.parametrize("name", ["/random", "/quiet2", "/Quiet", "/quiet?x=1", "/quiet/", "/é"])
def test_16_unknown_namespace(socket, name):
    socket.send(f"40{name},")
    assert socket.receive() == f'44{name},{{"message":"Invalid namespace"}}'
    socket.connect("/quiet")
    assert socket.is_alive()


@pytest.mark.parametrize(
    ("auth", "answer"),
    [('{"token":"wrong"}', '{"message":"not authorized","data":{"code":"E_AUTH"}}'),
     ("", '{"message":"no token"}'), ("{}", '{"message":"no token"}')],
)
def test_16_refused_by_a_middleware_and_tried_again(socket, auth, answer):
    for _ in range(2):
        socket.send(f"40/auth,{auth}")
        assert socket.receive() == f"44/auth,{answer}"
    socket.send('40/auth,{"token":"secret"}')
    assert socket.receive().startswith('40/auth,{"sid":')


def test_16_an_internal_error_of_a_middleware_shows_no_details(socket):
    socket.send("40/broken,")
    answer = socket.receive()
    assert answer.startswith('44/broken,{"message":"') and "Broken" not in answer
    socket.connect("/quiet")


def test_16_events_of_the_connection_handler_follow_the_connect_packet(socket):
    socket.send("40", "40/custom,")
    received = [socket.receive() for _ in range(4)]
    assert [re.sub(SID, "S", packet) for packet in received] == [
        '40{"sid":"S"}', '42["auth",{}]', '40/custom,{"sid":"S"}', '42/custom,["auth",{}]',
    ]


def test_16_slow_middleware(server, socket):
    socket.send("40/slow,", "40/quiet,")
    assert socket.receive().startswith("40/quiet,")  # the other namespace does not wait
    eventually(lambda: server.get("/waiting")["count"] >= 1)
    http.request(server.port, "GET", "/release")
    assert socket.receive().startswith('40/slow,{"sid":')


def test_16_engine_closes_in_a_middleware(server):
    before = server.get("/stats")["connections"].get("/slow", 0)
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        socket.send("40/slow,")
        eventually(lambda: server.get("/waiting")["count"] == 1)
    with engine.Socket(server.port) as other:
        # Waits behind the one who left, and is let in after it would have been.
        other.send("40/slow,")
        eventually(lambda: server.get("/waiting")["count"] == 2)
        http.request(server.port, "GET", "/release")
        assert other.receive().startswith('40/slow,{"sid":')
        assert server.get("/stats")["connections"].get("/slow", 0) == before + 1


def test_16_second_connect_while_in_a_middleware_closes(server):
    with engine.Socket(server.port) as socket:
        socket.send("40/slow,", "40/slow,")
        assert socket.closes() == 1005
    # The middleware may begin only now.
    eventually(lambda: server.get("/waiting")["count"] == 1)
    http.request(server.port, "GET", "/release")


# Long enough for a slow client to join in.
CONNECT_TIMEOUT = ("--connect-timeout", 2000)


def test_16_connect_timeout(start_server):
    with engine.Socket(start_server(*CONNECT_TIMEOUT).port) as socket:
        assert socket.closes() == 1005


def test_16_connect_timeout_is_cancelled_by_the_first_join(start_server):
    server = start_server(*CONNECT_TIMEOUT)
    with engine.Socket(server.port) as joined:
        joined.connect("/quiet")
        joined.send("41/quiet,")
        # When the time of one who came later is over, so would be that of the first.
        with engine.Socket(server.port) as silent:
            assert silent.closes() == 1005
        joined.connect("/quiet")
        assert joined.is_alive()


def test_16_connect_timeout_holds_for_refused_clients(start_server):
    with engine.Socket(start_server(*CONNECT_TIMEOUT).port) as socket:
        socket.send("40/auth,")
        assert socket.receive().startswith("44/auth,")
        assert socket.closes() == 1005


# §19 Disconnecting


def test_19_disconnect_from_the_main_namespace(start_server):
    with engine.Socket(start_server("--ping-interval", 300).port) as socket:
        socket.send("40")
        assert socket.receive().startswith("40{")
        assert socket.receive() == '42["auth",{}]'
        socket.send("41")
        for _ in range(3):
            assert socket.socket.message() == "2"
            socket.send("3")
        socket.connect("/quiet")


@pytest.mark.parametrize("packet", ["41/custom", "41/custom,"])
def test_19_disconnect_from_one_namespace(socket, packet):
    socket.send("40")
    socket.receive(), socket.receive()
    socket.send("40/custom,")
    socket.receive(), socket.receive()
    socket.send(packet, '42["message","still"]')
    assert socket.receive() == '42["message-back","still"]'


def test_19_reasons_of_a_client_that_leaves(server, socket):
    sid = socket.connect("/quiet")
    socket.send("41/quiet,")
    reason = "client namespace disconnect"
    assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]


def test_19_and_comes_back_with_a_new_id(socket):
    first = socket.connect("/quiet")
    socket.send("41/quiet,")
    assert socket.connect("/quiet") != first
    assert socket.is_alive()


def test_19_server_leaves_one_namespace(server, socket):
    sid = socket.connect("/quiet")
    socket.send('42/quiet,["disconnect-me",false]')
    assert socket.receive() == "41/quiet,"
    reason = "server namespace disconnect"
    assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]
    # §15, recommended: what was still on its way is dropped, and the connection lives.
    socket.send('42/quiet,["echo"]', '43/quiet,0[]', "41/quiet,")
    socket.connect("/quiet")
    assert socket.is_alive()


def test_19_server_closes_all(server, socket):
    first = socket.connect("/quiet")
    socket.send('40/auth,{"token":"secret"}')
    second = json.loads(socket.receive().removeprefix("40/auth,"))["sid"]
    socket.send('42/auth,["disconnect-me",true]')
    assert {socket.receive(), socket.receive()} == {"41/quiet,", "41/auth,"}
    assert socket.closes() == 1005
    reason = "server namespace disconnect"
    for sid in (first, second):
        assert server.reasons(sid) == [f"disconnecting:{reason}", f"disconnect:{reason}"]


@pytest.mark.parametrize("polling", [False, True])
def test_19_shutdown_closes_without_a_disconnect_packet(start_server, polling):
    # One loop: the first poll is read before the second session's packets.
    server = start_server("--loops", 1)
    if polling:
        session = engine.Polling(server.port)
        session.send("40/quiet,")
        session.receive()
        with session.pending_get() as pending:
            # The echo through a second session says that the first poll has been read.
            with engine.Socket(server.port) as other:
                other.connect("/quiet")
            assert server.terminate() == 0
            response = pending.response()
            assert (response.status, response.body) == (200, b"1")
        return
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        server.process.terminate()
        received = socket.socket.frame()
        assert received.opcode == CLOSE
        assert socket.socket.is_closed()
    assert server.terminate() == 0


# §14, §17 Events and acks


@pytest.mark.parametrize(
    "arguments",
    ['1', '"a"', 'null', 'true', '1,"2",{"3":[4]}', '[]', '{}', '"\\u00e9\\ud83d\\ude00"',
     '-0.5e-3', '123456789012345678901234567890', '"\\u2028"', ' 1 , 2 ', '"é😀"'],
)
def test_17_arguments_come_back_as_they_are(socket, arguments):
    socket.connect("/quiet")
    socket.send(f'42/quiet,5["echo",{arguments}]')
    answer = socket.receive()
    assert answer.startswith("43/quiet,5[")
    assert json.loads(answer[10:]) == json.loads(f"[{arguments}]")


@pytest.mark.parametrize("identifier", ["0", "1", "456", "2147483648", "9007199254740991"])
def test_17_ack_ids_are_echoed(socket, identifier):
    socket.send("40")
    socket.receive(), socket.receive()
    socket.send(f'42{identifier}["message-with-ack",1,"2",{{"3":[true]}}]')
    assert socket.receive() == f'43{identifier}[1,"2",{{"3":[true]}}]'


def test_17_no_handler_no_ack(socket):
    socket.connect("/quiet")
    socket.send('42/quiet,1["no such event"]', '42/quiet,2["echo"]')
    assert socket.receive() == "43/quiet,2[]"


def test_17_no_result_empty_ack(socket):
    """A handler without a result acknowledges with no arguments."""
    socket.connect("/quiet")
    socket.send('42/quiet,1["no-result","x"]', '42/quiet,2["echo"]')
    assert socket.receive() == "43/quiet,1[]"
    assert socket.receive() == "43/quiet,2[]"


def test_17_server_ack_ids_count_per_namespace(start_server):
    server = start_server()
    with engine.Socket(server.port) as first, engine.Socket(server.port) as second:
        first.connect("/quiet")
        second.connect("/quiet")
        for number, socket in enumerate([first, second, first]):
            socket.send('42/quiet,["ask-me",1]')
            assert socket.receive() == f'42/quiet,{number}["question",1]'
            socket.send(f"43/quiet,{number}[{number + 40}]")
            assert socket.receive() == f'42/quiet,["answer",{number + 40}]'


def test_17_a_broadcast_asks_everyone_with_one_id(start_server):
    server = start_server()
    with engine.Socket(server.port) as first, engine.Socket(server.port) as second:
        for socket in (first, second):
            socket.connect("/quiet")
            socket.send('42/quiet,1["join","r"]')
            assert socket.receive() == '43/quiet,1[["r"]]'
        first.send('42/quiet,2["ask-room","r",50000]')
        for number, socket in enumerate((first, second)):
            assert socket.receive() == '42/quiet,0["room-question","r"]'
            socket.send(f'43/quiet,0["a{number}","ignored"]')
        answer = json.loads(first.receive().removeprefix("43/quiet,2"))
        assert answer == [{"answers": ["a0", "a1"], "isComplete": True}]


def test_17_a_client_that_goes_counts_as_answered(start_server):
    server = start_server()
    with engine.Socket(server.port) as first:
        first.connect("/quiet")
        first.send('42/quiet,1["join","r"]')
        first.receive()
        with engine.Socket(server.port) as second:
            second.connect("/quiet")
            second.send('42/quiet,1["join","r"]')
            second.receive()
            first.send('42/quiet,2["ask-room","r",50000]')
            assert second.receive() == '42/quiet,0["room-question","r"]'
        assert first.receive() == '42/quiet,0["room-question","r"]'
        first.send('43/quiet,0["mine"]')
        answer = json.loads(first.receive().removeprefix("43/quiet,2"))
        assert answer == [{"answers": ["mine"], "isComplete": True}]


def test_17_acks_of_a_wrong_shape_are_not_answers(socket):
    socket.connect("/quiet")
    socket.send('42/quiet,["ask-me",1]')
    identifier = re.fullmatch(r'42/quiet,(\d+)\["question",1\]', socket.receive()).group(1)
    socket.send(f'43/quiet,{identifier}["no number"]')
    assert socket.is_alive()


def test_17_an_ack_counts_once(socket):
    socket.connect("/quiet")
    socket.send('42/quiet,["ask-me",1]')
    identifier = re.fullmatch(r'42/quiet,(\d+)\["question",1\]', socket.receive()).group(1)
    socket.send(f"43/quiet,{identifier}[1]", f"43/quiet,{identifier}[2]")
    assert socket.receive() == '42/quiet,["answer",1]'
    assert socket.is_alive()


def test_17_another_sockets_ack_is_not_taken(server):
    with engine.Socket(server.port) as first, engine.Socket(server.port) as second:
        first.connect("/quiet")
        second.connect("/quiet")
        first.send('42/quiet,["ask-me",1]')
        identifier = re.fullmatch(r'42/quiet,(\d+)\["question",1\]', first.receive()).group(1)
        second.send(f"43/quiet,{identifier}[666]")
        assert second.is_alive()
        first.send(f"43/quiet,{identifier}[7]")
        assert first.receive() == '42/quiet,["answer",7]'


def test_14_binary_event_and_ack(socket):
    socket.connect("/quiet")
    socket.send(
        '452-/quiet,9["echo",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]',
        b"\x01\x02\x03", b"",
    )
    assert socket.receive() == (
        '462-/quiet,9[{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]'
    )
    assert socket.receive() == b"\x01\x02\x03"
    assert socket.receive() == b""


def test_14_attachments_have_no_limit_but_the_message_size(start_server):
    """Two attachments of the size that one message may have, far above the default."""
    server = start_server("--max-payload", 8_000_000)
    attachment = bytes(8_000_000)
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        placeholders = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(2))
        socket.send(f'452-/quiet,1["echo",{placeholders}]', attachment, attachment)
        assert socket.receive() == f"462-/quiet,1[{placeholders}]"
        assert [socket.receive(), socket.receive()] == [attachment, attachment]


def test_14_binary_ack_from_the_client(socket):
    socket.connect("/quiet")
    socket.send('451-/quiet,["ask-me-binary",{"_placeholder":true,"num":0}]', b"\x01")
    prefix, arguments = typed(socket.receive())
    identifier = re.fullmatch(r"451-/quiet,(\d+)", prefix).group(1)
    assert arguments == ["question", PLACEHOLDER]
    assert socket.receive() == b"\x01"
    socket.send(f'461-/quiet,{identifier}[{{"_placeholder":true,"num":0}}]', b"\x02\x03")
    assert typed(socket.receive()) == ("451-/quiet,", ["answer", PLACEHOLDER])
    assert socket.receive() == b"\x02\x03"


def test_14_attachments_are_never_interleaved(server):
    """Two sockets shout binary into one room: each text is followed by its own attachment."""
    with engine.Socket(server.port) as one, engine.Socket(server.port) as two:
        with engine.Socket(server.port) as listener:
            listener.connect("/quiet")
            listener.send('42/quiet,1["join","shouts"]')
            listener.receive()
            for number, socket in enumerate((one, two)):
                socket.connect("/quiet")
                for _ in range(50):
                    socket.send(
                        '451-/quiet,["binary-to-room","shouts",{"_placeholder":true,"num":0}]',
                        bytes([number]) * 3,
                    )
            counts = [0, 0]
            for _ in range(100):
                text = listener.receive()
                assert typed(text) == ("451-/quiet,", ["said", PLACEHOLDER])
                data = listener.receive()
                assert data in (b"\0\0\0", b"\1\1\1")
                counts[data[0]] += 1
            assert counts == [50, 50]


# §15 Tolerated

TOLERATED = [
    "42/quiet,", "42/quiet", "42/quiet,1", "43/quiet,77", "43/quiet,77[]", "43/quiet,77[1,2]",
    '42/quiet,[1,2]', '42/quiet,[0]', '42/quiet,[-1.5]', '42/quiet,[""]', '42/quiet,["unknown"]',
    '450-/quiet,["unknown"]', '45-/quiet,["unknown"]', '42/quiet,["Connect"]',
    '42/quiet,["\\u0000"]',
]


@pytest.mark.parametrize("packet", TOLERATED)
def test_15_tolerated(socket, packet):
    socket.connect("/quiet")
    socket.send(packet)
    assert socket.is_alive()


def test_15_more_attachments_than_placeholders(socket):
    socket.connect("/quiet")
    socket.send('452-/quiet,1["echo",{"_placeholder":true,"num":1}]', b"\x01", b"\x02")
    # Relayed as they came, or counted anew.
    answer = socket.receive()
    count, number = re.fullmatch(
        r'46(\d)-/quiet,1\[{"_placeholder":true,"num":(\d)}\]', answer
    ).groups()
    attachments = [socket.receive() for _ in range(int(count))]
    assert attachments[int(number)] == b"\x02"


def test_15_one_attachment_used_twice(socket):
    socket.connect("/quiet")
    twice = '{"_placeholder":true,"num":0}'
    socket.send(f'451-/quiet,1["echo",{twice},{twice}]', b"\x01")
    answer = socket.receive()
    assert re.match(r'46[12]-/quiet,1\[', answer)
    for _ in range(int(answer[2])):
        assert socket.receive() == b"\x01"


def test_15_exactly_ten_attachments(socket):
    socket.connect("/quiet")
    holders = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))
    socket.send(f'4510-/quiet,1["echo",{holders}]', *[bytes([n]) for n in range(10)])
    assert socket.receive() == f'4610-/quiet,1[{holders}]'
    assert [socket.receive() for _ in range(10)] == [bytes([n]) for n in range(10)]


# §15 Class A and B: the connection is closed


CLOSING = [
    # The first character is no type.
    "4", "4abc", "47", "49", '4/quiet,["x"]', "4 2", "4é",
    # Counts of attachments.
    '451["x"]', '45-1-["x"]', '451.5-["x"]', '45x-["x"]',
    '4511-["x"]', '45999999999999999999-["x"]', '4511-/quiet,["x"]', '46-1-/quiet,1[]',
    # JSON that is none, or of the wrong shape.
    "42/quiet,[", '42/quiet,["x"', '42/quiet,["x"]]', "42/quiet,[]", "42/quiet,{}",
    "42/quiet,null", '42/quiet,"x"', "42/quiet,1.5", "42/quiet,true", "42/quiet,[null]",
    "42/quiet,[true]", "42/quiet,[{}]", "42/quiet,[[]]", "42/quiet,abc[\"x\"]",
    "42/quiet,1a[\"x\"]", "42/quiet,-1[\"x\"]", "42/quiet,['x']", "42/quiet,[\"x\",]",
    "42/quiet,[\"x\",01]", "42/quiet,[\"\\x\"]", "42/quiet,[\"x\",NaN]", "42/quiet,[\"\u0001\"]",
    '42/quiet,["connect"]', '42/quiet,["connect_error"]', '42/quiet,["disconnect"]',
    '42/quiet,["disconnecting"]', '42/quiet,["newListener"]', '42/quiet,["removeListener"]',
    '42/quiet,["\\u0063onnect"]',
    "43/quiet,1{}", '43/quiet,1"x"', "43/quiet,1null", "43/quiet,1[",
    "41/quiet,{}", "41/quiet,[]", '41/quiet,"x"',
    "40/other,null", "40/other,[]", '40/other,"x"', "40/other,{", "40/other,true",
    '40/auth,{"token":}',
    # A packet that no client may send, or not now.
    "44/quiet,", '44/quiet,{"message":"x"}', '44/quiet,"x"', "44",
    "40/quiet,", '40/quiet,{"again":1}',
    '42["not joined"]', '42/nowhere,["x"]', '42/auth,["x"]', "41/nowhere,", "43/nowhere,1[]",
    "41", "431[]",
]


@pytest.mark.parametrize("packet", CLOSING)
def test_15_closes(server, packet):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.send(packet)
        assert socket.closes() == 1005
    phases = server.reasons(sid)
    assert phases in (list(FORCED), [p.replace("close", "server close") for p in FORCED]), phases


@pytest.mark.parametrize("packet", ["4abc", '42["early"]', "41", "431[]", "44", "4", "42[]", b"x"])
def test_15_closes_before_any_namespace_is_joined(server, packet):
    with engine.Socket(server.port) as socket:
        socket.send(packet)
        assert socket.closes() == 1005


PENDING = '451-/quiet,["x",{"_placeholder":true,"num":0}]'
CLOSING_SEQUENCES = {
    "text while an attachment is pending": [PENDING, '42/quiet,["x"]'],
    "connect while an attachment is pending": [PENDING, "40/auth,"],
    "binary without a text": [b"\x01"],
    "one attachment too many": [PENDING, b"\x01", b"\x02"],
    "a placeholder without a number": ['451-/quiet,["x",{"_placeholder":true}]', b"\x01"],
    "a placeholder with a string": ['451-/quiet,["x",{"_placeholder":true,"num":"0"}]', b"\x01"],
    "a placeholder below zero": ['451-/quiet,["x",{"_placeholder":true,"num":-1}]', b"\x01"],
    "a placeholder beyond the last": ['451-/quiet,["x",{"_placeholder":true,"num":1}]', b"\x01"],
    "a placeholder with a fraction": ['451-/quiet,["x",{"_placeholder":true,"num":0.5}]', b"\x01"],
    "a huge placeholder": ['451-/quiet,["x",{"_placeholder":true,"num":1e308}]', b"\x01"],
    "a placeholder over 64 bits": [
        '451-/quiet,["x",{"_placeholder":true,"num":18446744073709551616}]', b"\x01"],
    "a reserved name with an attachment": [
        '451-/quiet,["disconnect",{"_placeholder":true,"num":0}]', b"\x01"],
}


@pytest.mark.parametrize("name", CLOSING_SEQUENCES)
def test_15_sequences_that_close(server, name):
    with engine.Socket(server.port) as socket:
        sid = socket.connect("/quiet")
        socket.send(*CLOSING_SEQUENCES[name])
        assert socket.closes() == 1005
    assert server.reasons(sid)[1] in ("disconnect:forced close", "disconnect:forced server close")


@pytest.mark.parametrize("packet", ["42/quiet,[", '42["not joined"]', "4abc"])
def test_15_closes_over_polling_at_once(server, packet):
    session = engine.Polling(server.port)
    session.send("40/quiet,")
    sid = json.loads(session.receive().removeprefix("40/quiet,"))["sid"]
    try:
        session.post(packet)
    except http.Closed:
        pass
    assert server.reasons(sid)[1] in ("disconnect:forced close", "disconnect:forced server close")


def test_15_all_namespaces_of_the_connection_go(server):
    with engine.Socket(server.port) as socket:
        first = socket.connect("/quiet")
        socket.send('40/auth,{"token":"secret"}')
        second = json.loads(socket.receive().removeprefix("40/auth,"))["sid"]
        socket.send("42/quiet,{}")
        assert socket.closes() == 1005
    for sid in (first, second):
        assert server.reasons(sid)[1].startswith("disconnect:forced")


# The suite's own list, over polling as over WebSocket


def test_25_message_and_ack_over_polling(server):
    session = engine.Polling(server.port)
    session.send('40{"a":1}')
    assert re.fullmatch(f'40{{"sid":"{SID}"}}', session.receive())
    assert session.receive() == '42["auth",{"a":1}]'
    session.send('42["message",1,"2",{"3":[true]}]', '42456["message-with-ack",1,"2"]')
    assert session.receive() == '42["message-back",1,"2",{"3":[true]}]'
    assert session.receive() == '43456[1,"2"]'
    session.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
                 "bAQID", "bBAUG")
    assert session.receive() == (
        '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    )
    assert [session.receive(), session.receive()] == ["bAQID", "bBAUG"]
