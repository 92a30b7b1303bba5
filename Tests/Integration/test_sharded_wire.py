"""The sharded adapter on the wire, both ways (redis-wire.md sections 2 and 3)."""

import re

import pytest

from support.cluster import Cluster
from support.member import asked, heard, ids, pump, settled
from support.node_peer import FakeSocket, compact, options, pack
from support.redis import Subscriber
from support.sharded_peer import (
    BROADCAST, CLOSE, DISCONNECT, FETCH, FETCHED, HEARTBEAT, INITIAL_HEARTBEAT, JOIN,
    LEAVE, SERVER_SIDE, SERVER_SIDE_ANSWER, ShardedPeer, decode,
)

MODES = ("sharded-static", "sharded-dynamic", "sharded-dynamic-private")


@pytest.fixture(scope="module", params=MODES)
def each_mode(request, redis):
    cluster = Cluster(request.param, redis, 1)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def swift(redis):
    cluster = Cluster("sharded-dynamic", redis, 1)
    yield cluster
    cluster.close()


def client(cluster):
    member = cluster.join(0, "/")
    settled(lambda: member.ids(local=True), [member.id])
    return member


@pytest.fixture
def member(swift):
    """A client in `/`, alone on the server."""
    yield client(swift)
    swift.close_members()


@pytest.fixture
def another(swift, member):
    another = swift.join(0, "/")
    settled(lambda: member.ids(local=True), ids([member, another]))
    return another


@pytest.fixture
def node(swift, redis, member):
    """A Node.js server with two sockets, that the Swift server counts."""
    sockets = [FakeSocket("nodeSocketAAAAAAAAAA", ["r1"], {"who": "A"}),
               FakeSocket("nodeSocketBBBBBBBBBB", ["r2"])]
    with ShardedPeer(redis, swift.prefix, sockets=sockets) as peer:
        settled(lambda: swift.subscribers("/"), 2)
        yield peer
    settled(lambda: swift.subscribers("/"), 1)


def masked(payload: bytes) -> str:
    """The text with the names that vary replaced."""
    text = re.sub(r'"uid":"[0-9a-f]{16}"', '"uid":"U"', payload.decode())
    return re.sub(r'"requestId":"[0-9a-f]{16}"', '"requestId":"R"', text)


# What the server publishes


@pytest.mark.parametrize(
    ("event", "arguments", "text"),
    [
        ("cast", [{"rooms": ["a", "b"]}, "hello", "[1]"],
         '{"type":3,"data":{"packet":{"type":2,"data":["hello",1]},"opts":{"rooms":["a","b"],'
         '"except":[],"flags":{}}},"uid":"U","nsp":"/"}'),
        ("cast", [{"volatile": True}, "hello", "[]"],
         '{"type":3,"data":{"packet":{"type":2,"data":["hello"]},"opts":{"rooms":[],"except":[],'
         '"flags":{"volatile":true}}},"uid":"U","nsp":"/"}'),
        ("cast-ack", [{"rooms": ["r1"], "timeout": 1000}, "hello", "[]"],
         '{"type":3,"data":{"packet":{"type":2,"data":["hello"]},"requestId":"R","opts":{"rooms":'
         '["r1"],"except":[],"flags":{"timeout":1000}}},"uid":"U","nsp":"/"}'),
        ("sockets-join", [{"rooms": ["r1"]}, ["r2"]],
         '{"type":4,"data":{"opts":{"rooms":["r1"],"except":[],"flags":{}},"rooms":["r2"]},'
         '"uid":"U","nsp":"/"}'),
        ("sockets-leave", [{"rooms": ["r1"]}, ["é"]],
         '{"type":5,"data":{"opts":{"rooms":["r1"],"except":[],"flags":{}},"rooms":["é"]},'
         '"uid":"U","nsp":"/"}'),
        ("sockets-disconnect", [{"rooms": ["r1"]}, True],
         '{"type":6,"data":{"opts":{"rooms":["r1"],"except":[],"flags":{}},"close":true},'
         '"uid":"U","nsp":"/"}'),
        ("fetch", [{"rooms": ["r1"]}],
         '{"type":7,"data":{"opts":{"rooms":["r1"],"except":[],"flags":{}},"requestId":"R"},'
         '"uid":"U","nsp":"/"}'),
        ("server-side", ["ev", "[1]"],
         '{"type":9,"data":{"packet":["ev",1]},"uid":"U","nsp":"/"}'),
        ("server-side-ack", ["ev", 1, 1000],
         '{"type":9,"data":{"requestId":"R","packet":["ev",1]},"uid":"U","nsp":"/"}'),
    ],
    ids=["broadcast", "volatile", "with acks", "join", "leave", "disconnect", "fetch", "server side",
         "server side with ack"],
)
def test_messages_are_the_dumps(member, node, event, arguments, text):
    member.ask(event, *arguments)
    channel, payload = node.subscriber.wait(lambda channel, _: channel == node.channel)[0]
    assert masked(payload) == text


