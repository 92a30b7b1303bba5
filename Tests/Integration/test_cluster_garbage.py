"""Garbage on every channel of both adapters is ignored and counted; the servers live and work."""

import re

import pytest

from support import garbage
from support.cluster import Cluster
from support.member import Member, heard, ids, settled
from support.redis import Connection

ADAPTERS = ("redis", "sharded-dynamic")


@pytest.fixture(scope="module", params=ADAPTERS)
def cluster(request, redis):
    cluster = Cluster(request.param, redis, 2)
    yield cluster
    cluster.close()


def channels(cluster, member) -> dict[str, list[str]]:
    """Every channel that the servers listen to in `/`, by what it is for; `member` is in a room."""
    key = cluster.prefix
    if cluster.is_sharded:
        found = [one.decode() for one in cluster.redis.call("PUBSUB", "SHARDCHANNELS", f"{key}#/#*")]
        own = [one for one in found if re.fullmatch(re.escape(f"{key}#/#") + "[0-9a-f]{16}#", one)]
        assert len(own) == 2, found
        return {"general": [f"{key}#/#"], "room": [f"{key}#/#garbage#"], "responses": own}
    found = [one.decode() for one in cluster.redis.call("PUBSUB", "CHANNELS", f"{key}-*#/#*")]
    own = [one for one in found if re.fullmatch(re.escape(f"{key}-response#/#") + "[^#]{6}#", one)]
    assert len(own) == 2, found
    return {
        "broadcasts": [f"{key}#/#"], "room": [f"{key}#/#garbage#"], "requests": [f"{key}-request#/#"],
        "responses": [f"{key}-response#/#"], "own responses": own,
    }


def test_garbage_on_every_channel(cluster, subtests):
    messages = garbage.cluster_messages() if cluster.is_sharded else garbage.classic_messages()
    everything = garbage.all_garbage(messages)
    for kind, payloads in everything.items():
        listener = Member(cluster.servers[0], "/")
        listener.ask("join", "garbage")
        cluster.room_is_heard("garbage", 1, "/")
        for use, names in channels(cluster, listener).items():
            with subtests.test(f"{kind} on {use}"):
                before = ignored(cluster)
                for name in names:
                    publish(cluster, name, payloads)
                works(cluster)
                assert ignored(cluster) > before
        listener.socket.connection.close()


def publish(cluster, channel: str, payloads: list[bytes]) -> None:
    """All of them in one pipeline; each is taken by a server at least."""
    command = "SPUBLISH" if cluster.is_sharded else "PUBLISH"
    with Connection(cluster.redis.port) as connection:
        for start in range(0, len(payloads), 500):
            batch = payloads[start:start + 500]
            for payload in batch:
                connection.send(command, channel, payload)
            for _ in batch:
                assert connection.reply() >= 1, f"nobody listens on {channel}"


def works(cluster) -> None:
    """New clients of both servers find and hear each other."""
    assert all(server.is_alive for server in cluster.servers)
    members = [Member(server, "/") for server in cluster.servers]
    try:
        # Behind all the garbage: each server's request has come back to it.
        wanted = set(ids(members))
        settled(lambda: wanted <= set(members[0].ids()) and wanted <= set(members[1].ids()), True)
        for member in members:
            member.ask("cast", {"rooms": ids(members)}, "said", f'["{member.id}"]')
            heard(members, {other: [[member.id]] for other in members})
        answers = members[0].ask("server-side-ack", "question", 1, 50_000)["answers"]
        assert len(answers) == 1
    finally:
        for member in members:
            member.socket.connection.close()


def ignored(cluster) -> int:
    """How many messages the servers say they have ignored."""
    return sum(server.get("/redis")["malformed"] for server in cluster.servers)
