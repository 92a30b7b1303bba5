"""The chat page in headless Chromium, with the official client that the server serves it."""

import os
import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from support import paths
from support.deadline import SECONDS
from support.redis import free_port

expect.set_options(timeout=SECONDS * 1000)
MODES = {"polling": "polling", "websocket": "websocket", "upgrade": None}


class Page:
    """The page and, in one place, how its parts are found."""

    def __init__(self, page):
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self._note(line))

    def _note(self, line) -> None:
        # A failed request is reported too; while the server is down that is what must happen.
        if line.type == "error" and not re.search(r"Failed to load resource|WebSocket", line.text):
            self.errors.append(line.text)

    def _part(self, name: str):
        return self.page.get_by_test_id(name)

    state = property(lambda self: self._part("state"))
    transport = property(lambda self: self._part("transport"))
    rtt = property(lambda self: self._part("rtt"))
    rooms = property(lambda self: self._part("room"))
    timeline = property(lambda self: self._part("timeline"))
    entries = property(lambda self: self._part("entry"))
    texts = property(lambda self: self._part("entry-text"))
    notes = property(lambda self: self._part("note"))
    notice = property(lambda self: self._part("notice"))
    message = property(lambda self: self._part("message-input"))
    replica = property(lambda self: self._part("replica"))
    members = property(lambda self: self._part("member"))
    panel = property(lambda self: self._part("replicas-panel"))
    cards = property(lambda self: self._part("replica-card"))
    open_direct = property(lambda self: self._part("open-direct"))

    def card(self, replica: str) -> "Card":
        return Card(self.page.locator(f'[data-testid="replica-card"][data-replica="{replica}"]'))

    def shows_members(self, *names: str) -> None:
        """The members of the shown room, in the page's order, and their number."""
        expect(self.members.locator(".name")).to_have_text(list(names))
        word = "member" if len(names) == 1 else "members"
        expect(self._part("active-members")).to_have_text(f"{len(names)} {word}")

    def open(self, server, name: str, room: str, mode: str) -> "Page":
        query = f"?name={name}&room={room}"
        if MODES[mode]:
            query += f"&transport={MODES[mode]}"
        self.page.goto(f"{server.url}/{query}")
        expect(self.state).to_have_text("connected")
        expect(self.rooms).to_have_count(1)
        expect(self.notes.filter(has_text="joined")).to_have_count(1)
        return self

    def join(self, room: str) -> None:
        self._part("room-input").fill(room)
        self._part("join-button").click()
        expect(self.notes.filter(has_text=f"joined #{room}")).to_have_count(1)

    def say(self, text: str) -> None:
        self.message.fill(text)
        self._part("send-button").click()

    def say_to_everyone(self, text: str) -> None:
        self.message.fill(text)
        self._part("broadcast-button").click()

    def hears(self, text: str) -> None:
        expect(self.texts.get_by_text(text, exact=True)).to_have_count(1)


class Card:
    """A direct connection to one replica."""

    def __init__(self, card):
        self.card = card

    state = property(lambda self: self.card.get_by_test_id("direct-state"))
    entries = property(lambda self: self.card.get_by_test_id("direct-entry"))
    button = property(lambda self: self.card.get_by_test_id("direct-join"))

    def join(self, room: str) -> None:
        self.button.click()
        expect(self.entries.filter(has_text=f"joined #{room}").first).to_be_visible()

    def say(self, text: str, to_all: bool = False) -> None:
        self.card.get_by_test_id("direct-input").fill(text)
        self.card.get_by_test_id("direct-all" if to_all else "direct-send").click()

    def hears(self, text: str, who: str) -> None:
        entry = self.entries.filter(has=self.card.page.get_by_text(text, exact=True))
        expect(entry).to_have_count(1)
        expect(entry.locator(".who")).to_have_text(who)


@pytest.fixture(scope="module")
def browser():
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    assert executable, "no Chromium: Tests/run installs it"
    # As root Chromium starts without its sandbox only.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def chat(start_chat):
    return start_chat(
        "--page-directory", paths.PAGE_DIRECTORY, "--client-directory", paths.CLIENT_DIRECTORY
    )


