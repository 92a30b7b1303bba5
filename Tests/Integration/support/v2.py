"""The test's end of a Socket.IO v2 client, which runs in a process of its own."""

import base64
import json
import pathlib
import queue
import subprocess
import threading

from . import paths
from .deadline import SECONDS

SCRIPT = pathlib.Path(__file__).with_name("v2_client.py")
TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}
EVENTS = [
    "connect", "disconnect", "connect_error", "auth", "message-back", "said", "binary", "answer",
    "no-answer", "question", "room-question", "number",
]


class Failed(Exception):
    """What the client has thrown."""


def pack(value):
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [pack(item) for item in value]
    if isinstance(value, dict):
        return {key: pack(item) for key, item in value.items()}
    return value


def unpack(value):
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: unpack(item) for key, item in value.items()}
    return value


class V2Client:
    """One client; its events land in one queue per namespace and name."""

    def __init__(self, server, transport: str):
        self.server = server
        self.transport = transport
        self.process = subprocess.Popen(
            # Isolated: beside the script lies an `http` that is not the library's.
            [paths.v2_python(), "-I", str(SCRIPT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self._lock = threading.Lock()
        self._queues: dict[tuple[str, str], queue.Queue] = {}
        self._results: queue.Queue = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for raw in self.process.stdout:
            line = json.loads(raw)
            if "event" in line:
                self.queue(line["event"], line["namespace"]).put(unpack(line["arguments"]))
            else:
                self._results.put(line)

    def queue(self, event: str, namespace: str = "/") -> queue.Queue:
        with self._lock:
            return self._queues.setdefault((namespace, event), queue.Queue())

    def _order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self._results.get(timeout=SECONDS + 10)
        if "error" in line:
            raise Failed(line["error"])
        return unpack(line["result"])

    def connect(self, *namespaces: str, joins: bool = True) -> "V2Client":
        """Connects; names may carry a query, `/admin?token=x`. `/` is joined in any case."""
        names = [name.split("?")[0] for name in namespaces]
        self.sid = self._order(
            do="connect", url=self.server.url, transports=TRANSPORTS[self.transport],
            namespaces=list(namespaces), listen=["/", *names], events=EVENTS,
        )
        for name in ["/", *names] if joins else ["/"]:
            assert self.next("connect", name) == []
        return self

    def next(self, event: str, namespace: str = "/", seconds: float = SECONDS) -> list:
        """The arguments of the next event of that name."""
        return self.queue(event, namespace).get(timeout=seconds)

    def emit(self, event: str, *arguments, namespace: str = "/") -> None:
        self._order(do="emit", event=event, arguments=pack(arguments), namespace=namespace)

    def call(self, event: str, *arguments, namespace: str = "/"):
        """The ack: nothing, its one argument, or a list of several."""
        return self._order(
            do="call", event=event, arguments=pack(arguments), namespace=namespace,
            seconds=SECONDS,
        )

    def current_transport(self) -> str:
        return self._order(do="transport")

    def disconnect(self) -> None:
        self._order(do="disconnect")

    def close(self) -> None:
        """Ends the process; the connection drops if it is still there."""
        self.process.kill()
        self.process.wait()
        self._reader.join(SECONDS)
        self.process.stdin.close()
        self.process.stdout.close()
