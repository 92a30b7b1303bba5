"""What three chat servers do when Redis, nginx or one of them fails."""

import asyncio
import contextlib
import json
import re
import time

import aiohttp
import engineio
import pytest
import socketio

from support import engine, http
from support.cluster import ChatCluster, Cluster
from support.deadline import SECONDS
from support.member import Member, pump, settled
from support.nginx import Nginx
from support.process import eventually
from support.redis import ClosedDoor, RedisServer

ROOM = "faults"
# Its own limit, 16, is below what a server may put into one payload.
engineio.payload.Payload.max_decode_packets = 10_000


@pytest.fixture(scope="module")
def own_redis():
    """A Redis that the tests of this module may end."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def chats(own_redis):
    cluster = ChatCluster(own_redis)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def proxy(chats):
    nginx = Nginx(*(server.port for server in chats.servers))
    yield nginx
    nginx.close()


@pytest.fixture
def three(chats):
    """A client on each server, all in one room; all is well before and after."""
    all_is_well(chats)
    members = [Member(server, "/") for server in chats.servers]
    for member in members:
        assert member.ask("joinRoom", {"room": ROOM})["room"] == ROOM
    crosses(members)
    yield members
    for member in members:
        member.socket.connection.close()
    all_is_well(chats)


def all_is_well(chats) -> None:
    for index, _ in enumerate(chats.servers):
        settled(lambda: chats.health(index)["status"], "ok")


def say(member, text: str) -> None:
    assert member.ask("message", {"room": ROOM, "userId": member.id, "message": text}) is None


def texts(member) -> list[str]:
    return [event[1]["message"] for event in member.events if event[0] == "message"]


def crosses(members) -> None:
    """What each says reaches all, once, in its order."""
    for member in members:
        member.events.clear()
    spoken = {member: [f"{member.id} {number}" for number in range(3)] for member in members}
    for member, lines in spoken.items():
        for line in lines:
            say(member, line)
    pump(members, lambda: all(len(texts(member)) >= 9 for member in members))
    for member in members:
        for other, lines in spoken.items():
            assert [text for text in texts(member) if text.startswith(other.id)] == lines
        member.events.clear()


def resumes(members, keeping: bool = False) -> None:
    """Waits until something said after the fault crosses from each server to each other.

    What has been heard until then is forgotten unless `keeping`.
    """
    deadline = time.monotonic() + SECONDS
    for speaker in members:
        number = 0

        def hears(member) -> bool:
            return any(text.startswith(f"probe {speaker.id} ") for text in texts(member))

        while True:
            assert time.monotonic() < deadline, "delivery does not resume"
            number += 1
            say(speaker, f"probe {speaker.id} {number}")
            # One of them, whichever: on a busy machine none of them is as fast as that.
            with contextlib.suppress(AssertionError):
                pump(members, lambda: all(map(hears, members)), 0.25)
                break
    settle(members)
    if not keeping:
        for member in members:
            member.events.clear()


def settle(members) -> None:
    """Leaves nothing under way: the last word of each server has reached all."""
    last = {member: f"last {member.id} {time.monotonic_ns()}" for member in members}
    for member, text in last.items():
        say(member, text)
    pump(members, lambda: all(set(last.values()) <= set(texts(one)) for one in members))


def local_delivery_goes_on(members) -> None:
    """What a client says reaches its own server's clients at once."""
    for member in members:
        text = f"local {member.id} {time.monotonic_ns()}"
        say(member, text)
        # Before a silent Redis is given up: that takes ten seconds.
        pump([member], lambda: text in texts(member), 8)


def turns(chats, status: str) -> None:
    for index, _ in enumerate(chats.servers):
        settled(lambda: chats.health(index)["status"], status)


def lost(health: dict) -> int:
    """What a server counts as not published."""
    def add(value) -> int:
        if not isinstance(value, dict):
            return 0
        return sum(
            number if isinstance(number, int) and re.search("dropped|missed|uncertain", name, re.IGNORECASE)
            and "ytes" not in name else add(number)
            for name, number in value.items()
        )

    return add(health.get("redis"))


def redis_lines(server) -> list[str]:
    """What a server has logged of Redis."""
    return [line for line in [*server.lines, *server.errors().splitlines()]
            if re.search(r"\bredis\b", line, re.IGNORECASE)]


# Redis


