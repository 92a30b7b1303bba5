"""Every cluster operation, over every adapter: one set of rules (protocol.md §18, §19, §21).

Three servers each, a client on each of them; the in-memory adapter is one server with three
clients. `acting` is the server whose client asks.
"""

import json

import pytest

from support.cluster import Alone, Cluster
from support.deadline import SECONDS
from support.member import asked, fence, heard, ids, pump, settled
from support.process import eventually

MODES = ("sharded-static", "sharded-dynamic", "sharded-dynamic-private")
SETUPS = ["memory", "redis", *MODES, *(f"cluster-{mode}" for mode in MODES)]


@pytest.fixture(scope="module", params=SETUPS)
def cluster(request):
    if request.param == "memory":
        cluster = Alone()
    elif request.param.startswith("cluster-"):
        masters = request.getfixturevalue("redis_cluster")
        cluster = Cluster(request.param.removeprefix("cluster-"), masters)
    else:
        cluster = Cluster(request.param, request.getfixturevalue("redis"))
    yield cluster
    cluster.close()


@pytest.fixture(params=[0, 1, 2])
def acting(request):
    return request.param


@pytest.fixture
def three(cluster, acting):
    """A client per server, of which the first is at the acting one; nobody else is there."""
    cluster.is_empty()
    members = [cluster.join(acting + index) for index in range(3)]
    settled(lambda: members[0].ids(), ids(members))
    yield members
    cluster.close_members()


@pytest.fixture
def room(request):
    """A room name of the test's own, that is in another slot each time."""
    return f"room {abs(hash(request.node.name)) % 10 ** 6}"


def join(cluster, room, *members, known_to=None):
    """Joins and waits until every server knows, as far as servers know of others' rooms."""
    for member in members:
        assert room in member.ask("join", room)
    cluster.room_is_heard(room, len({member.server for member in members}))


# Broadcasts


def test_counts_its_servers(cluster, three):
    for member in three:
        assert member.ask("server-count") == len(cluster.servers)


def test_everyone(three):
    three[0].ask("cast", {}, "said", '["hello"]')
    heard(three, {member: [["hello"]] for member in three})


def test_everyone_else(three):
    three[0].ask("cast", {"others": True}, "said", '["hello"]')
    heard(three, {member: [["hello"]] for member in three[1:]})


def test_a_room(cluster, three, room):
    join(cluster, room, three[0], three[1])
    three[0].ask("cast", {"rooms": [room]}, "said", "[1]")
    heard(three, {three[0]: [[1]], three[1]: [[1]]})


def test_a_room_whose_members_are_all_elsewhere(cluster, three, room):
    join(cluster, room, three[1], three[2])
    three[0].ask("cast", {"rooms": [room]}, "said", "[1]")
    heard(three, {three[1]: [[1]], three[2]: [[1]]})


def test_a_room_without_the_sender(cluster, three, room):
    join(cluster, room, *three)
    three[0].ask("cast", {"rooms": [room], "others": True}, "said", "[1]")
    heard(three, {three[1]: [[1]], three[2]: [[1]]})


def test_a_room_that_nobody_is_in(three):
    three[0].ask("cast", {"rooms": ["nobody is here"]}, "said", "[1]")
    heard(three, {})


def test_several_rooms_reach_each_socket_once(cluster, three, room):
    other = room + " b"
    join(cluster, room, three[0], three[1])
    join(cluster, other, three[1])
    three[0].ask("cast", {"rooms": [room, other]}, "said", "[1]")
    heard(three, {three[0]: [[1]], three[1]: [[1]]})


def test_a_room_named_twice_is_one_room(cluster, three, room):
    join(cluster, room, three[1])
    three[0].ask("cast", {"rooms": [room, room]}, "said", "[1]")
    heard(three, {three[1]: [[1]]})


def test_except(cluster, three, room):
    join(cluster, room, three[1])
    three[0].ask("cast", {"except": [room]}, "said", "[1]")
    heard(three, {three[0]: [[1]], three[2]: [[1]]})


def test_a_room_except_another(cluster, three, room):
    join(cluster, room, *three)
    join(cluster, room + " muted", three[2])
    three[0].ask("cast", {"rooms": [room], "except": [room + " muted"]}, "said", "[1]")
    heard(three, {three[0]: [[1]], three[1]: [[1]]})


