"""The classic adapter on the wire, both ways (redis-wire.md sections 1 and 5).

One Swift server; the other side is a recording subscriber, or a stand-in for a Node.js server.
"""

import contextlib
import json
import re

import pytest

from support.cluster import Cluster
from support.member import asked, heard, ids, pump, settled
from support.node_peer import (
    ACK, ALL_ROOMS, BROADCAST, COUNT, DISCONNECT, FETCH, JOIN, LEAVE, SERVER_SIDE, SOCKETS,
    FakeSocket, NodePeer, compact, decode, name, options, pack, packet, unpack,
)
from support.redis import Subscriber

NAME = re.compile(r"[A-Za-z0-9]{6}")
TIMED_OUT = re.compile(r"timeout reached")


@pytest.fixture(scope="module")
def swift(redis):
    cluster = Cluster("redis", redis, 1)
    yield cluster
    cluster.close()


@pytest.fixture
def member(swift):
    """A client in `/`, alone on the server."""
    member = swift.join(0, "/")
    settled(lambda: member.ids(local=True), [member.id])
    yield member
    swift.close_members()


@pytest.fixture
def another(swift, member):
    """A second client in `/`."""
    another = swift.join(0, "/")
    settled(lambda: member.ids(local=True), ids([member, another]))
    return another


@pytest.fixture
def record(swift, redis, member):
    """Everything that the server publishes from now on."""
    with Subscriber(redis.port, patterns=[f"{swift.prefix}*"]) as subscriber:
        # Behind what earlier tests have left under way.
        member.ask("cast", {"rooms": ["from now on"]}, "fence", "[]")
        subscriber.wait(on(f"{swift.prefix}#/#from now on#"))
        subscriber.messages.clear()
        yield subscriber


@pytest.fixture
def node(swift, redis, member):
    """A Node.js server with two sockets, that the Swift server counts."""
    with make_node(swift, redis) as peer:
        yield peer
    settled(lambda: swift.subscribers("/"), 1)


def make_node(swift, redis, **settings) -> NodePeer:
    settings.setdefault("sockets", [
        FakeSocket("nodeSocketAAAAAAAAAA", ["r1"], {"who": "A"}),
        FakeSocket("nodeSocketBBBBBBBBBB", ["r2"]),
    ])
    before = swift.subscribers("/")
    peer = NodePeer(redis, swift.prefix, **settings)
    settled(lambda: swift.subscribers("/"), before + 1)
    return peer


def on(channel: str):
    return lambda found, payload: found == channel


def published(record, channel: str) -> bytes:
    """The one message on `channel`."""
    return record.wait(on(channel))[0][1]


# What the server publishes (1.1, 1.2)


def test_subscribes_to_the_channels_of_the_reference(swift, redis):
    key = swift.prefix
    for nsp in ("/", "/cluster"):
        channels = {one.decode() for one in redis.call("PUBSUB", "CHANNELS", f"{key}-*#{nsp}#*")}
        own = [one for one in channels if re.fullmatch(
            re.escape(f"{key}-response#{nsp}#") + r"[A-Za-z0-9]{6}#", one)]
        assert len(own) == 1, channels
        assert channels == {f"{key}-request#{nsp}#", f"{key}-response#{nsp}#", *own}


def test_broadcast_is_the_dump(swift, member, record):
    member.ask("cast", {"rooms": ["r1"]}, "hello", "[1]")
    payload = published(record, f"{swift.prefix}#/#r1#")
    uid = payload[2:8]
    assert NAME.fullmatch(uid.decode())
    assert payload.hex(" ") == " ".join((
        "93", "a6", uid.hex(" "),
        "83 a4 74 79 70 65 02 a4 64 61 74 61 92 a5 68 65 6c 6c 6f 01 a3 6e 73 70 a1 2f",
        "83 a5 72 6f 6f 6d 73 91 a2 72 31 a6 65 78 63 65 70 74 90 a5 66 6c 61 67 73 80",
    ))