def test_binary_makes_it_messagepack(member, node):
    part = {"content": b"\x01" * 300, "title": "t"}
    upload = {"file": b"\x00\xff", "name": "n", "parts": [part]}
    member.ask("cast-binary", {}, "ev", upload)
    _, payload = node.subscriber.wait(lambda channel, _: channel == node.channel)[0]
    message = decode(payload)
    assert payload == pack({
        "type": 3, "data": {"packet": {"type": 2, "data": ["ev", upload["file"], upload]},
                            "opts": options()},
        "uid": message["uid"], "nsp": "/",
    })


def test_answers_are_the_dumps(member, node):
    """8, 10, 11, 12, on the channel of the asking server."""
    member.replies["asked"] = lambda *arguments: [*arguments, "ok"]
    number = node.ask_all("asked", 1)
    pump([member], lambda: len(node.found(number)) == 2)
    uid = node.found(number)[0]["uid"]
    raw = [data.decode() for channel, data in node.subscriber.messages
           if channel == node.own_channel]
    tail = f',"uid":"{uid}","nsp":"/"}}'
    assert raw == [
        f'{{"type":11,"data":{{"requestId":"{number}","clientCount":1}}' + tail,
        f'{{"type":12,"data":{{"requestId":"{number}","packet":[1,"ok"]}}' + tail,
    ]
    number = node.ask_all("asked", rooms=["nobody is here"])
    assert node.responses(number)[0]["data"] == {"requestId": number, "clientCount": 0}
    number = node.request(SERVER_SIDE, packet=["question", 1])
    answer, = node.responses(number)
    assert answer["type"] == SERVER_SIDE_ANSWER
    assert answer["data"] == {"requestId": number, "packet": {"name": "node-1", "heard": 1}}


def test_binary_acks_make_it_messagepack(member, node):
    member.replies["asked"] = lambda: b"\x01\x02"
    number = node.ask_all("asked")
    pump([member], lambda: len(node.found(number)) == 2)
    assert node.found(number)[1]["data"] == {"requestId": number, "packet": b"\x01\x02"}
    payload = node.subscriber.messages[-1][1]
    assert payload[:1] != b"{" and payload == pack(decode(payload))


@pytest.mark.parametrize("length", [2, 19, 20, 21])
def test_channel_of_a_room_by_mode(each_mode, redis, length):
    """Section 2: a room channel iff one room, and not like a socket's id in `dynamic`."""
    cluster = each_mode
    room = "R" * length
    own = f"{cluster.prefix}#/#{room}#"
    general = f"{cluster.prefix}#/#"
    is_own = cluster.adapter == "sharded-dynamic-private" or (
        cluster.adapter == "sharded-dynamic" and length != 20
    )
    member = client(cluster)
    try:
        with Subscriber(redis.port, sharded=[own, general]) as record:
            member.ask("cast", {"rooms": [room]}, "one", "[]")
            member.ask("cast", {"rooms": [room, "x"]}, "two", "[]")
            member.ask("cast", {}, "none", "[]")
            found = record.wait(lambda *_: True, count=3)
        channels = {decode(data)["data"]["packet"]["data"][0]: channel for channel, data in found}
        assert channels == {"one": own if is_own else general, "two": general, "none": general}
    finally:
        cluster.close_members()