def test_one_socket_by_its_id(three):
    for member in three:
        three[0].ask("cast", {"rooms": [member.id]}, "said", "[1]")
    heard(three, {member: [[1]] for member in three})


def test_local_stays_on_its_server(cluster, three):
    three[0].ask("cast", {"local": True}, "said", "[1]")
    here = three if cluster.is_alone else three[:1]
    heard(three, {member: [[1]] for member in here})


def test_volatile_reaches_who_can_take_it(three):
    three[0].ask("cast", {"volatile": True}, "said", "[1]")
    heard(three, {member: [[1]] for member in three})


@pytest.mark.parametrize(
    "name",
    ["7", "", "a#b", "#", "é\u2028\U0001f600", "a*b?[c]\\", "x" * 20, "y" * 300, "{tag}", "\n\0"],
    ids=["number", "empty", "hash", "only a hash", "unicode", "pattern", "like an id", "long",
         "hash tag", "control"],
)
def test_names_of_rooms(cluster, three, name):
    join(cluster, name, three[1])
    three[0].ask("cast", {"rooms": [name]}, "said", "[1]")
    heard(three, {three[1]: [[1]]})


def test_a_room_name_that_begins_like_another(cluster, three, room):
    join(cluster, room, three[1])
    join(cluster, room + "#", three[2])
    three[0].ask("cast", {"rooms": [room]}, "said", "[1]")
    three[0].ask("cast", {"rooms": [room + "#"]}, "said", "[2]")
    heard(three, {three[1]: [[1]], three[2]: [[2]]})


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [None, True, False],
        [0, -1, 127, 128, 255, 256, 65535, 65536, -32, -33, -128, -129, -32768, -32769],
        [2 ** 31, -2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -2 ** 53, 2 ** 63 - 1, -2 ** 63],
        [0.5, -0.1, 1e300, 5e-324, 1.5e-7],
        ["", "a" * 31, "b" * 32, "c" * 255, "d" * 256, "e" * 65536, "\"\\/\b\f\n\r\t\u0001\u007f"],
        ["é\u2028\U0001f600", "\x00"],
        [{}, [], [[]], {"": {"a": [{"b": None}]}}],
        [list(range(15)), list(range(16)), list(range(70000))],
        [{f"k{n}": n for n in range(count)} for count in (15, 16, 70)],
        [{"_placeholder": False, "num": 0}],
    ],
    ids=["none", "words", "integers", "large integers", "fractions", "strings", "unicode", "empty",
         "arrays", "objects", "no placeholder"],
)
def test_arguments_arrive_as_they_were(three, arguments):
    three[0].ask("cast", {}, "said", json.dumps(arguments))
    heard(three, {member: [arguments] for member in three})


def test_binary(cluster, three, room):
    upload = {
        "name": "n", "file": bytes(range(256)),
        "parts": [{"title": "empty", "content": b""}, {"title": "é", "content": b"\x00" * 70000}],
    }
    join(cluster, room, three[1])
    three[0].ask("cast-binary", {}, "said", upload)
    three[0].ask("cast-binary", {"rooms": [room]}, "said", upload)
    one = [upload["file"], upload]
    heard(three, {three[0]: [one], three[1]: [one, one], three[2]: [one]})


def test_order_of_each_sender(three):
    count = 500
    for member in three:
        member.begin("cast-many", {}, f"from {member.id}", count)
    for member in three:
        for sender in three:
            numbers = [member.event(f"from {sender.id}")[1] for _ in range(count)]
            assert numbers == list(range(count))


def test_order_of_rooms_and_everyone(cluster, three, room):
    """What one server casts into one room and to everyone."""
    join(cluster, room, three[1])
    for number in range(0, 200, 2):
        three[0].begin("cast", {"rooms": [room]}, "said", f"[{number}]")
        three[0].begin("cast", {"rooms": [room]}, "said", f"[{number + 1}]")
    assert [three[1].event("said")[1] for _ in range(200)] == list(range(200))


def test_namespaces_are_apart(cluster, three, acting):
    elsewhere = [cluster.join(acting + index, "/") for index in range(3)]
    three[0].ask("cast", {}, "said", "[1]")
    heard(three, {member: [[1]] for member in three})
    heard(elsewhere, {})


