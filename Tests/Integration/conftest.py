"""Fixtures: one server process per module, ended and checked after it."""

import pytest

from support import engine
from support.process import Server
from support.redis import RedisCluster, RedisServer


def start(request, name: str, *arguments: str, **options) -> Server:
    """Starts a server that is stopped, and must still be alive, when the fixture's scope ends."""
    server = Server(name, *arguments, **options)
    request.addfinalizer(server.stop)
    return server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the end of the server's output to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            for one in getattr(value, "servers", [value]):
                if isinstance(one, Server):
                    report.sections.append((f"{one.name} (PID {one.pid})", one.report()))


@pytest.fixture(scope="module")
def server(request) -> Server:
    """A conformance server; a module sets `SERVER_ARGUMENTS` to give it options."""
    return start(request, "ConformanceServer", *getattr(request.module, "SERVER_ARGUMENTS", ()))


@pytest.fixture
def start_server(request):
    """Starts a conformance server of the test's own."""
    return lambda *arguments, **options: start(
        request, "ConformanceServer", *arguments, **options
    )


@pytest.fixture
def start_chat(request):
    """Starts a chat server of the test's own."""
    return lambda *arguments, **options: start(request, "ChatServer", *arguments, **options)


@pytest.fixture(scope="session")
def redis():
    """One Redis for all; each cluster on it has a prefix of its own. Not to be ended by a test."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def redis_cluster():
    """Three masters for all, as `redis`."""
    masters = RedisCluster()
    yield masters
    masters.close()


@pytest.fixture
def healthy(server):
    """Checks after the test that the same process still serves HTTP, connects and acks."""
    pid = server.pid
    yield
    check_health(server, pid)


def check_health(server: Server, pid: int) -> None:
    from support import http

    assert server.is_alive and server.pid == pid, server.report()
    response = http.request(server.port, "GET", "/healthz")
    assert (response.status, response.text) == (200, "ok"), response
    with engine.Socket(server.port) as socket:
        socket.connect("/quiet")
        assert socket.is_alive()