def test_subscriptions_to_rooms_by_mode(each_mode, redis):
    """Section 2: from the first local member to the last; own-id rooms in `dynamic-private`."""
    cluster = each_mode
    first, second = client(cluster), cluster.join(0, "/")
    try:
        own = [f"{cluster.prefix}#/#{one.id}#" for one in (first, second)]
        room = f"{cluster.prefix}#/#room#"
        is_private = cluster.adapter == "sharded-dynamic-private"
        is_dynamic = cluster.adapter != "sharded-static"
        for member in (first, second):
            member.ask("join", "room")
        settled(lambda: redis.shard_subscribers(room), int(is_dynamic))
        for channel in own:
            settled(lambda: redis.shard_subscribers(channel), int(is_private))
        first.ask("leave", "room")
        second.ask("join", "fence")
        settled(lambda: redis.shard_subscribers(f"{cluster.prefix}#/#fence#"), int(is_dynamic))
        assert redis.shard_subscribers(room) == int(is_dynamic)
        second.socket.connection.close()
        settled(lambda: redis.shard_subscribers(room), 0)
        settled(lambda: redis.shard_subscribers(own[1]), 0)
    finally:
        cluster.close_members()


# What others publish


def test_broadcasts_of_a_node_server(member, another, node, redis):
    member.ask("join", "r1")
    settled(lambda: redis.shard_subscribers(node.room_channel("r1")), 1)
    node.broadcast("said", "all", {"a": [None, 1.5]})
    node.broadcast("said", "own channel", rooms=["r1"], own="r1")
    node.broadcast("said", "general channel", rooms=["r1"])
    node.broadcast("said", "not r1", excluded=["r1"])
    node.broadcast("said", b"\x00\xff", {"nested": [b""]})
    heard([member, another], {
        member: [["all", {"a": [None, 1.5]}], ["own channel"], ["general channel"],
                 [b"\x00\xff", {"nested": [b""]}]],
        another: [["all", {"a": [None, 1.5]}], ["not r1"], [b"\x00\xff", {"nested": [b""]}]],
    })


@pytest.mark.parametrize(
    ("change", "arrives"),
    [
        ({}, True), ({"nsp": "/other"}, False), ({"uid": "emitter"}, True), ({"type": 99}, False),
        ({"new": 1}, True), ({"type": INITIAL_HEARTBEAT}, False), ({"type": HEARTBEAT}, False),
        ({"type": CLOSE}, False),
    ],
    ids=["as it is", "other nsp", "emitter", "unknown type", "new key", "heartbeat 1",
         "heartbeat 2", "close"],
)
def test_envelopes(redis, member, node, change, arrives):
    data = {"packet": {"type": 2, "data": ["said", 1], "nsp": "/"}, "opts": options()}
    message = {**node.message(BROADCAST, data), **change}
    redis.spublish(node.channel, compact(message))
    redis.spublish(node.channel, pack(message))
    node.broadcast("end")
    assert member.events_until("end") == ([["said", 1]] * 2 if arrives else [])


def test_messages_with_the_own_uid_are_dropped(redis, member, node):
    member.ask("cast", {}, "said", "[1]")
    _, payload = node.subscriber.wait(lambda channel, _: channel == node.channel)[0]
    redis.spublish(node.channel, payload)
    heard([member], {member: [[1]]})


def test_joins_leaves_and_disconnects(member, another, node):
    chosen = options([another.id])
    node.send(JOIN, {"opts": chosen, "rooms": ["n1", "n2"]})
    settled(lambda: another.ask("rooms"), ["n1", "n2"])
    node.send(LEAVE, {"opts": chosen, "rooms": ["n1"]})
    settled(lambda: another.ask("rooms"), ["n2"])
    assert member.ask("rooms") == []
    node.send(DISCONNECT, {"opts": chosen, "close": False})
    assert another.is_told_to_go()