@pytest.mark.parametrize(
    ("selection", "suffix", "rooms", "flags"),
    [
        ({}, "", [], {}),
        ({"rooms": ["r1"]}, "r1#", ["r1"], {}),
        ({"rooms": ["r1", "r2"]}, "", ["r1", "r2"], {}),
        ({"rooms": ["é\U0001f600"]}, "é\U0001f600#", ["é\U0001f600"], {}),
        ({"rooms": ["a#b"]}, "a#b#", ["a#b"], {}),
        ({"volatile": True}, "", [], {"volatile": True}),
    ],
)
def test_channel_and_options_of_a_broadcast(swift, member, record, selection, suffix, rooms, flags):
    member.ask("cast", selection, "ev", "[]")
    payload = published(record, f"{swift.prefix}#/#{suffix}")
    uid, sent, opts = unpack(payload)
    assert sent == packet("ev")
    assert opts == options(rooms, [], flags)
    assert payload == pack([uid, packet("ev"), options(rooms, [], flags)])


def test_except_of_a_broadcast(swift, member, record):
    member.ask("cast", {"others": True, "except": ["quiet"]}, "ev", "[]")
    _, _, opts = unpack(published(record, f"{swift.prefix}#/#"))
    assert opts["rooms"] == [] and sorted(opts["except"]) == sorted([member.id, "quiet"])


def test_local_broadcasts_are_not_published(swift, member, record):
    member.ask("cast", {"local": True}, "secret", "[]")
    member.ask("cast", {}, "fence", "[]")
    published(record, f"{swift.prefix}#/#")
    assert all(b"secret" not in payload for _, payload in record.messages)


def test_one_broadcast_is_published_once(swift, member, another, record):
    member.ask("cast", {}, "once", "[]")
    member.ask("cast", {}, "fence", "[]")
    record.wait(lambda channel, payload: b"fence" in payload)
    assert sum(b"once" in payload for _, payload in record.messages) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53],
        [-1, -32, -33, -128, -129, -32768, -32769, -2 ** 31, -2 ** 31 - 1, -2 ** 53],
        [0.5, -0.1, 1e300, 1.5e-7],
        ["", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "a" * 65535, "a" * 65536, "é\U0001f600"],
        [None, True, False, [], {}, list(range(15)), list(range(16)), list(range(65536))],
        [{"a": {"b": [{"c": None}]}}, {f"k{n}": n for n in range(16)}],
        ["\n\"\\/\u2028\u0001"],
    ],
    ids=["integers", "negatives", "fractions", "strings", "arrays", "objects", "escapes"],
)
def test_arguments_in_the_dialect(swift, member, record, arguments):
    """1.2: the smallest form of each."""
    member.ask("cast", {}, "ev", json.dumps(arguments))
    payload = published(record, f"{swift.prefix}#/#")
    uid = unpack(payload)[0]
    assert payload == pack([uid, packet("ev", *arguments), options()])


def test_binary_stays_inline(swift, member, record):
    upload = {"name": "n", "file": b"\x00\xff" * 200, "parts": [
        {"title": "t", "content": b""}, {"title": "u", "content": b"\x01" * 70000},
    ]}
    member.ask("cast-binary", {}, "ev", upload)
    uid, sent, opts = unpack(payload := published(record, f"{swift.prefix}#/#"))
    assert sent == packet("ev", upload["file"], upload) and sent["type"] == 2
    assert payload == pack([uid, {**sent, "data": sent["data"]}, opts])


# The requests that the server publishes (1.3)


def masked(payload: bytes) -> str:
    """JSON text with the names that vary replaced."""
    text = re.sub(r'"uid":"[A-Za-z0-9]{6}"', '"uid":"U"', payload.decode())
    return re.sub(r'"requestId":"[A-Za-z0-9]{6}"', '"requestId":"R"', text)


