"""New messages: announced once, counted when the chat is closed, and never in the visitor's way."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from browsers import Visits
from chats import Chat, focused
from doors import Answer, FakeBrain, FrontDoor, Question
from playwright.sync_api import expect

Paste = Callable[..., str]
OpenDoor = Callable[..., FrontDoor]
# And wait until that has been noticed.
TO_THE_TOP = """log => new Promise(done => {
  log.scrollTo(0, 0);
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""


@pytest.fixture
def answering(brain: FakeBrain) -> threading.Event:
    """The brain of `open_door` answers, but to a greeting, once this is set."""
    event = threading.Event()
    told = brain.script

    def script(question: Question) -> Answer:
        if "text" in question:
            event.wait(30)
        return told(question)

    brain.script = script
    return event


def test_each_message_of_the_assistant_is_announced_once_and_nothing_else(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    expect(chat.live).to_contain_text("Assistant\nBonjour!", use_inner_text=True)
    expect(chat.live).to_contain_text(chat.words["choices"].format(count=4))
    chat.say("c'est gratuit?")
    expect(chat.messages).to_have_count(3)
    expect(chat.live.locator("p")).to_have_count(2)
    expect(chat.live).not_to_contain_text("c'est gratuit?")
    page.reload()
    chat.tells("resumed")
    expect(chat.live).to_be_empty()


def test_an_announcement_is_in_the_language_of_its_message(visit: Visits) -> None:
    chat = Chat(visit("french")).open()
    chat.say("how much does the coaching cost for a small organization?")
    chat = Chat(chat.page, "en")
    expect(chat.live.locator("p").last).to_have_attribute("lang", "en")
    expect(chat.live.locator("p").first).to_have_attribute("lang", "fr")


def test_a_message_that_comes_to_a_closed_chat_is_counted_on_the_launcher(
    visit: Visits, paste: Paste, open_door: OpenDoor, answering: threading.Event
) -> None:
    chat = Chat(visit(paste("news", open_door().base))).open()
    chat.say("bonjour")
    chat.page.keyboard.press("Escape")
    answering.set()
    unread = chat.words["unread"].format(count=1)
    expect(chat.launcher).to_have_accessible_name(re.compile(unread))
    chat.launcher.click()
    expect(chat.last).to_contain_text("echo bonjour")
    expect(chat.launcher).to_have_accessible_name(chat.words["launch"])


def test_a_visitor_who_reads_above_is_left_there_and_offered_the_way_down(
    visit: Visits, paste: Paste, open_door: OpenDoor, answering: threading.Event
) -> None:
    chat = Chat(
        visit(
            paste(
                "above",
                open_door().base,
            )
        )
    ).open()
    answering.set()
    chat.say("un\n" * 60)
    expect(chat.messages).to_have_count(3)
    answering.clear()
    chat.say("deux")
    expect(chat.panel.get_by_text(chat.words["typing"])).to_be_visible()
    chat.log.evaluate(TO_THE_TOP)
    answering.set()
    expect(chat.messages).to_have_count(5)
    assert chat.log.evaluate("log => log.scrollTop") == 0
    chat.tool("newest").click()
    expect(chat.last).to_be_in_viewport()
    expect(chat.tool("newest")).to_be_hidden()


def test_the_focus_stays_where_it_is_when_an_answer_comes(
    visit: Visits, paste: Paste, open_door: OpenDoor, answering: threading.Event
) -> None:
    page = visit(paste("focus", open_door().base))
    chat = Chat(page).open()
    chat.say("bonjour")
    page.keyboard.press("Shift+Tab")
    before = focused(page)
    assert "bonjour" in before
    answering.set()
    expect(chat.messages).to_have_count(3)
    assert focused(page) == before
