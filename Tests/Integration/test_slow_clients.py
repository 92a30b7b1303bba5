"""Clients that do not read, or send too much: what the server keeps for them, and what it says."""

import json
import socket
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support import engine
from support.process import eventually

BOUND = 1 << 20
FLOOD = 10_000
# A flood lasts a turn of the loop, and leaves about ten megabytes behind if it is all kept.
SECONDS = 60


class Client:
    """A WebSocket in `/flow` that reads only when asked to: its library stops at 16 messages."""

    def __init__(self, server, compression=None):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", server.port))
        self.server = server
        self._context = connect(
            f"ws://127.0.0.1:{server.port}" + engine.target("websocket"), sock=raw,
            compression=compression, max_size=None, ping_interval=None,
        )
        self.socket = self._context.__enter__()
        self.receive()
        self.socket.send("40/flow,")
        self.sid = json.loads(self.receive().removeprefix("40/flow,"))["sid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close_socket()

    def receive(self):
        while True:
            message = self.socket.recv(SECONDS)
            if message != "2":
                return message
            self.socket.send("3")

    def flood(self, first: int, kind: str = "all") -> None:
        self.socket.send(f'42/flow,1["flood",{first},{FLOOD},"{kind}"]')

    def indices(self, last: int) -> list[int]:
        """The numbers of the events up to `last`; the attachments are checked."""
        found = []
        while not found or found[-1] != last:
            text = self.receive()
            assert isinstance(text, str), "an attachment without its packet"
            if text.startswith("43/flow,"):
                continue
            head, rest = text.split("[", 1)
            name, index, *_ = json.loads("[" + rest)
            assert head == {"text": "42/flow,", "binary": "452-/flow,"}[name]
            if name == "binary":
                for _ in range(2):
                    assert self.receive() == str(index).encode() + bytes(400)
            found.append(index)
        return found


def get(server, path: str):
    with urllib.request.urlopen(f"{server.url}{path}", timeout=SECONDS) as response:
        return json.load(response)


def resident(server) -> int:
    with open(f"/proc/{server.pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


@pytest.mark.parametrize("deflate", ["false", "true", "takeover", "small"])
def test_drop_oldest(start_server, deflate):
    server = start_server(
        "--send-queue-bytes", BOUND, "--send-queue-policy", "oldest", "--deflate", deflate,
        "--loops", 1,
    )
    compression = None if deflate == "false" else "deflate"
    slow = [Client(server, compression) for _ in range(8)]
    for first in range(0, 5 * FLOOD, FLOOD):
        slow[0].flood(first)
    last = 5 * FLOOD - 1
    # 400 MB were for them: what is kept are 8 MB, and the frames of a flood while it lasts.
    dropped = eventually(
        lambda: count if (count := get(server, "/statistics")["dropped"]) > 30 * FLOOD else None,
        SECONDS,
    )
    assert resident(server) < 150 << 20
    for client in slow:
        indices = client.indices(last)
        assert indices == sorted(set(indices))
        # The newest are complete, and as many as fit.
        kept = next(n for n in range(1, len(indices)) if indices[-n] - indices[-n - 1] != 1)
        assert 700 < kept < 1500
        assert indices[0] == 0
    statistics = get(server, "/statistics")
    assert statistics["dropped"] >= dropped
    assert statistics["overflows"] == 0
    notes = eventually(
        lambda: [note for note in get(server, "/notes") if note.startswith("drain")]
        if all(f"drain {client.sid}" in get(server, "/notes") for client in slow) else None,
        SECONDS,
    )
    assert len(notes) >= len(slow)
    for client in slow:
        client.socket.send('42/flow,7["state"]')
        while not (answer := client.receive()).startswith("43/flow,7"):
            pass
        state = json.loads(answer.removeprefix("43/flow,7"))[0]
        assert state["dropped"] > 0 and state["buffered"] == 0
        client.socket.close_socket()


@pytest.mark.parametrize("deflate", ["false", "takeover"])
def test_volatile_events_go_first_then_the_client(start_server, deflate):
    server = start_server(
        "--send-queue-bytes", BOUND, "--send-queue-policy", "volatile", "--deflate", deflate,
        "--loops", 1,
    )
    with Client(server, None if deflate == "false" else "deflate") as slow:
        slow.flood(0, "volatile")
        eventually(lambda: get(server, "/statistics")["dropped"] or None, SECONDS)
        indices = slow.indices(FLOOD - 1)
        assert indices == sorted(set(indices)) and len(indices) < FLOOD
        slow.flood(FLOOD)
        note = f"close {slow.sid} transport error: send queue overflow"
        eventually(lambda: note in get(server, "/notes"), SECONDS)
        assert get(server, "/statistics")["overflows"] == 1
        expected = FLOOD
        with pytest.raises((ConnectionClosed, TimeoutError)):
            while True:
                text = slow.receive()
                if isinstance(text, str) and not text.startswith("43"):
                    assert json.loads("[" + text.split("[", 1)[1])[1] == expected
                    expected += 1
        assert FLOOD < expected < 2 * FLOOD


def test_polling_keeps_the_newest(start_server):
    server = start_server("--send-queue-bytes", BOUND, "--send-queue-policy", "oldest")
    client = engine.Polling(server.port)
    client.send("40/flow,")
    assert client.poll()[0].startswith("40/flow,")
    client.send(f'42/flow,1["flood",0,{FLOOD},"all"]')
    units = client.poll()
    assert units.pop().startswith("43/flow,1")
    indices = [
        json.loads("[" + unit.split("[", 1)[1])[1] for unit in units if not unit.startswith("b")
    ]
    assert indices == list(range(FLOOD - len(indices), FLOOD))
    assert sum(unit.startswith("b") for unit in units) == 2 * sum(n % 10 == 9 for n in indices)
    assert get(server, "/statistics")["dropped"] == FLOOD - len(indices)
    client.send('42/flow,2["state"]')
    assert json.loads(client.poll()[-1].removeprefix("43/flow,2")) == [
        {"buffered": 0, "dropped": FLOOD - len(indices)}
    ]


def test_too_large_is_said_and_counted(start_server):
    server = start_server("--max-payload", 1000)
    with engine.Socket(server.port) as client:
        client.connect("/quiet")
        client.send("4" * 1001)
        frame = client.socket.frame()
        assert frame.close_code == 1009
        assert frame.payload[2:] == b"message of more than 1000 bytes"
    polling = engine.Polling(server.port)
    assert polling.post("4" * 2000).status == 413
    polling.send("40/quiet,")
    assert polling.poll()[0].startswith("40/quiet,")
    assert get(server, "/statistics")["oversized"] == 2
    server.wait_for_log(
        "warning payload too large: 1001 bytes from 127.0.0.1 by websocket, the limit is 1000"
    )