@pytest.mark.parametrize(
    ("event", "arguments", "text"),
    [
        ("all-rooms", [], '{"uid":"U","requestId":"R","type":1}'),
        ("sockets-join", [{"rooms": ["r1"]}, ["r2"]],
         '{"uid":"U","type":2,"opts":{"rooms":["r1"],"except":[]},"rooms":["r2"]}'),
        ("sockets-leave", [{"rooms": ["r1", "é"], "except": ["x"]}, ["r2", "r3"]],
         '{"uid":"U","type":3,"opts":{"rooms":["r1","é"],"except":["x"]},"rooms":["r2","r3"]}'),
        ("sockets-disconnect", [{"rooms": ["nobody"]}, True],
         '{"uid":"U","type":4,"opts":{"rooms":["nobody"],"except":[]},"close":true}'),
        ("sockets-disconnect", [{"rooms": ["nobody"]}, False],
         '{"uid":"U","type":4,"opts":{"rooms":["nobody"],"except":[]},"close":false}'),
        ("fetch", [{"rooms": ["r1"]}],
         '{"uid":"U","requestId":"R","type":5,"opts":{"rooms":["r1"],"except":[]}}'),
        ("server-side", ["ev", '[1,{"a":null}]'],
         '{"uid":"U","type":6,"data":["ev",1,{"a":null}]}'),
    ],
)
def test_requests_in_json(swift, member, record, node, event, arguments, text):
    member.ask(event, *arguments)
    request = masked(published(record, f"{swift.prefix}-request#/#"))
    assert json.loads(request) == json.loads(text)
    assert request == text


def test_request_of_a_server_side_event_with_ack(swift, member, record, node):
    member.ask("server-side-ack", "ev", [1], 50_000)
    request = json.loads(published(record, f"{swift.prefix}-request#/#"))
    assert NAME.fullmatch(request.pop("uid")) and NAME.fullmatch(request.pop("requestId"))
    assert request == {"type": 6, "data": ["ev", [1]]}


def test_request_of_a_broadcast_with_acks(swift, member, record, node):
    """1.4: MessagePack, the packet without an id."""
    member.replies["ev"] = lambda *arguments: 1
    asked([member], "cast-ack", {"rooms": ["r1"], "timeout": 50_000}, "ev", "[1]")
    payload = published(record, f"{swift.prefix}-request#/#")
    request = unpack(payload)
    assert NAME.fullmatch(request["uid"]) and NAME.fullmatch(request["requestId"])
    assert payload == pack({
        "uid": request["uid"], "requestId": request["requestId"], "type": 7,
        "packet": packet("ev", 1), "opts": options(["r1"], [], {"timeout": 50_000}),
    })


def test_alone_it_does_not_ask(swift, member, record):
    """1.3: with one subscriber the local result is all there is."""
    assert member.ids() == [member.id]
    assert member.ask("all-rooms")["rooms"] == [member.id]
    assert member.ask("server-side-ack", "question", 1, 50_000)["answers"] == []
    member.ask("cast", {}, "fence", "[]")
    published(record, f"{swift.prefix}#/#")
    kinds = [decode(data)["type"] for channel, data in record.messages if "-request#" in channel]
    assert set(kinds) <= {SERVER_SIDE}


def test_the_uid_stays_and_differs_by_namespace(swift, member, record):
    other = swift.join(0, "/cluster")
    for _ in range(2):
        member.ask("cast", {}, "ev", "[]")
    other.ask("cast", {}, "ev", "[]")
    here = record.wait(on(f"{swift.prefix}#/#"), count=2)
    there = record.wait(on(f"{swift.prefix}#/cluster#"))
    first, second = (unpack(payload)[0] for _, payload in here)
    assert first == second != unpack(there[0][1])[0]
    assert unpack(there[0][1])[1]["nsp"] == "/cluster"


# Broadcasts of others (1.2, 5)


def test_broadcasts_of_a_node_server(member, another, node):
    member.ask("join", "r1")
    node.broadcast("said", "all", {"a": [None, 1.5, True]})
    node.broadcast("said", "r1", rooms=["r1"])
    node.broadcast("said", "r1 r2", rooms=["r1", "r2"])
    node.broadcast("said", "not r1", excluded=["r1"])
    node.broadcast("said", "by id", rooms=[another.id])
    node.broadcast("said", "volatile", flags={"volatile": True, "compress": True, "binary": False})
    everything = ["all", {"a": [None, 1.5, True]}]
    heard([member, another], {
        member: [everything, ["r1"], ["r1 r2"], ["volatile"]],
        another: [everything, ["not r1"], ["by id"], ["volatile"]],
    })


