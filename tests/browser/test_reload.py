"""Reloads, second pages and closed tabs: the conversation is there, and nothing is sent twice."""

from __future__ import annotations

import pytest
from browsers import Visits
from chats import Chat
from playwright.sync_api import expect


def test_a_reload_in_mid_assessment_keeps_it_and_says_so(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open().assess_to(3)
    said = chat.history()
    page.reload()
    chat.tells("resumed")
    assert chat.history() == said
    chat.answer(3, "a")
    chat.asks(4)


def test_what_was_answered_stays_closed_after_a_reload(visit: Visits) -> None:
    page = visit("english")
    chat = Chat(page, "en").open().assess_to(2)
    page.reload()
    chat.asks(2)
    expect(chat.log.get_by_role("button", name=chat.chosen(1, "a"))).to_be_disabled()
    expect(chat.log.get_by_role("button", name=chat.option(1, "b"))).to_be_disabled()


def test_another_page_of_the_site_has_the_conversation_in_its_language(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open().assess_to(2)
    said = chat.history()
    page.goto(page.url.replace("french", "english"))
    chat.asks(2)
    assert chat.history() == said


def test_a_closed_chat_stays_closed_on_the_next_page_and_asks_for_nothing(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.tool("close").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(chat.launcher).to_have_attribute("aria-expanded", "false")
    assert [url for url in asked if "/api/" in url] == []
    chat.open()
    expect(chat.messages).to_have_count(1)


def test_a_text_that_is_not_sent_survives_a_reload(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.field.fill("Nous sommes un organisme de")
    page.reload()
    expect(chat.field).to_have_value("Nous sommes un organisme de")
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    page.reload()
    expect(chat.messages).to_have_count(3)
    expect(chat.field).to_have_value("")


@pytest.mark.parametrize("leaves", ["reloads", "comes back in another tab"])
def test_what_was_said_offline_is_sent_once_by_the_next_page(visit: Visits, leaves: str) -> None:
    page = visit("french")
    chat = Chat(page).open()
    visit.expect("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    chat.say("c'est quoi une coalition?")
    expect(chat.last).to_contain_text(chat.words["unsent"])
    chat.tells("offline")
    if leaves == "reloads":
        page.context.set_offline(False)
        page.reload()
    else:
        page.close()
        page.context.set_offline(False)
        chat = Chat(visit("french", beside=page)).open()
    expect(chat.messages).to_have_count(3)
    expect(chat.mine).to_have_count(1)
    expect(chat.mine).not_to_contain_text(chat.words["unsent"])
    chat.page.reload()
    expect(chat.messages).to_have_count(3)