def test_leaving_a_room(cluster, three, room):
    join(cluster, room, three[1], three[2])
    assert three[1].ask("leave", room) == []
    three[0].ask("cast", {"rooms": [room]}, "said", "[1]")
    heard(three, {three[2]: [[1]]})
    assert three[2].ask("leave", room) == []
    cluster.room_is_heard(room, 0)
    three[0].ask("cast", {"rooms": [room]}, "said", "[2]")
    heard(three, {})
    join(cluster, room, three[1])
    three[0].ask("cast", {"rooms": [room]}, "said", "[3]")
    heard(three, {three[1]: [[3]]})


# Acknowledgements


def answering(members):
    for member in members:
        member.replies["asked"] = lambda *arguments, member=member: [member.id, *arguments]


def collect(three, selection, *arguments):
    """What a question to `selection` comes to: the answers, sorted, and how many are missing."""
    collected = asked(
        three, "cast-ack", {"timeout": 50_000, **selection}, "asked", json.dumps(list(arguments))
    )
    assert "error" not in collected, collected
    return sorted(json.loads(answer) for answer in collected["answers"]), collected["missing"]


def test_acks_of_all(three):
    answering(three)
    assert collect(three, {}, 1, "two") == (sorted([one.id, 1, "two"] for one in three), 0)


def test_acks_of_a_room(cluster, three, room):
    answering(three)
    join(cluster, room, three[1], three[2])
    assert collect(three, {"rooms": [room]}) == (sorted([one.id] for one in three[1:]), 0)


def test_acks_of_others(cluster, three, room):
    answering(three)
    join(cluster, room, three[2])
    answers = collect(three, {"others": True, "except": [room]})
    assert answers == ([[three[1].id]], 0)


def test_acks_of_nobody(three):
    assert collect(three, {"rooms": ["nobody is here"]}) == ([], 0)


def test_acks_of_this_server(cluster, three):
    answering(three)
    here = three if cluster.is_alone else three[:1]
    assert collect(three, {"local": True}) == (sorted([one.id] for one in here), 0)


def test_acks_with_binary(three):
    for member in three:
        member.replies["asked"] = lambda data: data[::-1]
    answers = asked(three, "cast-ack-binary", {"timeout": 50_000}, "asked", b"\x00\x01\xff")
    assert answers == [b"\xff\x01\x00"] * 3


@pytest.mark.parametrize(
    "answer", [None, 0, "", [], {}, {"a": [1, {"b": None}]}, "é\U0001f600", 2 ** 40, -0.5]
)
def test_acks_are_the_first_argument(three, answer):
    for member in three:
        member.replies["asked"] = lambda: answer
    collected = asked(three, "cast-ack", {"timeout": 50_000}, "asked", "[]")
    assert [json.loads(one) for one in collected["answers"]] == [answer] * 3


def test_acks_that_do_not_come_are_counted(three):
    """§18: a timeout gives the responses so far."""
    answering(three[:2])
    assert collect(three, {"timeout": 1500}, 1) == (sorted([one.id, 1] for one in three[:2]), 1)


def test_a_client_that_leaves_is_not_waited_for(cluster, three):
    """Better than the reference, which waits for the timeout."""
    answering(three[:2])
    number = three[0].begin("cast-ack", {"timeout": 4 * SECONDS * 1000}, "asked", "[]")
    assert three[2].event("asked") == ["asked"]
    three[2].socket.connection.close()
    pump(three[:2], lambda: three[0].has_answer(number))
    collected = three[0].answer_of(number)
    assert sorted(json.loads(one) for one in collected["answers"]) == sorted(
        [one.id] for one in three[:2]
    )


# Sockets


def test_fetches_all_sockets_with_what_they_are(cluster, acting):
    cluster.is_empty()
    members = [
        cluster.join(
            acting + index, "/cluster", f"X-Test: {index}", auth={"n": index, "deep": [{"a": None}]},
            query={"colour": "red", "n": str(index)},
        )
        for index in range(3)
    ]
    rooms = [["a b", "é"], [], ["a b"]]
    for member, names in zip(members, rooms, strict=True):
        for name in names:
            member.ask("join", name)
    settled(lambda: members[0].ids(), ids(members))
    for member in members:
        found = {one["id"]: one for one in member.fetch()}
        assert set(found) == set(ids(members))
        for index, other in enumerate(members):
            one = found[other.id]
            assert one["rooms"] == rooms[index]
            assert json.loads(one["auth"]) == {"n": index, "deep": [{"a": None}]}
            assert one["query"]["colour"] == "red" and one["query"]["n"] == str(index)
            assert one["query"]["EIO"] == "4" and one["query"]["transport"] == "websocket"
            assert one["headers"]["x-test"] == str(index)
            assert one["headers"]["upgrade"] == "websocket"
            assert one["address"] == "127.0.0.1"
            assert one["url"].startswith("/socket.io/?EIO=4")
            # Nothing has been kept: `{}` is what a socket of Node has then.
            assert one.get("data") in (None, {})
    cluster.close_members()


