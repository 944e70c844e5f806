"""What a visitor sees when something fails in mid-conversation: it is said, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import pytest
from browsers import Visits
from chats import ASSESSMENT, Chat
from doors import FakeBrain, FrontDoor, echo
from playwright.sync_api import expect
from processes import Stack

from mobilis.web import limits

FALLBACK = '<p><a href="/contact" data-mobilis-fallback>Nous joindre</a></p>'
ASKED_LAST = ASSESSMENT.questions[4].text["en"]
Paste = Callable[..., str]
OpenDoor = Callable[..., FrontDoor]


def test_a_front_door_that_is_killed_loses_nothing_and_says_nothing_twice(
    visit: Visits, stack: Stack
) -> None:
    chat = Chat(visit("french")).open().assess_to(3)
    visit.expect("ERR_|503")
    stack.kill("door")
    chat.answer(3, "a")
    chat.tells("reconnecting")
    chat.asks(4)
    chat.tells("online")
    said = chat.history()
    assert len(said) == len(set(said))
    chat.page.reload()
    chat.asks(4)
    assert chat.history() == said


def test_a_brain_that_is_killed_answers_once_it_is_back(visit: Visits, stack: Stack) -> None:
    chat = Chat(visit("english"), "en").open().assess_to(4)
    stack.kill("brain")
    chat.answer(4, "a")
    stack.wait_until_ready()
    expect(chat.last).to_contain_text(ASKED_LAST, timeout=60_000)  # the next try may be late
    chat.asks(5)
    said = chat.history()
    assert len(said) == len(set(said))


def test_what_is_said_offline_waits_and_then_goes_out_in_order(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open().assess_to(1)
    visit.expect("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    chat.tells("offline")
    chat.say("a")
    chat.say("b")
    expect(chat.mine).to_have_count(3)
    page.context.set_offline(False)
    chat.tells("online")
    chat.asks(3)
    expect(chat.messages).to_have_count(8)


def test_a_limit_that_is_reached_is_told_and_then_it_goes_on(
    visit: Visits, paste: Paste, open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WINDOW_SECONDS", 3.0)
    door = open_door(messages_per_minute=1)
    chat = Chat(visit(paste("limited", door.base))).open()
    visit.expect("429")
    chat.say("un")
    chat.say("deux")
    chat.tells("busy")
    expect(chat.last).to_contain_text("echo deux")
    expect(chat.messages).to_have_count(5)
    expect(chat.status).to_be_empty()


def test_a_limit_on_openings_is_told_and_then_it_opens(
    visit: Visits, paste: Paste, open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WINDOW_SECONDS", 2.0)
    door = open_door(conversations_per_minute_address=1)
    door.visitor()
    visit.expect("429")
    chat = Chat(visit(paste("limited", door.base)))
    chat.launcher.click()
    chat.tells("busy")
    expect(chat.last).to_contain_text("Bonjour")
    expect(chat.status).to_be_empty()


def test_a_front_door_out_of_reach_offers_the_plain_contact_until_it_is_back(
    visit: Visits, paste: Paste, open_door: OpenDoor
) -> None:
    door = open_door()
    page = visit(paste("reachable", door.base, body=FALLBACK))
    expect(page.get_by_role("link", name="Nous joindre")).to_be_hidden()
    visit.expect("ERR_CONNECTION_REFUSED")
    door.stop()
    chat = Chat(page)
    chat.launcher.click()
    chat.tells("reconnecting")
    link = chat.status.get_by_role("link", name=chat.words["contact"])
    expect(link).to_have_attribute("href", page.url.replace("reachable", "contact"))
    door.start()
    expect(chat.last).to_contain_text("Bonjour")
    expect(link).to_have_count(0)


def test_an_answer_that_takes_long_is_said_to(
    visit: Visits, paste: Paste, open_door: OpenDoor, brain: FakeBrain
) -> None:
    done = threading.Event()
    page = visit(paste("slow", open_door().base))
    page.clock.install()
    chat = Chat(page).open()
    brain.script = lambda question: (done.wait(30), echo(question))[1]
    chat.say("bonjour")
    expect(chat.panel.get_by_text(chat.words["typing"])).to_be_visible()
    page.clock.fast_forward(10_000)
    chat.tells("slow")
    done.set()
    expect(chat.last).to_contain_text("echo bonjour")
    expect(chat.status).to_be_empty()
    expect(chat.panel.get_by_text(chat.words["typing"])).to_be_hidden()


def test_a_conversation_erased_elsewhere_gives_way_to_a_new_one(
    visit: Visits, stack: Stack
) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    visit.expect("401")
    old = chat.kept("session")
    erase(stack, old)
    chat.tells("gone")
    expect(chat.messages).to_have_count(1)
    assert chat.kept("session")["conversation"] != old["conversation"]
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)


def test_a_conversation_that_expired_meanwhile_is_said_to_be_gone(
    visit: Visits, stack: Stack
) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    old, address = chat.kept("session"), page.url
    page.goto("about:blank")
    erase(stack, old)
    visit.expect("401")
    page.goto(address)
    chat.tells("gone")
    expect(chat.messages).to_have_count(1)
    assert chat.kept("session")["conversation"] != old["conversation"]


def test_what_is_said_to_a_conversation_that_is_gone_is_said_in_the_new_one(
    visit: Visits, stack: Stack
) -> None:
    page = visit("french")
    chat = Chat(page).open()
    old = chat.kept("session")
    visit.expect("401|ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    chat.say("bonjour")
    erase(stack, old)
    page.context.set_offline(False)
    expect(chat.messages).to_have_count(3)
    expect(chat.mine).to_have_count(1)
    assert chat.kept("session")["conversation"] != old["conversation"]


def test_a_network_that_changes_without_breaking_is_not_said_to_be_gone_for_ever(
    visit: Visits,
) -> None:
    chat = Chat(visit("french")).open().assess_to(1)
    chat.page.evaluate("dispatchEvent(new Event('offline'))")
    chat.tells("offline")
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    chat.tells("online")


def erase(stack: Stack, session: dict[str, str]) -> None:
    """Erase a conversation as its owner may, on another device."""
    httpx.delete(
        f"{stack.base}/api/conversations/{session['conversation']}",
        headers={"Authorization": f"Bearer {session['token']}"},
    ).raise_for_status()
