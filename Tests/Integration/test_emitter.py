"""A backend beside the servers speaks to their clients by the Swift `Emitter` (redis-wire.md §5)."""

import pytest

from support.cluster import Cluster
from support.member import heard, ids, settled
from support.node_peer import compact, pack, packet
from support.redis import Subscriber

NAMESPACES = ("/", "/cluster")


@pytest.fixture(
    scope="module",
    params=["redis", "sharded-static", "sharded-dynamic", "sharded-dynamic-private"],
)
def cluster(request, redis):
    cluster = Cluster(request.param, redis, 2)
    yield cluster
    cluster.close()


@pytest.fixture(params=NAMESPACES)
def two(request, cluster):
    """A client on each server; the emitter belongs to the first one's process."""
    members = [cluster.join(index, request.param) for index in range(2)]
    settled(lambda: members[0].ids(), ids(members))
    yield members
    cluster.close_members()


def test_events_reach_all_servers_its_own_too(two):
    two[0].ask("emitter-cast", {}, "said", '[1,{"a":[null,"é"]}]')
    heard(two, {member: [[1, {"a": [None, "é"]}]] for member in two})


def test_rooms_and_except(cluster, two):
    for member in two:
        member.ask("join", "news")
    two[1].ask("join", "muted")
    cluster.room_is_heard("news", 2, two[0].namespace)
    two[0].ask("emitter-cast", {"rooms": ["news"]}, "said", "[1]")
    heard(two, {member: [[1]] for member in two})
    two[0].ask("emitter-cast", {"rooms": ["news"], "except": ["muted"]}, "said", "[2]")
    heard(two, {two[0]: [[2]]})
    two[0].ask("emitter-cast", {"rooms": [two[1].id]}, "said", "[3]")
    heard(two, {two[1]: [[3]]})
    two[0].ask("emitter-cast", {"volatile": True}, "said", "[4]")
    heard(two, {member: [[4]] for member in two})


def test_binary(two):
    two[0].ask("emitter-cast-binary", {}, b"\x00\xff" * 500)
    heard(two, {member: [[b"\x00\xff" * 500]] for member in two})


def test_operations_on_sockets(cluster, two):
    two[0].ask("emitter-join", {}, "made")
    for member in two:
        settled(lambda: member.ask("rooms"), ["made"])
    two[0].ask("emitter-leave", {"rooms": [two[1].id]}, "made")
    settled(lambda: two[1].ask("rooms"), [])
    assert two[0].ask("rooms") == ["made"]
    two[0].ask("emitter-disconnect", {"except": ["made"]}, False)
    assert two[1].is_told_to_go()
    assert two[0].ask("rooms") == ["made"]


def test_server_side_events(two):
    two[0].ask("emitter-server-side", "tell", {"a": 1})
    for member in two:
        assert member.event("told") == ["told", {"a": 1}]


def test_the_wire_of_the_classic_emitter(redis):
    """Byte for byte as @socket.io/redis-emitter writes it."""
    cluster = Cluster("redis", redis, 1)
    try:
        member = cluster.join(0, "/")
        with Subscriber(redis.port, patterns=[f"{cluster.prefix}*"]) as record:
            member.ask("emitter-cast", {}, "hello", "[]")
            member.ask("emitter-cast", {"rooms": ["r"]}, "hello", "[1]")
            member.ask("emitter-join", {"rooms": ["r"]}, "x")
            member.ask("emitter-leave", {"rooms": ["r"]}, "x")
            member.ask("emitter-disconnect", {"rooms": ["r"]}, True)
            member.ask("emitter-server-side", "ev", 1)
            messages = record.wait(lambda *_: True, count=6)
        opts = {"rooms": ["r"], "except": []}
        requests = f"{cluster.prefix}-request#/#"
        assert messages == [
            (f"{cluster.prefix}#/#", bytes.fromhex(
                "93 a7 656d6974746572 83 a4 74797065 02 a4 64617461 91 a5 68656c6c6f a3 6e7370"
                "a1 2f 83 a5 726f6f6d73 90 a5 666c616773 80 a6 657863657074 90"
            )),
            (f"{cluster.prefix}#/#r#", pack(
                ["emitter", packet("hello", 1), {"rooms": ["r"], "flags": {}, "except": []}]
            )),
            (requests, compact({"type": 2, "opts": opts, "rooms": ["x"]}).encode()),
            (requests, compact({"type": 3, "opts": opts, "rooms": ["x"]}).encode()),
            (requests, compact({"type": 4, "opts": opts, "close": True}).encode()),
            (requests, compact({"uid": "emitter", "type": 6, "data": ["ev", 1]}).encode()),
        ]
    finally:
        cluster.close()