def test_fetches_a_selection(cluster, three, room):
    for member in three[1:]:
        member.ask("join", room)
    three[2].ask("join", room + " b")
    first, second, third = three
    assert first.ids(rooms=[room]) == ids([second, third])
    assert first.ids(rooms=[room], **{"except": [room + " b"]}) == [second.id]
    assert first.ids(rooms=[third.id, room]) == ids([second, third])
    assert first.ids(rooms=["nobody is here"]) == []
    assert first.ids(others=True) == ids([second, third])
    assert first.ids(local=True) == ids(three if cluster.is_alone else [first])


def test_data_of_sockets_on_all_servers(three):
    values = [{"name": "Ada", "tags": ["a", 1, None, {"b": 0.5}]}, [1, 2], "é\U0001f600"]
    for member, value in zip(three, values, strict=True):
        assert member.ask("set-data", value) == "kept"
    for member in three:
        found = {one["id"]: one["data"] for one in member.fetch()}
        assert found == {other.id: value for other, value in zip(three, values, strict=True)}
    three[1].ask("set-data", {"name": "Grace"})
    found = {one["id"]: one["data"] for one in three[0].fetch()}
    assert found[three[1].id] == {"name": "Grace"}


def test_sockets_join_and_leave(cluster, three, room):
    first, second, third = three
    second.ask("join", room)
    third.ask("join", room)
    first.ask("sockets-join", {"rooms": [room]}, [room + " b", room + " c"])
    settled(lambda: first.ids(rooms=[room + " b"]), ids([second, third]))
    for member in (second, third):
        settled(lambda: member.ask("rooms"), sorted([room, room + " b", room + " c"]))
    cluster.room_is_heard(room + " b", len({second.server, third.server}))
    first.ask("cast", {"rooms": [room + " b"]}, "said", "[1]")
    heard(three, {second: [[1]], third: [[1]]})
    first.ask("sockets-leave", {"rooms": [third.id]}, [room + " b", room])
    settled(lambda: third.ask("rooms"), [room + " c"])
    assert sorted(second.ask("rooms")) == sorted([room, room + " b", room + " c"])
    first.ask("cast", {"rooms": [room + " b"]}, "said", "[2]")
    heard(three, {second: [[2]]})


def test_everybody_joins_and_leaves(cluster, three, room):
    three[0].ask("sockets-join", {}, [room])
    for member in three:
        settled(lambda: member.ask("rooms"), [room])
    cluster.room_is_heard(room, len(cluster.servers))
    three[1].ask("cast", {"rooms": [room]}, "said", "[1]")
    heard(three, {member: [[1]] for member in three})
    three[2].ask("sockets-leave", {"except": [three[2].id]}, [room])
    for member in three[:2]:
        settled(lambda: member.ask("rooms"), [])
    assert three[2].ask("rooms") == [room]


def test_local_joins(cluster, three, room):
    three[0].ask("sockets-join", {"local": True}, [room])
    here = three if cluster.is_alone else three[:1]
    settled(lambda: three[0].ids(rooms=[room]), ids(here))
    fence(three[0], three)
    for member in three:
        assert member.ask("rooms") == ([room] if member in here else [])


def test_disconnects_a_selection(cluster, three, room):
    three[1].ask("join", room)
    three[0].ask("sockets-disconnect", {"rooms": [room]}, False)
    assert three[1].is_told_to_go()
    assert three[1].server.reasons(three[1].id) == [
        "disconnecting:server namespace disconnect", "disconnect:server namespace disconnect",
    ]
    # Its connection is open: it may join again.
    three[1].was_told_to_go = False
    three[1].id = three[1].connect("/cluster")
    settled(lambda: three[0].ids(), ids(three))


def test_disconnects_everybody_else_with_their_connections(cluster, three):
    three[0].ask("sockets-disconnect", {"others": True}, True)
    for member in three[1:]:
        assert member.is_told_to_go()
        assert member.close_code() in (1000, 1005, 1006)
        assert member.server.reasons(member.id)[1] == "disconnect:server namespace disconnect"
    settled(lambda: three[0].ids(), [three[0].id])