def test_broadcasts_with_the_own_uid_are_dropped(swift, redis, member, record):
    """1.1: a server hears its own pattern."""
    member.ask("cast", {}, "said", "[1]")
    payload = published(record, f"{swift.prefix}#/#")
    redis.publish(f"{swift.prefix}#/#", payload)
    heard([member], {member: [[1]]})


@pytest.mark.parametrize(
    ("message", "arrives"),
    [
        (lambda: ["abcdef", {"type": 2, "data": ["said", 1]}, options()], True),
        (lambda: ["abcdef", {"type": 2, "data": ["said", 1], "nsp": None}, options()], True),
        (lambda: ["abcdef", packet("said", 1, nsp="/other"), options()], False),
        (lambda: ["abcdef", packet("said", 1), {"flags": {}, "except": [], "rooms": []}], True),
        (lambda: ["abcdef", packet("said", 1), {"rooms": []}], True),
        (lambda: ["abcdef", packet("said", 1), {"rooms": None, "except": None, "flags": None}],
         True),
        (lambda: ["abcdef", packet("said", 1), options(flags={"new": {"x": [1]}})], True),
        (lambda: ["abcdef", {**packet("said", 1), "id": None, "options": {"compress": True}},
                  options()], True),
        (lambda: ["a much longer uid", packet("said", 1), options()], True),
        (lambda: ["abcdef", packet("said", 1), options(rooms=["elsewhere", "nowhere"])], False),
    ],
    ids=["no nsp", "nil nsp", "other nsp", "order of keys", "missing keys", "nil keys", "new flag",
         "new keys", "long uid", "other rooms"],
)
def test_tolerated_forms_of_a_broadcast(swift, redis, member, message, arrives):
    redis.publish(f"{swift.prefix}#/#", pack(message()))
    redis.publish(f"{swift.prefix}#/#", pack(["abcdef", packet("end"), options()]))
    assert member.events_until("end") == ([["said", 1]] if arrives else [])


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("c0", None), ("c2", False), ("c3", True),
        ("d4 00 00", None),
        ("d6 ff 00 00 00 01", "1970-01-01T00:00:01.000Z"),
        ("d7 ff 1d cd 65 00 00 00 00 01", "1970-01-01T00:00:01.125Z"),
        ("c7 0c ff 00 00 00 00 00 00 00 00 00 00 00 02", "1970-01-01T00:00:02.000Z"),
        ("d7 00 00 00 00 00 00 00 03 e8", "1970-01-01T00:00:01.000Z"),
        ("c7 03 00 01 02 03", b"\x01\x02\x03"),
        ("c4 02 01 02", b"\x01\x02"), ("c5 00 01 07", b"\x07"), ("c6 00 00 00 01 07", b"\x07"),
        ("cc 05", 5), ("cd 00 05", 5), ("ce 00 00 00 05", 5), ("cf 00 00 00 00 00 00 00 05", 5),
        ("d0 fb", -5), ("d1 ff fb", -5), ("d2 ff ff ff fb", -5),
        ("d3 ff ff ff ff ff ff ff fb", -5),
        ("cf 00 20 00 00 00 00 00 00", 2 ** 53),
        ("ca 3f 00 00 00", 0.5), ("cb 3f e0 00 00 00 00 00 00", 0.5),
        ("cb 41 f0 00 00 00 00 00 00", 2 ** 32),
        ("d9 01 61", "a"), ("da 00 01 61", "a"), ("db 00 00 00 01 61", "a"),
        ("dc 00 01 01", [1]), ("dd 00 00 00 01 01", [1]),
        ("de 00 01 a1 61 01", {"a": 1}), ("df 00 00 00 01 a1 61 01", {"a": 1}),
        ("81 07 01", {"7": 1}),
    ],
)
def test_dialects_of_values(swift, redis, member, wire, value):
    """1.2: any valid MessagePack, of notepack 2 and 3 and others."""
    head = bytes.fromhex("93 a6 616263646566 83 a4 74797065 02 a4 64617461 92 a4 73616964")
    tail = bytes.fromhex(
        "a3 6e7370 a1 2f 83 a5 726f6f6d73 90 a6 657863657074 90 a5 666c616773 80"
    )
    redis.publish(f"{swift.prefix}#/#", head + bytes.fromhex(wire) + tail)
    assert member.event() == ["said", value]


