"""Load over three servers: 20 rooms of 30 clients, 1,000 messages each, every delivery checked."""

import json
import os
import subprocess

import pytest

from support import paths
from support.cluster import Cluster
from support.member import NAMESPACE

ROOMS, CLIENTS, SENDERS, MESSAGES = 20, 30, 20, 50
SECONDS = 280


@pytest.mark.timeout(SECONDS + 40)
@pytest.mark.parametrize("adapter", ["redis", "sharded-dynamic"])
def test_nothing_is_lost_doubled_or_reordered(redis, adapter):
    cluster = Cluster(adapter, redis)
    try:
        result = load(cluster)
        assert result["faults"] == []
        assert result["deliveries"] == ROOMS * CLIENTS * SENDERS * MESSAGES == 600_000
        print(f"{adapter}: {result['deliveries'] / result['seconds']:.0f} deliveries a second")
    finally:
        cluster.close()


def load(cluster: Cluster) -> dict:
    """Runs js/cluster/load.mjs; what it counted."""
    settings = {
        "urls": [server.url for server in cluster.servers], "namespace": NAMESPACE,
        "rooms": ROOMS, "clients": CLIENTS, "senders": SENDERS, "messages": MESSAGES,
    }
    process = subprocess.Popen(
        [paths.node(), str(paths.JS_TESTS / "cluster" / "load.mjs")],
        env={**os.environ, "LOAD": json.dumps(settings)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    try:
        assert process.stdout.readline() == "joined\n"
        for room in range(ROOMS):
            cluster.room_is_heard(f"load {room}", len(cluster.servers))
        output, _ = process.communicate("go\n", SECONDS)
        return json.loads(output)
    finally:
        process.kill()
        process.wait()