@pytest.fixture
def tab(browser):
    """Opens a tab of a visitor's own."""
    pages = []

    def open_tab(**options) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        pages.append(Page(context.new_page()))
        return pages[-1]

    yield open_tab
    errors = [error for page in pages for error in page.errors]
    for page in pages:
        page.page.context.close()
    assert errors == []


@pytest.mark.parametrize("mode", MODES)
def test_two_tabs_chat(chat, tab, mode):
    ada = tab().open(chat, "Ada", "general", mode)
    grace = tab().open(chat, "Grace", "general", mode)
    name = "polling" if mode == "polling" else "websocket"
    for page in (ada, grace):
        expect(page.transport).to_have_text(name)
        expect(page.rtt).to_have_text(re.compile(r"\d+(\.\d)? ms"))
    ada.say("hello Grace")
    grace.hears("hello Grace")
    expect(grace.page.get_by_test_id("entry-who").first).to_have_text("Ada")
    grace.say("hello Ada")
    ada.hears("hello Ada")
    # One's own words stand there once, and as sent.
    ada.hears("hello Grace")
    expect(ada.page.locator(".pending, .failed")).to_have_count(0)
    chat.wait_for_log('message who="Grace" room="general" message="hello Ada"')


@pytest.mark.parametrize("mode", MODES)
def test_rooms_keep_to_themselves_and_all_reaches_all(chat, tab, mode):
    ada = tab().open(chat, "Ada", "one", mode)
    grace = tab().open(chat, "Grace", "two", mode)
    ada.say("only in one")
    ada.hears("only in one")
    grace.say_to_everyone("for everyone")
    ada.hears("for everyone")
    grace.hears("for everyone")
    expect(grace.texts.get_by_text("only in one")).to_have_count(0)
    ada.join("two")
    ada.say("now in two")
    grace.hears("now in two")


@pytest.mark.parametrize("mode", MODES)
def test_a_restart_of_the_server(chat, tab, mode):
    ada = tab().open(chat, "Ada", "general", mode)
    grace = tab().open(chat, "Grace", "general", mode)
    ada.join("second")
    assert chat.terminate() == 0
    for page in (ada, grace):
        expect(page.state).to_have_text(re.compile("reconnecting|disconnected"))
    chat.start(chat.port)
    for page in (ada, grace):
        expect(page.state).to_have_text("connected")
    expect(ada.notes.filter(has_text="joined #second")).to_have_count(2)
    expect(grace.notes.filter(has_text="joined #general")).to_have_count(2)
    grace.say("still in general")
    ada.hears("still in general")


def test_html_is_text(chat, tab):
    ada = tab().open(chat, "<b>Ada</b>", "<i>x</i>", "websocket")
    grace = tab().open(chat, "Grace", "<i>x</i>", "websocket")
    text = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    ada.say(text)
    grace.hears(text)
    ada.say_to_everyone("&lt;b&gt;")
    grace.hears("&lt;b&gt;")
    for page in (ada, grace):
        expect(page.timeline.locator("img, script, b, i")).to_have_count(0)
        expect(page.page).not_to_have_title(re.compile("owned"))
    expect(grace.page.get_by_test_id("entry-who").first).to_have_text("<b>Ada</b>")


def test_the_door(chat, tab):
    page = tab()
    page.page.goto(chat.url)
    page.page.get_by_test_id("name-input").fill("Ada")
    page.page.get_by_test_id("first-room-input").fill("door")
    page.page.get_by_test_id("enter-button").click()
    expect(page.state).to_have_text("connected")
    expect(page.page.get_by_test_id("my-name")).to_have_text("Ada")
    expect(page.page.get_by_test_id("active-room")).to_have_text("#door")
    page.message.fill("by the Enter key")
    page.message.press("Enter")
    page.hears("by the Enter key")


def test_leaving_a_room(chat, tab):
    ada = tab().open(chat, "Ada", "general", "upgrade")
    ada.join("other")
    expect(ada.rooms).to_have_count(2)
    ada.rooms.filter(has_text="other").get_by_test_id("room-leave").click()
    expect(ada.rooms).to_have_count(1)
    chat.wait_for_log('left who="Ada" room="other"')


