"""Servers that share an adapter, on one Redis."""

import itertools
import secrets

from . import http, paths
from .deadline import SECONDS
from .member import NAMESPACE, Member, settled
from .process import Server
from .redis import RedisCluster, RedisServer, free_port

_numbers = itertools.count(1)


class Cluster:
    """`count` conformance servers with the adapter `adapter`; each cluster has its own prefix."""

    def __init__(
        self,
        adapter: str,
        redis: RedisServer | RedisCluster | None,
        count: int = 3,
        *arguments: str,
        namespaces=(NAMESPACE, "/"),
    ):
        self.adapter = adapter
        self.redis = redis
        self.namespaces = namespaces
        # Ends in a letter: in Redis Cluster the tests' clusters spread over the masters.
        self.prefix = f"t{next(_numbers)}{secrets.token_hex(2)}x"
        self.arguments = [str(argument) for argument in arguments]
        self.servers: list[Server] = []
        self._members: list[Member] = []
        try:
            for index in range(count):
                self.servers.append(self._start(index))
            self.wait_until_formed()
        except BaseException:
            for server in self.servers:
                server.kill()
            raise

    @property
    def is_sharded(self) -> bool:
        return self.adapter.startswith("sharded")

    @property
    def is_alone(self) -> bool:
        return self.adapter == "memory"

    def _start(self, index: int) -> Server:
        flags = ["--name", f"node-{index + 1}"]
        if not self.is_alone:
            flags += ["--adapter", self.adapter, "--redis-url", self.redis.url]
            flags += ["--redis-prefix", self.prefix]
            # An answer that a busy machine gives late is an answer; `arguments` may say less.
            flags += ["--requests-timeout", str(SECONDS * 1000)]
        return Server("ConformanceServer", *flags, *self.arguments)

    def subscribers(self, namespace: str = NAMESPACE) -> int:
        """How many servers Redis counts in `namespace`."""
        if self.is_sharded:
            return self.redis.shard_subscribers(f"{self.prefix}#{namespace}#")
        return self.redis.subscribers(f"{self.prefix}-request#{namespace}#")

    def wait_until_formed(self, seconds: float = SECONDS) -> None:
        """Waits until Redis counts every server that is alive, in every namespace."""
        if self.is_alone:
            return
        alive = sum(server.is_alive for server in self.servers)
        for namespace in self.namespaces:
            settled(lambda: self.subscribers(namespace), alive, seconds)

    def room_is_heard(self, room: str, servers: int, namespace: str = NAMESPACE) -> None:
        """Waits until `servers` servers listen to a room's own channel, where it has one."""
        # Twenty characters look like a socket's id, whose room has none in `dynamic`.
        is_dynamic = self.adapter == "sharded-dynamic" and len(room) != 20
        if is_dynamic or self.adapter == "sharded-dynamic-private":
            channel = f"{self.prefix}#{namespace}#{room}#"
            settled(lambda: self.redis.shard_subscribers(channel), servers)

    def join(self, index: int = 0, namespace: str = NAMESPACE, *fields, **options) -> Member:
        """A client of the server `index`, closed by `close_members`."""
        server = self.servers[index % len(self.servers)]
        member = Member(server, namespace, *fields, **options)
        self._members.append(member)
        if namespace == "/":
            # What the protocol suite wants there.
            assert member.event()[0] == "auth"
        return member

    def close_members(self) -> None:
        """Closes every client; the next test finds nobody."""
        for member in self._members:
            member.socket.connection.close()
        self._members = []

    def is_empty(self) -> None:
        """Waits until no server has a socket in the tests' namespace."""
        probe = self.join(0)
        settled(lambda: probe.ids(), [probe.id])
        probe.socket.connection.close()
        self._members.remove(probe)

    def kill(self, index: int) -> None:
        self.servers[index].kill()

    def restart(self, index: int) -> None:
        """Starts a killed server again, on its port."""
        server = self.servers[index]
        server.start(server.port)

    def close(self) -> None:
        self.close_members()
        for server in self.servers:
            if server.is_alive:
                server.stop()


class Alone(Cluster):
    """One server without Redis: what holds for every adapter holds for it."""

    def __init__(self):
        super().__init__("memory", None, 1)


class ChatCluster:
    """Three chat servers with the demo's settings, on ports chosen beforehand."""

    def __init__(self, redis: RedisServer | None, count: int = 3, **environment: str):
        self.redis = redis
        self.names = [f"app-{index + 1}" for index in range(count)]
        ports = [free_port() for _ in self.names]
        addresses = zip(self.names, ports, strict=True)
        self._environment = {
            "REPLICAS": ",".join(f"{name}:{port}" for name, port in addresses),
            "TRUST_PROXY": "1", "CORS_ORIGIN": "*", "SHUTDOWN_TIMEOUT": "4",
            "PAGE_DIRECTORY": str(paths.PAGE_DIRECTORY),
            "CLIENT_DIRECTORY": str(paths.CLIENT_DIRECTORY),
            **({"REDIS_URL": redis.url} if redis else {}),
            **environment,
        }
        self.servers: list[Server] = []
        try:
            for name, port in zip(self.names, ports, strict=True):
                self.servers.append(Server(
                    "ChatServer", port=port,
                    environment={**self._environment, "REPLICA_NAME": name},
                ))
            self.wait_until_formed()
        except BaseException:
            for server in self.servers:
                server.kill()
            raise

    def subscribers(self) -> int:
        """How many servers Redis counts."""
        if self._environment.get("REDIS_ADAPTER") == "sharded":
            return self.redis.shard_subscribers("socket.io#/#")
        return self.redis.subscribers("socket.io-request#/#")

    def wait_until_formed(self, seconds: float = SECONDS) -> None:
        """Waits until Redis counts every server that is alive."""
        if self.redis:
            alive = sum(server.is_alive for server in self.servers)
            settled(self.subscribers, alive, seconds)

    def health(self, index: int) -> dict:
        """What a server says of itself; it answers whatever its state."""
        return http.request(self.servers[index].port, "GET", "/healthz").json

    def close(self) -> None:
        for server in self.servers:
            if server.is_alive:
                server.stop()