def test_redis_restarts(chats, own_redis, three):
    own_redis.restart()
    local_delivery_goes_on(three)
    resumes(three)
    chats.wait_until_formed()
    crosses(three)


def test_redis_is_killed_and_comes_back(chats, own_redis, three):
    own_redis.kill()
    turns(chats, "degraded")
    local_delivery_goes_on(three)
    own_redis.start()
    turns(chats, "ok")
    resumes(three)
    crosses(three)


def test_subscribers_are_killed(chats, own_redis, three):
    """Only the subscriptions go; publishing goes on."""
    assert own_redis.call("CLIENT", "KILL", "TYPE", "pubsub") >= 3
    local_delivery_goes_on(three)
    resumes(three)
    chats.wait_until_formed()
    crosses(three)


def test_every_connection_is_killed(chats, own_redis, three):
    own_redis.call("CLIENT", "KILL", "TYPE", "normal")
    own_redis.call("CLIENT", "KILL", "TYPE", "pubsub")
    local_delivery_goes_on(three)
    resumes(three)
    crosses(three)


def test_redis_is_away_for_twenty_seconds(chats, own_redis, three):
    """Nobody is disconnected; what was said is heard later or counted; one line per change."""
    before = [lost(chats.health(index)) for index in range(3)]
    lines = [len(redis_lines(server)) for server in chats.servers]
    own_redis.stop()
    door = ClosedDoor(own_redis.port)
    back = time.monotonic() + 20
    turns(chats, "degraded")
    count = 50
    for member in three:
        for number in range(count):
            say(member, f"meanwhile {member.id} {number}")
    for member in three:
        mine = [text for text in texts(member) if text.startswith(f"meanwhile {member.id}")]
        assert len(mine) == count, "the own server's clients hear it at once"
    while time.monotonic() < back:
        local_delivery_goes_on(three)
        door.turns_away(2)
        for index in range(3):
            assert chats.health(index)["status"] == "degraded"
    door.close()
    own_redis.start()
    turns(chats, "ok")
    # Everything that was still to be published comes before its last word.
    resumes(three, keeping=True)
    for index, speaker in enumerate(three):
        heard_by = [
            [text for text in texts(other) if text.startswith(f"meanwhile {speaker.id}")]
            for other in three if other is not speaker
        ]
        dropped = lost(chats.health(index)) - before[index]
        for heard in heard_by:
            assert heard == sorted(heard, key=lambda text: int(text.split()[-1]))
            assert len(heard) == len(set(heard)), "twice"
            assert dropped >= count - len(heard), "lost and not counted"
    crosses(three)
    for server, known in zip(chats.servers, lines, strict=True):
        news = redis_lines(server)[known:]
        # And one that messages are lost.
        assert 2 <= len(news) <= 7, f"once per change, of two connections: {news}"


@pytest.mark.parametrize("attempts", [1, 30])
def test_what_was_said_while_redis_was_away_for_moments(chats, own_redis, three, attempts):
    """Until so many times somebody has looked for it.

    It is kept, so it is heard once Redis is back; what is not heard is counted."""
    before = [lost(chats.health(index)) for index in range(3)]
    own_redis.kill()
    turns(chats, "degraded")
    for member in three:
        for number in range(20):
            say(member, f"meanwhile {member.id} {number}")
    with contextlib.closing(ClosedDoor(own_redis.port)) as door:
        door.turns_away(attempts)
    own_redis.start()
    turns(chats, "ok")
    resumes(three, keeping=True)
    for index, speaker in enumerate(three):
        for other in three:
            heard = [text for text in texts(other) if text.startswith(f"meanwhile {speaker.id}")]
            assert heard == sorted(set(heard), key=lambda text: int(text.split()[-1]))
            missed = 20 - len(heard)
            counted = lost(chats.health(index)) - before[index]
            assert missed <= counted, f"{missed} of 20 lost, {counted} counted"


def test_redis_freezes_and_thaws(chats, own_redis, three):
    """A connection that is open and silent is noticed by a PING without an answer."""
    own_redis.freeze()
    try:
        local_delivery_goes_on(three)
        turns(chats, "degraded")
        local_delivery_goes_on(three)
    finally:
        own_redis.thaw()
    turns(chats, "ok")
    resumes(three)
    crosses(three)