def test_an_error_of_the_server_is_shown(start_chat, tab):
    chat = start_chat(
        "--page-directory", paths.PAGE_DIRECTORY, "--client-directory", paths.CLIENT_DIRECTORY,
        "--max-message", 10,
    )
    ada = tab().open(chat, "Ada", "general", "websocket")
    ada.say("longer than ten bytes")
    expect(ada.entries.last).to_contain_text("at most 10 bytes")


def test_disconnect_and_connect_by_hand(chat, tab):
    ada = tab().open(chat, "Ada", "general", "upgrade")
    ada.page.get_by_test_id("connection-button").click()
    expect(ada.state).to_have_text("disconnected")
    chat.wait_for_log('disconnected who="Ada" reason="client namespace disconnect"')
    ada.page.get_by_test_id("connection-button").click()
    expect(ada.state).to_have_text("connected")
    expect(ada.notes.filter(has_text="joined #general")).to_have_count(2)


# Who serves, who is there, and the replicas


@pytest.fixture
def start_solo(start_chat):
    """A replica `solo` that names itself, and more replicas that tests say."""

    def start(*more: str, port: int = 0):
        port = port or free_port()
        return start_chat(
            "--page-directory", paths.PAGE_DIRECTORY,
            "--client-directory", paths.CLIENT_DIRECTORY,
            "--replica-name", "solo", "--replicas", ",".join([f"solo:{port}", *more]),
            "--cors-origin", "*", port=port,
        )

    return start


def test_who_serves_and_who_is_there(start_chat, tab):
    chat = start_chat(
        "--page-directory", paths.PAGE_DIRECTORY, "--client-directory", paths.CLIENT_DIRECTORY,
        environment={"REPLICA_NAME": "app-7"},
    )
    ada = tab().open(chat, "Ada", "general", "upgrade")
    expect(ada.replica).to_have_text("app-7")
    expect(ada.panel).to_be_hidden()
    ada.shows_members("Ada")
    grace = tab().open(chat, "Grace", "general", "polling")
    for page in (ada, grace):
        page.shows_members("Ada", "Grace")
        counts = page.page.get_by_test_id("replica-count")
        expect(counts).to_have_attribute("data-replica", "app-7")
        expect(counts).to_have_attribute("data-count", "2")
        expect(page.members.last).to_have_attribute("data-replica", "app-7")
    # The list is that of the room that is shown.
    grace.join("other")
    grace.shows_members("Grace")
    grace.rooms.filter(has_text="general").get_by_test_id("room-select").click()
    grace.shows_members("Ada", "Grace")
    # Leaving and going away are seen as well.
    grace.rooms.filter(has_text="general").get_by_test_id("room-leave").click()
    ada.shows_members("Ada")
    alan = tab().open(chat, "Alan", "general", "websocket")
    ada.shows_members("Ada", "Alan")
    alan.page.goto("about:blank")
    ada.shows_members("Ada")


def test_names_of_members_are_text(chat, tab):
    name = "<img src=x onerror=document.title=1>"
    ada = tab().open(chat, name, "general", "websocket")
    ada.shows_members(name)
    expect(ada.page.get_by_test_id("members").locator("img, script")).to_have_count(0)
    expect(ada.page).to_have_title("Rooms")


def test_a_direct_connection(start_solo, tab):
    server = start_solo()
    ada = tab().open(server, "Ada", "general", "upgrade")
    expect(ada.panel).to_be_visible()
    expect(ada.cards).to_have_count(0)
    ada.open_direct.click()
    expect(ada.cards).to_have_count(1)
    card = ada.card("solo")
    expect(card.state).to_have_text("connected")
    expect(card.entries.filter(has_text="connected to solo")).to_have_count(1)
    card.join("general")
    ada.shows_members("Ada", "Ada@solo")
    # Card to page and page to card, in the room and to all.
    card.say("from the card")
    card.hears("from the card", "Ada@solo")
    ada.hears("from the card")
    ada.say("from the page")
    card.hears("from the page", "Ada")
    card.say("to all of you", to_all=True)
    card.hears("to all of you", "to all")
    ada.hears("to all of you")
    # The card follows the shown room.
    ada.join("other")
    expect(card.button).to_have_text("Join")
    ada.rooms.filter(has_text="general").get_by_test_id("room-select").click()
    expect(card.button).to_have_text("Leave")
    card.button.click()
    ada.shows_members("Ada")
    ada.open_direct.click()
    expect(ada.cards).to_have_count(0)
    server.wait_for_log('disconnected who="Ada@solo" reason="client namespace disconnect"')


