"""Buttons of the assistant: what becomes of those that were pressed, and of those beside them."""

from __future__ import annotations

import re

from browsers import Visits
from chats import ERRORS, Chat
from playwright.sync_api import expect

HEARD = re.compile(r"/events|/messages\?after")


def test_a_used_button_says_so_closes_those_beside_it_and_keeps_the_focus(visit: Visits) -> None:
    chat = Chat(visit("french")).open().assess_to(1)
    question = chat.newest
    chat.answer(1, "a")
    chat.asks(2)
    used = question.get_by_role("button", name=chat.chosen(1, "a"))
    expect(used).to_be_disabled()
    expect(used).to_be_focused()
    for button in question.get_by_role("button").all():
        expect(button).to_be_disabled()
    before = chat.messages.count()
    question.get_by_role("button", name=chat.option(1, "b")).click(force=True)
    used.press("Enter")
    chat.answer(2, "a")
    chat.asks(3)
    expect(chat.messages).to_have_count(before + 2)


def test_a_lasting_button_can_be_pressed_again(visit: Visits) -> None:
    chat = Chat(visit("french")).open()
    for count in (3, 5):
        chat.log.get_by_role("button", name=chat.title("find_coach")).first.click()
        expect(chat.messages).to_have_count(count)


def test_the_buttons_of_a_question_answered_in_words_can_still_change_it(visit: Visits) -> None:
    chat = Chat(visit("french")).open().assess_to(1)
    question = chat.newest
    chat.say("a")
    chat.asks(2)
    before = chat.messages.count()
    chat.answer(1, "b")
    expect(chat.messages).to_have_count(before + 2)
    expect(question.get_by_role("button", name=chat.chosen(1, "b"))).to_be_disabled()
    chat.button(chat.title("correct_answer")).click()
    chat.asks(1)


def test_a_choice_that_another_tab_has_made_meanwhile_is_the_one_that_counts(
    visit: Visits,
) -> None:
    first = Chat(visit("french")).open().assess_to(1)
    second = Chat(visit("french", beside=first.page)).open()
    second.asks(1)
    visit.expect("409|ERR_FAILED|ERR_INTERNET_DISCONNECTED")
    second.page.route(HEARD, lambda route: route.abort())
    first.page.context.set_offline(True)
    first.page.context.set_offline(False)
    second.tells("reconnecting")
    first.answer(1, "a")
    first.asks(2)
    second.answer(1, "b")
    expect(second.log).to_contain_text(ERRORS["choice_used"]["fr"])
    second.page.unroute(HEARD)
    second.asks(2)
    for chat in (first, second):
        expect(chat.log.get_by_role("button", name=chat.chosen(1, "a"))).to_be_disabled()
        expect(chat.log.get_by_role("button", name=chat.chosen(1, "b"))).to_have_count(0)
    second.page.reload()
    second.asks(2)
    assert first.history() == second.history()
