"""The language of the widget: who decides it, how it is switched, and what then stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browsers import Visits
from chats import Chat
from playwright.sync_api import expect
from sqlalchemy import func, select

from mobilis.models import conversations
from mobilis.store import Database

LINE = '<script defer src="{{door}}/widget.js" data-language="{said}"></script>'


@pytest.mark.parametrize(
    ("said", "page", "browser", "spoken"),
    [
        ("en", "fr", "fr-CA", "en"),
        ("FR-ca", "en", "en-CA", "fr"),
        ("auto", "en", "fr-CA", "en"),
        ("auto", "de", "en-US", "en"),
        ("auto", "", "fr-FR", "fr"),
        ("auto", "", "de-DE", "fr"),
    ],
)
def test_the_attribute_then_the_page_then_the_browser_decides(
    visit: Visits, paste: Callable[..., str], said: str, page: str, browser: str, spoken: str
) -> None:
    paste("spoken", attributes=f' lang="{page}"', line=LINE.format(said=said))
    chat = Chat(visit("spoken", locale=browser), spoken)
    expect(chat.launcher).to_be_visible()
    expect(chat.page.locator("mobilis-chat")).to_have_attribute("lang", spoken)


def test_before_anything_is_said_the_other_language_greets_anew_and_one_conversation_remains(
    visit: Visits, database: Database
) -> None:
    page = visit("french")
    chat = Chat(page).open()
    first = chat.kept("session")["conversation"]
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        chat.tool("other").click()
    chat = Chat(page, "en")
    chat.says("greeting")
    expect(chat.messages).to_have_count(1)
    second = chat.kept("session")["conversation"]
    assert first != second
    with database.read() as connection:
        query = select(func.count()).where(conversations.c.id.in_([first, second]))
        assert connection.execute(query).scalar_one() == 1


def test_in_mid_assessment_the_question_comes_again_and_the_answers_stay(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open().assess_to(2)
    chat.tool("other").click()
    english = Chat(page, "en")
    english.asks(2)
    expect(page.locator("mobilis-chat")).to_have_attribute("lang", "en")
    expect(english.messages.first).to_have_attribute("lang", "fr")
    assert english.newest.get_attribute("lang") is None
    page.reload()
    for number in range(2, 6):
        english.asks(number)
        english.answer(number, "a")
    english.concludes("ready")


def test_a_message_in_the_other_language_takes_the_widget_along(visit: Visits) -> None:
    page = visit("french")
    Chat(page).open().say("how much does the coaching cost for a small organization?")
    chat = Chat(page, "en")
    expect(chat.messages).to_have_count(3)
    page.reload()
    expect(chat.messages).to_have_count(3)
    expect(chat.field).to_be_visible()


def test_the_button_of_the_assistant_switches_as_well(visit: Visits) -> None:
    page = visit("english")
    Chat(page, "en").open()
    page.evaluate("document.querySelector('mobilis-chat').open('switch_language/fr')")
    french = Chat(page)
    french.says("language_switched")
    expect(french.field).to_be_visible()
