"""Two tabs of one visitor: one conversation, and what happens in one is seen in the other."""

from __future__ import annotations

from browsers import Visits
from chats import Chat
from playwright.sync_api import expect
from sqlalchemy import func, select

from mobilis.models import conversations
from mobilis.store import Database


def two_tabs(visit: Visits) -> tuple[Chat, Chat]:
    """Both with the chat open."""
    first = Chat(visit("french")).open()
    second = Chat(visit("blank", beside=first.page)).open()
    expect(second.messages).to_have_count(1)
    return first, second


def test_both_show_all_that_is_said_in_either(visit: Visits) -> None:
    first, second = two_tabs(visit)
    first.say("bonjour")
    expect(second.messages).to_have_count(3)
    second.say("merci beaucoup")
    expect(second.messages).to_have_count(5)
    expect(first.messages).to_have_count(5)
    assert first.history() == second.history()


def test_a_choice_made_in_one_is_closed_in_the_other(visit: Visits) -> None:
    first, second = two_tabs(visit)
    first.assess_to(2)
    second.asks(2)
    expect(second.log.get_by_role("button", name=first.chosen(1, "a"))).to_be_disabled()
    expect(second.log.get_by_role("button", name=first.option(1, "b"))).to_be_disabled()
    second.answer(2, "b")
    first.asks(3)
    expect(first.log.get_by_role("button", name=first.chosen(2, "b"))).to_be_disabled()


def test_forgetting_in_one_empties_the_other_and_both_go_on_in_the_new_one(visit: Visits) -> None:
    first, second = two_tabs(visit)
    first.say("bonjour")
    expect(second.messages).to_have_count(3)
    first.forget()
    expect(first.messages).to_have_count(1)
    expect(second.messages).to_have_count(1)
    second.say("salut")
    expect(first.messages).to_have_count(3)
    assert first.history() == second.history()


def test_starting_over_in_one_takes_the_other_along(visit: Visits) -> None:
    first, second = two_tabs(visit)
    first.say("bonjour")
    expect(second.messages).to_have_count(3)
    first.tool("restartHelp").click()
    expect(second.messages).to_have_count(1)
    first.say("salut")
    expect(second.messages).to_have_count(3)


def test_two_tabs_opened_at_once_open_one_conversation(visit: Visits, database: Database) -> None:
    before = number_kept(database)
    first = visit("french")
    pages = [first, visit("french", beside=first)]
    for page in pages:
        page.evaluate("document.querySelector('mobilis-chat').open()")
    chats = [Chat(page) for page in pages]
    for chat in chats:
        expect(chat.messages).to_have_count(1)
    assert number_kept(database) == before + 1
    chats[0].say("bonjour")
    expect(chats[1].messages).to_have_count(3)


def number_kept(database: Database) -> int:
    """How many conversations the server has."""
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(conversations)).scalar_one())
