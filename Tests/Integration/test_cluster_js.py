"""The official client on three servers: the article's proof, and the operations of a cluster."""

import json

import pytest

import test_js_client
from support import paths
from support.cluster import ChatCluster, Cluster


@pytest.fixture(scope="module")
def environment(redis):
    """The addresses of three chat servers and three conformance servers."""
    chats = ChatCluster(redis)
    nodes = Cluster("redis", redis)
    yield {
        "REPLICAS": json.dumps([server.url for server in chats.servers]),
        "NODES": json.dumps([server.url for server in nodes.servers]),
    }
    chats.close()
    nodes.close()


@pytest.mark.timeout(test_js_client.SECONDS + 30)
def test_official_clients_on_three_servers(environment, monkeypatch, tmp_path, subtests):
    assert paths.CLIENT_BUNDLE.exists(), f"run Demo/fetch-client: no {paths.CLIENT_BUNDLE}"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcomes = test_js_client.run("cluster/cluster.test.mjs", tmp_path / "report.xml")
    assert outcomes, "no test ran"
    for name, failure in outcomes.items():
        with subtests.test(name):
            assert failure is None, failure
