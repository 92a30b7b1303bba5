"""Redis: real servers of the test's own, and RESP 2 over a bare socket."""

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from .deadline import SECONDS
from .process import eventually

SLOTS = 16384


class RedisError(Exception):
    """An error reply."""


def free_port() -> int:
    """A port that nobody listens on now, below those that connections are given.

    So it is still free when a server that was killed starts again on it.
    """
    for _ in range(100):
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


class Connection:
    """One connection; replies are bytes, integers, None and lists."""

    def __init__(self, port: int, seconds: float | None = SECONDS):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        # Wakes a thread that reads.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def send(self, *words: str | bytes | int) -> None:
        wire = b"*%d\r\n" % len(words)
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            wire += b"$%d\r\n%b\r\n" % (len(data), data)
        self.socket.sendall(wire)

    def call(self, *words: str | bytes | int):
        self.send(*words)
        return self.reply()

    def reply(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return rest
            case b"-":
                raise RedisError(rest.decode())
            case b":":
                return int(rest)
            case b"$":
                length = int(rest)
                if length < 0:
                    return None
                return self._bytes(length + 2)[:-2]
            case b"*":
                length = int(rest)
                return None if length < 0 else [self.reply() for _ in range(length)]
        raise AssertionError(f"no RESP: {line!r}")

    def _fill(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("Redis closed the connection")
        self._buffer += data

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _bytes(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data


class Subscriber:
    """Subscriptions whose messages are kept, in order, as (channel, payload)."""

    def __init__(self, port: int, *channels: str, patterns=(), sharded=(), on_message=None):
        self.messages: list[tuple[str, bytes]] = []
        self.on_message = on_message
        self._changed = threading.Condition()
        self._connection = Connection(port)
        expected = 0
        for command, names in (
            ("SUBSCRIBE", channels), ("PSUBSCRIBE", patterns), ("SSUBSCRIBE", sharded)
        ):
            if names:
                self._connection.send(command, *names)
                expected += len(names)
        for _ in range(expected):
            self._connection.reply()
        self._connection.socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self._connection.close()
        self._thread.join(SECONDS)

    def _read(self) -> None:
        try:
            while True:
                kind, *rest = self._connection.reply()
                if kind not in (b"message", b"pmessage", b"smessage"):
                    continue
                channel, payload = rest[-2].decode(errors="replace"), rest[-1]
                with self._changed:
                    self.messages.append((channel, payload))
                    self._changed.notify_all()
                if self.on_message:
                    self.on_message(channel, payload)
        except OSError:
            pass

    def wait(self, wanted, seconds: float = SECONDS, count: int = 1) -> list[tuple[str, bytes]]:
        """The messages for which `wanted(channel, payload)` holds, once there are `count`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [message for message in self.messages if wanted(*message)]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} of {count} messages; all: {self.messages[-20:]}"
                self._changed.wait(left)


class RedisServer:
    """A real redis-server in a directory of its own."""

    def __init__(self, *configuration: str, port: int = 0):
        self._configuration = configuration
        self._directory = tempfile.mkdtemp(prefix="redis-")
        self._is_frozen = False
        self.process: subprocess.Popen | None = None
        for attempt in range(5):
            self.port = port or free_port()
            try:
                self.start()
                break
            except AssertionError:
                # Another process took the port in between.
                if port or attempt == 4:
                    raise

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it on its port and waits until it answers."""
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir",
             self._directory, "--save", "", "--appendonly", "no", *self._configuration],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._drain, args=(self.process.stdout,), daemon=True).start()

        def answers():
            assert self.process.poll() is None, "redis-server has ended"
            try:
                with Connection(self.port, 1) as connection:
                    return connection.call("PING") == b"PONG"
            except (OSError, RedisError):
                return False

        eventually(answers, SECONDS, lambda: "redis-server does not answer")

    @staticmethod
    def _drain(stream) -> None:
        for _ in stream:
            pass

    def call(self, *words):
        """The reply to one command over a connection of its own."""
        with Connection(self.port) as connection:
            return connection.call(*words)

    def publish(self, channel: str, payload: str | bytes) -> int:
        """How many subscriptions took `payload`."""
        return self.call("PUBLISH", channel, payload)

    def spublish(self, channel: str, payload: str | bytes) -> int:
        return self.call("SPUBLISH", channel, payload)

    def subscribers(self, channel: str) -> int:
        return self.call("PUBSUB", "NUMSUB", channel)[1]

    def shard_subscribers(self, channel: str) -> int:
        return self.call("PUBSUB", "SHARDNUMSUB", channel)[1]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self._is_frozen = False

    def kill(self) -> None:
        """Ends it without a word."""
        self.process.kill()
        self.process.wait()
        self._is_frozen = False

    def stop(self) -> None:
        """Ends it in order; the directory stays for a later start."""
        if self.process.poll() is None:
            if self._is_frozen:
                self.thaw()
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


class ClosedDoor:
    """In the place of a Redis that is away: who comes is sent away, and counted."""

    def __init__(self, port: int):
        self._socket = socket.create_server(("127.0.0.1", port))
        self._socket.settimeout(SECONDS)

    def turns_away(self, count: int) -> None:
        """Waits for `count` more connections and ends each, in order: no reset may come instead."""
        for _ in range(count):
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(SECONDS)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    def close(self) -> None:
        self._socket.close()


class RedisCluster:
    """Three masters that share the slots, without replicas."""

    def __init__(self):
        self.nodes: list[RedisServer] = []
        try:
            for _ in range(3):
                self.nodes.append(RedisServer(
                    "--cluster-enabled", "yes", "--cluster-port", str(free_port()),
                    "--cluster-node-timeout", "60000",
                ))
            self._join()
        except BaseException:
            self.close()
            raise

    def _join(self) -> None:
        share = SLOTS // len(self.nodes) + 1
        for index, node in enumerate(self.nodes):
            last = min((index + 1) * share, SLOTS) - 1
            node.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
            node.call("CLUSTER", "ADDSLOTSRANGE", index * share, last)
        for node in self.nodes[1:]:
            bus = node.call("CONFIG", "GET", "cluster-port")[1]
            self.nodes[0].call("CLUSTER", "MEET", "127.0.0.1", node.port, bus)

        def is_whole():
            return all(
                b"cluster_state:ok" in (info := node.call("CLUSTER", "INFO"))
                and b"cluster_known_nodes:3" in info
                for node in self.nodes
            )

        eventually(is_whole, SECONDS, lambda: "the Redis Cluster does not form")

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    @property
    def port(self) -> int:
        return self.nodes[0].port

    def owner(self, key: str) -> RedisServer:
        """The master whose slot `key` falls into."""
        slot = self.nodes[0].call("CLUSTER", "KEYSLOT", key)
        for first, last, (_, port, *_), *_ in self.nodes[0].call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody has slot {slot}")

    def spublish(self, channel: str, payload: str | bytes) -> int:
        return self.owner(channel).spublish(channel, payload)

    def shard_subscribers(self, channel: str) -> int:
        return sum(node.shard_subscribers(channel) for node in self.nodes)

    def close(self) -> None:
        for node in self.nodes:
            node.close()