def test_a_numeric_room_is_its_text(swift, redis, member):
    member.ask("join", "7")
    redis.publish(f"{swift.prefix}#/#7#", pack(["abcdef", packet("said", 1), options([7])]))
    assert member.event() == ["said", 1]


def test_the_emitter_broadcasts(swift, redis, member):
    """Section 5, the hex as it is there."""
    redis.publish(f"{swift.prefix}#/#", bytes.fromhex(
        "93 a7 656d6974746572 83 a4 74797065 02 a4 64617461 91 a5 68656c6c6f a3 6e7370 a1 2f"
        "83 a5 726f6f6d73 90 a5 666c616773 80 a6 657863657074 90"
    ))
    assert member.event() == ["hello"]


def test_the_emitter_acts_on_sockets(swift, redis, member, another):
    """Section 5: JSON without a uid."""
    channel = f"{swift.prefix}-request#/#"
    opts = {"rooms": [another.id], "except": []}
    redis.publish(channel, compact({"type": JOIN, "opts": opts, "rooms": ["e1", "e2"]}))
    settled(lambda: another.ask("rooms"), ["e1", "e2"])
    redis.publish(channel, compact({"type": LEAVE, "opts": opts, "rooms": ["e1"]}))
    settled(lambda: another.ask("rooms"), ["e2"])
    assert member.ask("rooms") == []
    redis.publish(channel, compact({"uid": "emitter", "type": SERVER_SIDE, "data": ["tell", 1]}))
    assert member.event() == ["told", 1]
    redis.publish(channel, compact({"type": DISCONNECT, "opts": opts, "close": False}))
    assert another.is_told_to_go()
    assert member.ask("rooms") == []


# Requests of others (1.3)


def test_answers_which_sockets(member, another, node):
    member.ask("join", "r1")
    number = node.request(SOCKETS, rooms=["r1"])
    assert node.responses(number) == [{"requestId": number, "sockets": [member.id]}]
    number = node.request(SOCKETS, rooms=[])
    answer = node.responses(number)[0]
    assert sorted(answer.pop("sockets")) == ids([member, another])
    assert answer == {"requestId": number}


def test_answers_which_rooms(member, node):
    member.ask("join", "r1")
    number = node.request(ALL_ROOMS)
    answer = node.responses(number)[0]
    assert sorted(answer.pop("rooms")) == sorted(["r1", member.id])
    assert answer == {"requestId": number}


def test_joins_leaves_and_disconnects(member, another, node):
    chosen = {"rooms": [another.id], "except": []}
    node.request(JOIN, opts=chosen, rooms=["n1", "n2"])
    settled(lambda: another.ask("rooms"), ["n1", "n2"])
    node.request(LEAVE, opts={"rooms": ["n1"], "except": []}, rooms=["n2"])
    settled(lambda: another.ask("rooms"), ["n1"])
    node.request(JOIN, opts={"rooms": [], "except": ["n1"]}, rooms=["n3"])
    settled(lambda: member.ask("rooms"), ["n3"])
    assert another.ask("rooms") == ["n1"]
    node.request(DISCONNECT, opts={"rooms": ["n1"], "except": []}, close=True)
    assert another.is_told_to_go()
    assert another.close_code() in (1000, 1005, 1006)
    assert member.ask("rooms") == ["n3"]


def test_legacy_requests_for_one_socket(redis, member, another, node):
    """1.3: without opts; only the server that has the socket acts, and answers."""
    def send(kind: int, **fields) -> str:
        number = name()
        redis.publish(node.request_channel, compact({"requestId": number, "type": kind, **fields}))
        return number

    number = send(JOIN, sid=another.id, room="old")
    assert node.responses(number) == [{"requestId": number}]
    assert another.ask("rooms") == ["old"] and member.ask("rooms") == []
    number = send(LEAVE, sid=another.id, room="old")
    assert node.responses(number) == [{"requestId": number}]
    assert another.ask("rooms") == []
    unknown = send(JOIN, sid="nobodyAAAAAAAAAAAAAA", room="old")
    number = send(DISCONNECT, sid=another.id, close=False)
    assert node.responses(number) == [{"requestId": number}]
    assert another.is_told_to_go()
    answered = [decode(data).get("requestId") for channel, data in node.subscriber.messages
                if channel == node.response_channel]
    assert unknown not in answered


