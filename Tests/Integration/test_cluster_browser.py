"""The chat page in headless Chromium against three replicas: behind nginx, and on their ports."""

import pytest
from playwright.sync_api import expect

from support.cluster import ChatCluster
from support.nginx import Nginx
from support.redis import RedisServer
from test_browser import MODES, browser, tab  # noqa: F401  (fixtures)


@pytest.fixture(scope="module")
def own_redis():
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


@pytest.mark.parametrize("mode", MODES)
def test_three_tabs_on_three_ports(chats, tab, mode):  # noqa: F811
    names = ["Ada", "Bob", "Cyd"]
    room = f"ports {mode}"
    pages = [
        tab().open(server, name, room, mode)
        for server, name in zip(chats.servers, names, strict=True)
    ]
    for page, replica in zip(pages, chats.names, strict=True):
        expect(page.replica).to_have_text(replica)
        page.shows_members(*names)
        for row, there in zip(page.members.all(), chats.names, strict=True):
            expect(row).to_have_attribute("data-replica", there)
    for page, name in zip(pages, names, strict=True):
        page.say(f"{name} says hello")
    pages[2].say_to_everyone("to everyone")
    for page in pages:
        for name in names:
            page.hears(f"{name} says hello")
        page.hears("to everyone")
    # Who leaves is gone on all replicas.
    pages[1].rooms.first.get_by_test_id("room-leave").click()
    for page in (pages[0], pages[2]):
        page.shows_members("Ada", "Cyd")
    pages[2].page.goto("about:blank")
    pages[0].shows_members("Ada")


@pytest.mark.parametrize("mode", MODES)
def test_through_nginx(chats, proxy, tab, mode):  # noqa: F811
    room = f"nginx {mode}"
    ada = tab().open(proxy, "Ada", room, mode)
    bob = tab().open(proxy, "Bob", room, mode)
    expect(ada.transport).to_have_text("polling" if mode == "polling" else "websocket")
    served = ada.replica.inner_text()
    assert served in chats.names
    expect(bob.replica).to_have_text(served)
    # Somebody who comes past nginx to another replica.
    elsewhere = next(index for index, name in enumerate(chats.names) if name != served)
    cyd = tab().open(chats.servers[elsewhere], "Cyd", room, mode)
    for page in (ada, bob, cyd):
        page.shows_members("Ada", "Bob", "Cyd")
    ada.say("by way of nginx")
    cyd.say("past nginx")
    for page in (ada, bob, cyd):
        page.hears("by way of nginx")
        page.hears("past nginx")


def test_the_proof_in_one_window(chats, proxy, tab):  # noqa: F811
    """The article: clients on three replicas, of which 1 and 2 are in the room, 3 speaks to all."""
    ada = tab().open(proxy, "Ada", "proof", "websocket")
    expect(ada.panel).to_be_visible()
    ada.open_direct.click()
    expect(ada.cards).to_have_count(3)
    first, second, third = cards = [ada.card(name) for name in chats.names]
    for card, name in zip(cards, chats.names, strict=True):
        expect(card.state).to_have_text("connected")
        expect(card.entries.filter(has_text=f"connected to {name}")).to_have_count(1)
    first.join("proof")
    second.join("proof")
    ada.shows_members("Ada", "Ada@app-1", "Ada@app-2")
    first.say("to the room")
    for card in (first, second):
        card.hears("to the room", "Ada@app-1")
    ada.hears("to the room")
    third.say("to all", to_all=True)
    for card in cards:
        expect(card.entries.filter(has_text="to all").last).to_be_visible()
    ada.hears("to all")
    expect(third.entries.filter(has_text="to the room")).to_have_count(0)
    ada.open_direct.click()
    expect(ada.cards).to_have_count(0)
    ada.shows_members("Ada")


def test_the_replica_of_a_tab_is_killed(tab):  # noqa: F811
    """The page comes back at another one, in its room; the others see the right members."""
    redis = RedisServer()
    chats = ChatCluster(redis)
    proxy = Nginx(*(server.port for server in chats.servers))
    try:
        ada = tab().open(proxy, "Ada", "crash", "upgrade")
        served = ada.replica.inner_text()
        victim = chats.names.index(served)
        rest = [index for index in range(3) if index != victim]
        bob = tab().open(chats.servers[rest[0]], "Bob", "crash", "upgrade")
        lost = tab().open(chats.servers[victim], "Lost", "crash", "websocket")
        for page in (ada, bob, lost):
            page.shows_members("Ada", "Bob", "Lost")
        chats.servers[victim].kill()
        expect(ada.replica).not_to_have_text(served)
        expect(ada.state).to_have_text("connected")
        expect(ada.notes.filter(has_text="joined #crash")).to_have_count(2)
        expect(bob.members.locator(".name")).to_have_text(["Ada", "Bob"])
        for page in (ada, bob):
            page.shows_members("Ada", "Bob")
        ada.say("still here")
        bob.say("so am I")
        for page in (ada, bob):
            page.hears("still here")
            page.hears("so am I")
        expect(bob.state).to_have_text("connected")
        # The dead comes back, and so does who was only there.
        server = chats.servers[victim]
        server.start(server.port)
        expect(lost.state).to_have_text("connected")
        for page in (ada, bob, lost):
            page.shows_members("Ada", "Bob", "Lost")
        lost.say("back again")
        for page in (ada, bob, lost):
            page.hears("back again")
    finally:
        proxy.close()
        chats.close()
        redis.close()


def test_redis_restarts_under_the_page(chats, own_redis, tab):  # noqa: F811
    ada = tab().open(chats.servers[0], "Ada", "redis", "websocket")
    bob = tab().open(chats.servers[1], "Bob", "redis", "websocket")
    for page in (ada, bob):
        page.shows_members("Ada", "Bob")
    own_redis.restart()
    chats.wait_until_formed()
    for page in (ada, bob):
        expect(page.state).to_have_text("connected")
    ada.say("are you there")
    bob.say("here I am")
    for page in (ada, bob):
        page.hears("are you there")
        page.hears("here I am")
        expect(page.notes.filter(has_text="joined #redis")).to_have_count(1)