def test_operations_on_one_remote_socket(cluster, three, room):
    first, *others = three
    for member in three:
        assert first.ask("remote", member.id, "emit", "to you") is True
    heard(three, {member: [["to you"]] for member in three})
    for member in others:
        member.replies["asked"] = lambda value: value == "you?"
        assert asked([first, *others], "remote", member.id, "ask", "you?") is True
        assert first.ask("remote", member.id, "join", room) is True
        settled(lambda: member.ask("rooms"), [room])
    assert first.ask("remote", others[0].id, "leave", room) is True
    settled(lambda: others[0].ask("rooms"), [])
    assert others[1].ask("rooms") == [room]
    assert first.ask("remote", others[0].id, "disconnect", "") is True
    assert others[0].is_told_to_go()
    assert first.ask("remote", others[1].id, "disconnect", "close") is True
    assert others[1].is_told_to_go()
    settled(lambda: first.ids(), [first.id])
    assert first.ask("remote", others[0].id, "emit", "anybody?") is False


def test_rooms_of_all_servers(three, room):
    for number, member in enumerate(three):
        member.ask("join", room)
        member.ask("join", f"{room} {number}")
    wanted = sorted([room, *(f"{room} {n}" for n in range(3)), *ids(three)])
    for member in three:
        found = member.ask("all-rooms")
        assert "timeout" not in found and found["rooms"] == wanted


# Servers among themselves


def test_server_side_events_reach_the_other_servers(cluster, three):
    three[0].ask("server-side", "tell", '[1,"two",{"three":[null]}]')
    there = [] if cluster.is_alone else three[1:]
    heard(three, {member: [[1, "two", {"three": [None]}]] for member in there}, "told")


def test_server_side_events_nobody_handles(three):
    three[0].ask("server-side", "no such event", "[1]")
    heard(three, {})


@pytest.mark.parametrize("event", ["connect", "connection", "new_namespace"])
def test_server_side_events_with_reserved_names(three, event):
    assert "error" in three[0].ask("server-side", event, "[]")


def test_server_side_questions(cluster, three, acting):
    found = three[0].ask("server-side-ack", "question", {"a": [1, None]}, 50_000)
    assert "timeout" not in found, found
    names = [f"node-{(acting + index) % 3 + 1}" for index in (1, 2)]
    wanted = [] if cluster.is_alone else [
        {"name": name, "heard": {"a": [1, None]}} for name in sorted(names)
    ]
    assert sorted(found["answers"], key=lambda answer: answer["name"]) == wanted


@pytest.mark.parametrize("event", ["held", "broken", "no such event"])
def test_server_side_questions_without_an_answer(cluster, three, event):
    found = three[0].ask("server-side-ack", event, 1, 300)
    assert found["answers"] == []
    if cluster.is_alone:
        assert "timeout" not in found
    else:
        assert found["timeout"] == "timeout reached: only 0 responses received out of 2"


# What clusters have to themselves


def test_prefixes_are_apart(request, cluster, three):
    if cluster.is_alone:
        pytest.skip("one server without Redis")
    other = Cluster(cluster.adapter, cluster.redis, 1)
    try:
        assert other.prefix != cluster.prefix
        stranger = other.join(0)
        assert stranger.ask("server-count") == 1
        three[0].ask("cast", {}, "said", "[1]")
        stranger.ask("cast", {}, "said", "[2]")
        heard(three, {member: [[1]] for member in three})
        heard([stranger], {stranger: [[2]]})
    finally:
        other.close()


def test_a_server_that_ends_is_not_waited_for(cluster):
    if cluster.is_alone:
        pytest.skip("one server without Redis")
    cluster.is_empty()
    leaving = Cluster(cluster.adapter, cluster.redis, 0)
    leaving.prefix = cluster.prefix
    leaving.servers.append(leaving._start(3))
    try:
        eventually(lambda: cluster.subscribers() == 4)
        member = cluster.join(0)
        assert member.ask("server-count") == 4
        there = leaving.join(0)
        settled(lambda: member.ids(), ids([member, there]))
        leaving.close()
        settled(lambda: cluster.subscribers(), 3)
        assert member.ids() == [member.id]
        assert len(member.ask("server-side-ack", "question", 1, 50_000)["answers"]) == 2
    finally:
        leaving.close()
        cluster.close_members()