def test_answers_what_its_sockets_are(swift, node):
    member = swift.join(0, "/", "X-Test: 1", auth={"token": "t", "deep": [None]},
                        query={"colour": "red"})
    member.ask("join", "r1")
    member.ask("set-data", {"who": "Ada"})
    number = node.request(FETCH, opts={"rooms": ["r1"], "except": []})
    answer = node.responses(number)[0]
    assert set(answer) == {"requestId", "sockets"}
    found, = answer["sockets"]
    assert set(found) == {"id", "handshake", "rooms", "data"}
    assert found["id"] == member.id and found["data"] == {"who": "Ada"}
    assert sorted(found["rooms"]) == sorted([member.id, "r1"])
    handshake = found["handshake"]
    assert set(handshake) >= {
        "headers", "time", "address", "xdomain", "secure", "issued", "url", "query", "auth",
    }
    assert handshake["headers"]["x-test"] == "1"
    assert handshake["auth"] == {"token": "t", "deep": [None]}
    assert handshake["query"]["colour"] == "red" and handshake["query"]["EIO"] == "4"
    assert handshake["address"] == "127.0.0.1" and handshake["secure"] is False
    assert handshake["xdomain"] is False and handshake["url"].startswith("/socket.io/?")
    assert isinstance(handshake["issued"], int) and isinstance(handshake["time"], str)


def test_a_socket_without_data_has_an_empty_object(member, node):
    """Node's `socket.data` is `{}` from the start."""
    number = node.request(FETCH, opts={"rooms": [member.id], "except": []})
    found, = node.responses(number)[0]["sockets"]
    assert found["data"] == {}


def test_takes_server_side_events(member, node):
    node.request(SERVER_SIDE, data=["tell", 1, {"a": None}], without_ack=True)
    assert member.event() == ["told", 1, {"a": None}]
    number = node.request(SERVER_SIDE, data=["question", {"a": 1}])
    assert node.responses(number) == [
        {"type": 6, "requestId": number, "data": {"name": "node-1", "heard": {"a": 1}}}
    ]


def test_a_server_side_answer_without_a_value_has_no_data(member, node):
    number = node.request(SERVER_SIDE, data=["tell", 1])
    assert node.responses(number) == [{"type": 6, "requestId": number}]


def test_server_side_events_with_the_own_uid_are_dropped(redis, swift, member, record, node):
    member.ask("server-side", "tell", "[1]")
    payload = published(record, f"{swift.prefix}-request#/#")
    redis.publish(f"{swift.prefix}-request#/#", payload)
    heard([member], {}, "told")


def test_binary_in_json_is_what_node_makes_of_a_buffer(member, node):
    """1.3: a Node Buffer turns into an object; accepted when read."""
    node.request(SERVER_SIDE, data=["tell", {"type": "Buffer", "data": [1, 2]}], without_ack=True)
    assert member.event() == ["told", b"\x01\x02"]


def test_collects_acks_for_others(swift, redis, member, another, node, record):
    for one in (member, another):
        one.replies["asked"] = lambda value, one=one: {"id": one.id, "value": value}
    number = node.ask_all("asked", 7)
    pump([member, another], lambda: len(found_of(node, number)) == 3)
    count, *acks = found_of(node, number)
    assert count == {"type": COUNT, "requestId": number, "clientCount": 2}
    assert sorted(ack["packet"]["id"] for ack in acks) == ids([member, another])
    assert all(ack["packet"]["value"] == 7 and ack["type"] == ACK for ack in acks)
    assert all(set(ack) == {"type", "requestId", "packet"} for ack in acks)
    raw = [data for _, data in record.wait(on(node.response_channel), count=3)]
    assert raw[0] == compact(count).encode()
    assert {data for data in raw[1:]} == {pack(ack) for ack in acks}


def found_of(node, number: str) -> list[dict]:
    found = [decode(data) for channel, data in node.subscriber.messages
             if channel == node.response_channel]
    return [answer for answer in found if answer.get("requestId") == number]


