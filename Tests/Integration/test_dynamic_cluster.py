"""Namespaces on demand over Redis: a child hears the cluster once it is joined, and goes for good."""

import pytest

from support.cluster import Cluster
from support.member import settled

MODES = ("redis", "sharded-static", "sharded-dynamic")
ROUNDS = 10


@pytest.fixture(scope="module", params=MODES)
def cluster(request):
    cluster = Cluster(
        request.param, request.getfixturevalue("redis"), 2, "--empty-namespace-timeout", 20
    )
    yield cluster
    cluster.close()


def test_a_child_hears_the_others_from_its_first_moment(cluster):
    for number in range(ROUNDS):
        name = f"/dynamic-{number}"
        members = [cluster.join(index, name) for index in (0, 1)]
        for asking in members:
            asking.ask("to-namespace", f"hello {number}")
            for member in members:
                assert member.event("said") == ["said", f"hello {number}"]
        cluster.close_members()


def test_an_empty_child_unsubscribes_and_comes_back(cluster):
    for number in range(ROUNDS):
        name = "/dynamic-1000"
        first, second = (cluster.join(index, name) for index in (0, 1))
        assert cluster.subscribers(name) == 2
        second.socket.connection.close()
        settled(lambda: cluster.subscribers(name), 1)
        again = cluster.join(1, name)
        assert cluster.subscribers(name) == 2
        again.ask("to-all", f"all {number}")
        assert first.event("said") == ["said", f"all {number}"]
        cluster.close_members()
        settled(lambda: cluster.subscribers(name), 0)


def test_clients_at_the_moment_of_the_end_hear_the_others(cluster):
    name = "/dynamic-2000"
    stays = cluster.join(0, name)
    for number in range(5 * ROUNDS):
        comes = cluster.join(1, name)
        stays.ask("to-namespace", str(number))
        assert comes.event("said") == ["said", str(number)]
        assert stays.event("said") == ["said", str(number)]
        comes.socket.connection.close()
        # The grace period is 20 ms: the next one comes within it, or when it has just ended.
        if number % 2:
            settled(lambda: cluster.subscribers(name), 1)
    cluster.close_members()
