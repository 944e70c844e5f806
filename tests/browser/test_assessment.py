"""The self-assessment by mouse: to a result, back and forth, set aside, interrupted."""

from __future__ import annotations

import pytest
from browsers import Visits
from chats import ASSESSMENT, Chat
from playwright.sync_api import expect

PAGE = {"fr": "french", "en": "english"}
TOO_WIDE = """() => [document.scrollingElement,
  ...document.querySelector("mobilis-chat").shadowRoot.querySelectorAll("dialog, .log")]
  .filter(box => box.scrollWidth > box.clientWidth).map(box => box.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_team_answers_with_the_mouse_and_reads_its_result(visit: Visits, language: str) -> None:
    chat = Chat(visit(PAGE[language]), language).open()
    chat.press("start_assessment")
    for number, letter in enumerate("abbbc", start=1):
        chat.asks(number)
        said = chat.words["question"].format(number=number, of=5)
        expect(chat.last.get_by_role("progressbar", name=said)).to_have_attribute(
            "value", str(number)
        )
        chat.answer(number, letter)
    chat.concludes("nearly")
    expect(chat.last).to_contain_text(ASSESSMENT.questions[4].tip[language])
    expect(chat.button(chat.title("find_coach"))).to_be_visible()


def test_at_320_pixels_nothing_has_to_be_scrolled_sideways(visit: Visits) -> None:
    page = visit("french", width=320, height=640)
    chat = Chat(page).open()
    assert page.evaluate(TOO_WIDE) == []
    chat.assess_to(2)
    assert page.evaluate(TOO_WIDE) == []
    for number in range(2, 6):
        chat.asks(number)
        chat.answer(number, "b")
    chat.concludes("nearly")
    assert page.evaluate(TOO_WIDE) == []


def test_on_a_phone_the_chat_is_the_whole_screen_until_it_is_closed(visit: Visits) -> None:
    page = visit("french", width=390, height=844, phone=True, reduced_motion="reduce")
    chat = Chat(page)
    chat.launcher.tap()
    expect(chat.last).to_be_visible()
    assert chat.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert chat.panel.evaluate("dialog => dialog.matches(':modal')")
    chat.button(chat.title("start_assessment")).tap()
    for number in range(1, 6):
        chat.asks(number)
        chat.button(chat.option(number, "a")).tap()
    chat.concludes("ready")
    chat.tool("close").tap()
    expect(chat.panel).to_be_hidden()
    chat.launcher.tap()
    chat.concludes("ready")
    page.keyboard.press("Escape")
    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()


def test_the_question_before_comes_back_and_takes_another_answer(visit: Visits) -> None:
    chat = Chat(visit("french")).open().assess_to(2)
    back = chat.button(chat.words["back"])
    back.click()
    chat.asks(1)
    expect(chat.log.get_by_role("button", name=chat.words["back"])).to_have_count(1)
    chat.answer(1, "a")
    chat.asks(2)


def test_it_is_set_aside_and_picked_up_where_it_was(visit: Visits) -> None:
    chat = Chat(visit("english"), "en").open().assess_to(2)
    chat.say("stop for now please")
    chat.says("assessment_paused")
    chat.press("resume")
    chat.asks(2)


def test_a_question_in_the_middle_is_answered_and_then_it_goes_on(visit: Visits) -> None:
    chat = Chat(visit("french")).open().assess_to(3)
    before = chat.messages.count()
    chat.say("c'est tu gratuit, votre affaire?")
    chat.asks(3)
    expect(chat.messages).to_have_count(before + 3)
    answer = chat.messages.nth(before + 1)
    expect(answer.get_by_role("button", name=chat.title("request_human"))).to_be_visible()
    chat.answer(3, "a")
    chat.asks(4)