def test_counts_no_client_too(member, node):
    """1.4: also when 0."""
    number = node.ask_all("asked", rooms=["nobody is here"])
    assert node.responses(number) == [{"type": COUNT, "requestId": number, "clientCount": 0}]


def test_an_ack_without_a_value_is_nil(swift, member, node):
    number = node.ask_all("asked")
    event = member.socket.message()
    while event == "2":
        event = member.socket.message()
    found = re.fullmatch(r'42(\d+)\["asked"\]', event)
    assert found, event
    member.send(f"43{found[1]}[]")
    assert node.responses(number, 1, ACK) == [
        {"type": ACK, "requestId": number, "packet": None}
    ]


# Answers of others (1.3, 1.4)


def test_fetches_sockets_of_a_node_server(member, node):
    found = {one["id"]: one for one in member.fetch()}
    assert set(found) == {member.id, "nodeSocketAAAAAAAAAA", "nodeSocketBBBBBBBBBB"}
    theirs = found["nodeSocketAAAAAAAAAA"]
    assert theirs["rooms"] == ["r1"] and theirs["data"] == {"who": "A"}
    assert theirs["headers"] == {"x-test": "node"} and theirs["address"] == "::1"
    assert json.loads(theirs["auth"]) == {"token": "node"}
    assert theirs["query"]["colour"] == "blue" and theirs["url"].startswith("/socket.io/?")
    assert member.ids(rooms=["r2"]) == ["nodeSocketBBBBBBBBBB"]


def test_rooms_of_a_node_server(member, node):
    wanted = sorted([member.id, "r1", "r2", "nodeSocketAAAAAAAAAA", "nodeSocketBBBBBBBBBB"])
    assert member.ask("all-rooms")["rooms"] == wanted


def test_answers_on_the_channel_of_the_asking_server(swift, redis, member):
    """1.3: `publishOnSpecificResponseChannel`."""
    with make_node(swift, redis, specific=True) as node:
        assert len(member.ids()) == 3
        assert len(member.ask("all-rooms")["rooms"]) == 5
        node.reply = lambda socket, arguments: socket.id
        member.replies["asked"] = lambda: member.id
        collected = asked([member], "cast-ack", {"timeout": 50_000}, "asked", "[]")
        assert len(collected["answers"]) == 3 and collected["missing"] == 0
        answers = member.ask("server-side-ack", "ev", 1, 50_000)["answers"]
        assert answers == [{"heard": ["ev", 1]}]


def test_operations_reach_a_node_server(member, node):
    member.ask("sockets-join", {"rooms": ["r1"]}, ["r3"])
    assert node.received(JOIN)[0]["rooms"] == ["r3"]
    member.ask("remote", "nodeSocketAAAAAAAAAA", "emit", "hello")
    channel, _, sent, opts = node.broadcasts(event="said")[0]
    assert channel == node.channel(["nodeSocketAAAAAAAAAA"])
    assert sent["data"] == ["said", "hello"] and opts["rooms"] == ["nodeSocketAAAAAAAAAA"]


def test_acks_of_a_node_server(member, node):
    member.replies["asked"] = lambda *arguments: [member.id, *arguments]
    node.reply = lambda socket, arguments: [socket.id, *arguments]
    collected = asked([member], "cast-ack", {"timeout": 50_000}, "asked", "[1]")
    assert sorted(json.loads(one) for one in collected["answers"]) == sorted([
        [member.id, 1], ["nodeSocketAAAAAAAAAA", 1], ["nodeSocketBBBBBBBBBB", 1],
    ])


def change_order(request, right):
    """The acks before the count that they belong to."""
    return [*right[1:], right[0]]


def twice(request, right):
    return [*right, *right]


def without_count(request, right):
    return right[1:]


def without_acks(request, right):
    return right[:1]


def one_missing(request, right):
    return right[:-1]


@pytest.mark.parametrize(
    ("change", "answers", "is_complete"),
    [(change_order, 3, True), (one_missing, 2, False), (without_acks, 1, False),
     (without_count, 3, False)],
)
def test_acks_in_any_order_and_incomplete(member, node, change, answers, is_complete):
    member.replies["asked"] = lambda: 1
    node.answers[BROADCAST] = change
    timeout = 50_000 if is_complete else 2000
    collected = asked([member], "cast-ack", {"timeout": timeout}, "asked", "[]")
    assert len(collected["answers"]) == answers
    assert (collected["missing"] == 0) == is_complete or change is without_count