def test_redis_freezes_and_is_killed(chats, own_redis, three):
    own_redis.freeze()
    local_delivery_goes_on(three)
    own_redis.kill()
    turns(chats, "degraded")
    own_redis.start()
    turns(chats, "ok")
    resumes(three)
    crosses(three)


def test_the_sharded_adapter_recovers_too():
    """Its channels per room are asked for again as well."""
    redis = RedisServer()
    chats = ChatCluster(redis, REDIS_ADAPTER="sharded")
    try:
        members = [Member(server, "/") for server in chats.servers]
        for member in members:
            member.ask("joinRoom", {"room": ROOM})
        resumes(members)
        faults = [
            lambda: redis.restart(),
            lambda: redis.call("CLIENT", "KILL", "TYPE", "pubsub"),
            lambda: (redis.kill(), turns(chats, "degraded"), redis.start()),
        ]
        for fault in faults:
            fault()
            local_delivery_goes_on(members)
            resumes(members)
            chats.wait_until_formed()
            all_is_well(chats)
            crosses(members)
    finally:
        chats.close()
        redis.close()


def test_a_full_queue_during_an_outage_ends_with_it():
    """What did not fit is counted; what comes later is delivered as ever."""
    redis = RedisServer()
    cluster = Cluster("redis", redis, 2, "--redis-queue", "20000")
    try:
        one, other = cluster.join(0), cluster.join(1)
        redis.kill()
        settled(lambda: cluster.servers[0].get("/redis")["state"], "disconnected")
        one.ask("cast-many", {}, "flood", 1000)
        assert cluster.servers[0].get("/redis")["dropped"] > 0
        redis.start()
        settled(lambda: cluster.servers[0].get("/redis")["state"], "connected")
        # The other's subscriptions too: what comes before them is not for it.
        cluster.wait_until_formed()
        one.ask("cast", {}, "after", "[]")
        pump([other], lambda: ["after"] in other.events)
    finally:
        cluster.close()
        redis.close()


def test_a_redis_that_does_not_let_us_count_servers():
    """Messages do not wait for what cannot be had, and the log says why."""
    redis = RedisServer()
    cluster = Cluster("redis", redis, 2)
    try:
        one, other = cluster.join(0), cluster.join(1)
        redis.call("ACL", "SETUSER", "default", "-pubsub")
        redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        cluster.servers[0].wait_for_log("servers cannot be counted.*NOPERM")
        one.ask("cast", {}, "after", "[]")
        pump([other], lambda: ["after"] in other.events)
        assert "pubsub" in one.ask("fetch", {})["error"]
    finally:
        cluster.close()
        redis.close()


def test_requests_keep_their_time_while_redis_is_frozen():
    """What this server knows is in the error."""
    redis = RedisServer()
    cluster = Cluster("redis", redis, 2)
    try:
        one = cluster.join(0)
        cluster.join(1)
        redis.freeze()
        answer = one.ask("fetch", {"timeout": 300})
        assert answer["partial"] == [one.id], answer
        assert "timeout" in answer["error"]
    finally:
        redis.thaw()
        cluster.close()
        redis.close()


def test_a_server_starts_while_redis_is_away():
    """It serves its own clients, and joins the others once Redis is there."""
    redis = RedisServer()
    redis.stop()
    chats = ChatCluster(None, 1, REDIS_URL=redis.url)
    try:
        member = Member(chats.servers[0], "/")
        member.ask("joinRoom", {"room": ROOM})
        local_delivery_goes_on([member])
        assert chats.health(0)["status"] == "degraded"
        redis.start()
        turns(chats, "ok")
        settled(lambda: redis.subscribers("socket.io-request#/#"), 1)
        member.socket.connection.close()
    finally:
        chats.close()
        redis.close()


def test_shutdown_while_redis_is_frozen():
    """Nobody waits for Redis longer than the shutdown may take."""
    redis = RedisServer()
    chats = ChatCluster(redis, 1)
    try:
        member = Member(chats.servers[0], "/")
        redis.freeze()
        for number in range(20):
            member.emit("all", {"message": str(number)})
        pump([member], lambda: len(member.events) >= 20)
        assert chats.servers[0].terminate(10) == 0
    finally:
        redis.thaw()
        redis.close()


# nginx


def sources(count: int) -> list[str]:
    """Addresses that nginx tells apart: by their first three octets."""
    return [f"127.0.{index + 1}.1" for index in range(count)]


