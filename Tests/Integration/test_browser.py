"""The chat page in headless Chromium, with the official client that the server serves it."""

import os
import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from support import paths

expect.set_options(timeout=15_000)
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
        pages.append(Page(browser.new_context(**options).new_page()))
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