def test_acks_twice_do_no_harm(member, node):
    member.replies["asked"] = lambda: 1
    node.answers[BROADCAST] = twice
    collected = asked([member], "cast-ack", {"timeout": 50_000}, "asked", "[]")
    assert len(collected["answers"]) >= 3
    node.answers.clear()
    assert len(asked([member], "cast-ack", {"timeout": 50_000}, "asked", "[]")["answers"]) == 3


def test_answers_of_a_server_side_event(member, node):
    for reply in ({"a": 1}, None, "text", [1], 0):
        node.server_reply = lambda arguments, reply=reply: reply
        found = member.ask("server-side-ack", "ev", 1, 50_000)
        assert found == {"answers": [reply]}


def test_an_answer_of_a_server_side_event_without_data(member, node):
    """1.3: an undefined value makes `data` absent."""
    node.answers[SERVER_SIDE] = lambda request, right: [
        {"type": 6, "requestId": request["requestId"]}
    ]
    assert member.ask("server-side-ack", "ev", 1, 50_000) == {"answers": [None]}


def test_partial_answers_of_servers(redis):
    """Better than the reference: what came is given with what is missing."""
    # Time enough for the answers of the one that does.
    hasty = Cluster("redis", redis, 1, "--requests-timeout", 2000)
    with (
        contextlib.closing(hasty),
        make_node(hasty, redis),
        make_node(hasty, redis, sockets=[FakeSocket("silentAAAAAAAAAAAAAA")]) as silent,
    ):
        member = hasty.join(0, "/")
        for kind in (ALL_ROOMS, FETCH, SERVER_SIDE):
            silent.answers[kind] = lambda request, right: []
        fetched = member.ask("fetch", {})
        assert TIMED_OUT.search(fetched["error"])
        assert fetched["partial"] == sorted(
            [member.id, "nodeSocketAAAAAAAAAA", "nodeSocketBBBBBBBBBB"]
        )
        rooms = member.ask("all-rooms")
        assert TIMED_OUT.search(rooms["timeout"]) and "r1" in rooms["rooms"]
        found = member.ask("server-side-ack", "ev", 1, 2000)
        assert found["timeout"] == "timeout reached: only 1 responses received out of 2"
        assert found["answers"] == [{"heard": ["ev", 1]}]


def test_late_answers_are_dropped(member, node):
    """A request that is over, and one that never was."""
    held = []
    node.answers[FETCH] = lambda request, right: held.append((request, right)) or []
    assert TIMED_OUT.search(member.ask("fetch", {"timeout": 300})["error"])
    node.answers.clear()
    (request, right), = held
    for answer in right:
        node.answer(request, answer)
    node.answer({"type": 5}, {"requestId": "nobody", "sockets": []})
    assert len(member.ids()) == 3


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"sockets": None}, {"sockets": "x"}, {"sockets": [1]}, {"sockets": [{}]},
        {"sockets": [{"id": 1, "handshake": {}, "rooms": [], "data": {}}]},
        {"sockets": {"id": "x"}}, {"rooms": []}, {"type": 6, "data": []},
    ],
    ids=["nothing", "nil", "text", "numbers", "empty", "number as id", "object", "rooms", "type 6"],
)
def test_wrong_answers_are_not_answers(member, node, answer):
    """It waits on, or goes without; and is as good as before."""
    node.answers[FETCH] = lambda request, right: [{"requestId": request["requestId"], **answer}]
    fetched = member.ask("fetch", {"timeout": 500})
    found = fetched["partial"] if "error" in fetched else [one["id"] for one in fetched["sockets"]]
    assert found == [member.id]
    node.answers.clear()
    assert len(member.ids()) == 3


def test_duplicate_answers_are_one(swift, redis, member, node):
    node.answers[FETCH] = twice
    node.answers[ALL_ROOMS] = twice
    assert len(member.ids()) == 3
    assert len(member.ask("all-rooms")["rooms"]) == 5
    assert len(member.ids()) == 3