def test_nginx_spreads_and_keeps_clients(chats, proxy):
    """The same address comes to the same replica, over any transport; all replicas are used."""
    where = {}
    for source in sources(12):
        member = Member(proxy, "/", source=source)
        where[source] = member.ask("whoami")["replica"]
        assert member.ask("whoami")["address"] == source
        member.socket.connection.close()
        polling = engine.Polling(proxy.port, source=source)
        polling.send("40")
        assert polling.receive().startswith("40{")
        for number in range(3):
            polling.send(f'42{number}["whoami"]')
            answer = polling.receive()
            assert answer.startswith(f"43{number}["), answer
            assert json.loads(answer[3:])[0]["replica"] == where[source]
        polling.close()
    assert set(where.values()) == set(chats.names)


def test_polling_clients_through_nginx_hear_each_other(chats, proxy):
    clients = []
    for source in sources(6):
        client = engine.Polling(proxy.port, source=source)
        client.send("40")
        assert client.receive().startswith("40{")
        client.send('420["joinRoom",{"room":"polls"}]')
        assert client.receive().startswith("430[")
        clients.append(client)
    for index, client in enumerate(clients):
        client.send(f'42["message",{{"room":"polls","userId":"u","message":"{index}"}}]')
    for client in clients:
        heard = sorted(json.loads(client.receive()[2:])[1]["message"] for _ in clients)
        assert heard == [str(index) for index in range(len(clients))]
        client.close()


def test_nginx_reloads(chats, proxy):
    """Open WebSockets stay, polling goes on, new clients come."""
    sockets = [Member(proxy, "/", source=source) for source in sources(6)]
    polling = engine.Polling(proxy.port, source="127.0.7.1")
    polling.send("40")
    assert polling.receive().startswith("40{")
    for member in sockets:
        member.ask("joinRoom", {"room": "reload"})
    proxy.reload()
    polling.send('420["joinRoom",{"room":"reload"}]')
    assert polling.receive().startswith("430[")
    late = Member(proxy, "/", source="127.0.8.1")
    late.ask("joinRoom", {"room": "reload"})
    for member in [*sockets, late]:
        member.ask("message", {"room": "reload", "userId": "u", "message": member.id})
    everybody = [*sockets, late]
    pump(everybody, lambda: all(len(texts(one)) == len(everybody) for one in everybody))
    for member in everybody:
        assert sorted(texts(member)) == sorted(one.id for one in everybody)
    heard = [json.loads(polling.receive()[2:])[1]["message"] for _ in everybody]
    assert sorted(heard) == sorted(one.id for one in everybody)
    for member in everybody:
        member.socket.connection.close()
    polling.close()


# A replica


class Visitor:
    """An official-style client behind nginx that comes back by itself and goes on talking."""

    def __init__(self, url: str, source: str, transport: str):
        self.url = url
        self.transport = transport
        self.source = source
        self.name = source
        self.replica = ""
        self.joins = 0
        self.said = 0
        #: The numbers heard of each visitor, in their order.
        self.heard: dict[str, list[int]] = {}
        self.presence: dict = {}
        self.is_in = asyncio.Event()
        #: Set when the last word has come back, or never will.
        self.may_go_on = asyncio.Event()

    async def start(self) -> None:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=(self.source, 0))
        )
        self.io = socketio.AsyncClient(
            reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.5,
            http_session=self.session, handle_sigint=False,
        )
        self.io.on("connect", self._join)
        self.io.on("disconnect", self._lose)
        self.io.on("message", self._hear)
        self.io.on("presence", lambda presence: self.presence.update(presence))
        await self.io.connect(
            self.url, transports=[self.transport], auth={"name": self.name}, wait_timeout=SECONDS
        )
        await asyncio.wait_for(self.is_in.wait(), SECONDS)

    async def _join(self) -> None:
        self.replica = (await self.io.call("whoami"))["replica"]
        reply = await self.io.call("joinRoom", {"room": "crash", "presence": True})
        self.presence.update(reply["presence"])
        self.joins += 1
        self.is_in.set()

    def _lose(self, *_) -> None:
        self.is_in.clear()
        self.may_go_on.set()

    def _hear(self, message: dict) -> None:
        self.heard.setdefault(message["userId"], []).append(int(message["message"]))
        if message["userId"] == self.name:
            self.may_go_on.set()

    async def talk(self, everybody: list["Visitor"], stop: asyncio.Event) -> None:
        """Says one number after the other, each when the last has come back or is lost.

        Nobody is far ahead of the others who are there: this process is slower than the servers.
        """
        while not stop.is_set():
            await asyncio.wait_for(self.is_in.wait(), SECONDS)
            if self.said > 5 + min(one.said for one in everybody if one.is_in.is_set()):
                await asyncio.sleep(0.005)
                continue
            number, self.said = self.said, self.said + 1
            self.may_go_on.clear()
            # Lost with the connection: the next one goes on.
            with contextlib.suppress(socketio.exceptions.SocketIOError):
                await self.io.emit(
                    "message", {"room": "crash", "userId": self.name, "message": str(number)}
                )
                await asyncio.wait_for(self.may_go_on.wait(), SECONDS)

    async def close(self) -> None:
        await self.io.disconnect()
        await self.session.close()