def test_answers_what_its_sockets_are(member, another, node):
    member.ask("join", "r1")
    member.ask("set-data", {"who": "Ada"})
    number = node.request(FETCH, opts=options(["r1"]))
    answer, = node.responses(number)
    assert answer["type"] == FETCHED and set(answer["data"]) == {"requestId", "sockets"}
    found, = answer["data"]["sockets"]
    assert set(found) == {"id", "handshake", "rooms", "data"}
    assert found["id"] == member.id and found["data"] == {"who": "Ada"}
    assert sorted(found["rooms"]) == sorted([member.id, "r1"])
    number = node.request(FETCH, opts=options())
    assert len(node.responses(number)[0]["data"]["sockets"]) == 2


def test_uses_the_answers_of_a_node_server(member, node):
    assert member.ask("server-count") == 2
    found = {one["id"]: one for one in member.fetch()}
    assert set(found) == {member.id, "nodeSocketAAAAAAAAAA", "nodeSocketBBBBBBBBBB"}
    assert found["nodeSocketAAAAAAAAAA"]["data"] == {"who": "A"}
    member.replies["asked"] = lambda *arguments: [member.id, *arguments]
    node.reply = lambda socket, arguments: [socket.id, *arguments]
    collected = asked([member], "cast-ack", {"timeout": 50_000}, "asked", "[1]")
    assert len(collected["answers"]) == 3 and collected["missing"] == 0
    found = member.ask("server-side-ack", "ev", 1, 50_000)
    assert found == {"answers": [{"heard": ["ev", 1]}]}
    node.server_reply = lambda arguments: None
    assert member.ask("server-side-ack", "ev", 1, 50_000) == {"answers": [None]}


@pytest.mark.parametrize(
    ("change", "answers", "is_complete"),
    [
        (lambda request, right: [*right[1:], right[0]], 3, True),
        (lambda request, right: right[:-1], 2, False),
        (lambda request, right: right[:1], 1, False),
        (lambda request, right: [], 1, False),
    ],
    ids=["count last", "one ack missing", "no ack", "nothing"],
)
def test_acks_in_any_order_and_incomplete(member, node, change, answers, is_complete):
    member.replies["asked"] = lambda: 1
    node.answers[BROADCAST] = change
    timeout = 50_000 if is_complete else 2000
    collected = asked([member], "cast-ack", {"timeout": timeout}, "asked", "[]")
    assert len(collected["answers"]) == answers


def test_partial_and_late_answers(member, node):
    held = []
    for kind in (FETCH, SERVER_SIDE):
        node.answers[kind] = lambda request, right: held.append((request, right)) or []
    fetched = member.ask("fetch", {"timeout": 300})
    assert "timeout reached" in fetched["error"] and fetched["partial"] == [member.id]
    found = member.ask("server-side-ack", "ev", 1, 300)
    assert found == {
        "answers": [], "timeout": "timeout reached: only 0 responses received out of 1",
    }
    for request, right in held:
        for answer in right:
            node.answer(request, *answer)
    node.answers.clear()
    assert len(member.ids()) == 3


def test_duplicate_answers_are_one(member, node):
    node.answers[FETCH] = lambda request, right: [*right, *right]
    node.answers[SERVER_SIDE] = lambda request, right: [*right, *right]
    for _ in range(2):
        assert len(member.ids()) == 3
        assert len(member.ask("server-side-ack", "ev", 1, 50_000)["answers"]) == 1


def test_responses_may_come_as_requests(redis, member, node):
    """Section 3: 8, 10, 11 and 12 on either channel."""
    node.answers[FETCH] = lambda request, right: [
        node.send(kind, data, node.channel) for kind, data in right
    ] and []
    assert len(member.ids()) == 3


def test_counts_by_ack_kind(member, node):
    """A count alone is not an answer of a client."""
    node.sockets = []
    member.replies["asked"] = lambda: 1
    assert asked([member], "cast-ack", {"timeout": 50_000}, "asked", "[]") == {
        "answers": ["1"], "missing": 0,
    }