def test_a_replica_that_dies_and_comes_back(start_solo, tab):
    other = start_solo(port=free_port())
    server = start_solo(f"other:{other.port}")
    ada = tab()
    ada.page.goto(f"{server.url}/?name=Ada&room=general&direct=1")
    card = ada.card("other")
    expect(card.state).to_have_text("connected")
    expect(card.entries.filter(has_text="this is solo")).to_have_count(1)
    card.join("general")
    other.kill()
    expect(card.state).to_have_text("down")
    expect(ada.card("solo").state).to_have_text("connected")
    other.start(other.port)
    expect(card.state).to_have_text("connected")
    # It is in its room again.
    expect(card.entries.filter(has_text="joined #general")).to_have_count(2)
    card.say("back again")
    card.hears("back again", "Ada@other")


def test_presence_after_a_restart(start_solo, tab):
    server = start_solo()
    ada = tab().open(server, "Ada", "general", "websocket")
    grace = tab().open(server, "Grace", "general", "websocket")
    ada.shows_members("Ada", "Grace")
    assert server.terminate() == 0
    expect(ada.replica).to_have_text("–")
    server.start(server.port)
    for page in (ada, grace):
        expect(page.replica).to_have_text("solo")
        page.shows_members("Ada", "Grace")


def test_members_and_replicas_on_a_phone(start_solo, tab):
    server = start_solo("app-2:1", "app-3:1")
    ada = tab(viewport={"width": 375, "height": 667}, is_mobile=True, has_touch=True)
    ada.open(server, "Ada", "general", "upgrade")
    expect(ada.replica).to_be_in_viewport()
    expect(ada.members.first).to_be_hidden()
    ada.page.get_by_test_id("members-button").click()
    expect(ada.members.first).to_be_in_viewport()
    ada.page.keyboard.press("Escape")
    expect(ada.members.first).to_be_hidden()
    ada.open_direct.click()
    expect(ada.cards).to_have_count(3)
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= 375
    expect(ada.message).to_be_in_viewport()


def test_a_phone(chat, tab):
    ada = tab(viewport={"width": 375, "height": 667}, is_mobile=True, has_touch=True)
    ada.open(chat, "Ada", "general", "upgrade")
    ada.say("x" * 400)
    ada.say("from my phone")
    ada.hears("from my phone")
    # Nothing sticks out sideways, and what one needs is on the screen.
    width = ada.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 375
    for part in (ada.message, ada.page.get_by_test_id("send-button"), ada.state):
        expect(part).to_be_in_viewport()


def test_compression(start_server, browser):
    """Chromium offers permessage-deflate; a server that takes it is understood."""
    server = start_server("--deflate", "true")
    text = "long text " * 500
    page = browser.new_page()
    seen = page.evaluate(
        """([url, text]) => new Promise((resolve, reject) => {
            const socket = new WebSocket(url);
            let heard = 0;
            socket.onerror = () => reject(new Error("closed"));
            socket.onmessage = ({ data }) => {
                if (data.startsWith("0{")) socket.send("40");
                if (data.startsWith("40{")) socket.send(`421["echo","${text}"]`);
                if (!data.startsWith("431")) return;
                if (++heard < 3) socket.send(`421["echo","${text}"]`);
                else resolve([socket.extensions, data]);
            };
        })""",
        [f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket", text],
    )
    page.close()
    extensions = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    assert seen == [extensions, f'431["{text}"]']