async def until(condition, what: str) -> None:
    async with asyncio.timeout(SECONDS):
        try:
            while not condition():
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            raise AssertionError(f"not within {SECONDS} s: {what}") from None


def test_a_replica_is_killed_under_load():
    """Its clients come back at others and go on; nobody else notices; presence is right again."""
    redis = RedisServer()
    chats = ChatCluster(redis)
    nginx = Nginx(*(server.port for server in chats.servers))
    try:
        asyncio.run(kill_a_replica(chats, nginx))
    finally:
        nginx.close()
        chats.close()
        redis.close()


async def kill_a_replica(chats, nginx) -> None:
    visitors = [
        Visitor(nginx.url, source, "polling" if index % 4 == 0 else "websocket")
        for index, source in enumerate(sources(24))
    ]
    await asyncio.gather(*(visitor.start() for visitor in visitors))
    assert {visitor.replica for visitor in visitors} == set(chats.names)
    count = len(visitors)
    await until(lambda: all(one.presence.get("count") == count for one in visitors), "presence")

    stop = asyncio.Event()
    talks = [asyncio.create_task(visitor.talk(visitors, stop)) for visitor in visitors]
    await until(lambda: all(one.said >= 20 for one in visitors), "talk")
    victim = chats.names[1]
    hit = [visitor for visitor in visitors if visitor.replica == victim]
    spared = [visitor for visitor in visitors if visitor.replica != victim]
    chats.servers[1].kill()
    await until(
        lambda: all(one.joins == 2 and one.replica != victim for one in hit), "reconnection"
    )
    mark = {visitor.name: visitor.said for visitor in visitors}
    await until(
        lambda: all(one.said >= mark[one.name] + 20 for one in visitors), "talk after the kill"
    )
    stop.set()
    await asyncio.gather(*talks)

    # The survivors' clients have noticed nothing, and have missed nothing of each other.
    assert all(visitor.joins == 1 for visitor in spared)
    await until(
        lambda: all(one.heard[other.name][-1] == other.said - 1
                    for one in spared for other in spared),
        "the last words",
    )
    for one in spared:
        for other in spared:
            assert one.heard[other.name] == list(range(other.said)), (one.name, other.name)
    # What the others said is in order and comes once.
    for one in visitors:
        for numbers in one.heard.values():
            assert numbers == sorted(set(numbers))

    def is_right(visitor) -> bool:
        presence = visitor.presence
        return presence.get("count") == count and victim not in presence.get("replicas", {})

    await until(lambda: all(map(is_right, visitors)), "presence without the dead")

    # The replica comes back and takes part.
    server = chats.servers[1]
    server.start(server.port)
    await asyncio.to_thread(chats.wait_until_formed)
    await asyncio.to_thread(speaks_with_all, server, visitors)
    assert server.is_alive
    await asyncio.gather(*(visitor.close() for visitor in visitors))


def speaks_with_all(server, visitors) -> None:
    """A client of the restarted server is heard everywhere, and hears."""
    member = Member(server, "/", auth={"name": "back"})
    member.ask("joinRoom", {"room": "crash"})
    member.ask("message", {"room": "crash", "userId": "back", "message": "1"})
    eventually(lambda: all(one.heard.get("back") == [1] for one in visitors))
    member.socket.connection.close()


def test_health_is_served_by_nginx_too(chats, proxy):
    response = http.request(proxy.port, "GET", "/healthz")
    assert response.status == 200 and response.json["status"] == "ok"
    assert response.json["replica"] in chats.names
