"""The widget with the keyboard alone: no mouse, and no focus but what keys have moved."""

from __future__ import annotations

from pathlib import Path

from browsers import Visits
from chats import ASSESSMENT, Chat, focused, go, is_on
from playwright.sync_api import Page, expect
from processes import Stack


def open_by_keys(page: Page, language: str = "fr") -> Chat:
    """From the top of the page to the launcher, and greeted, the focus in the field."""
    chat = Chat(page, language)
    go(page, "Tab", chat.words["launch"])
    page.keyboard.press("Enter")
    expect(chat.last).to_be_visible()
    assert focused(page) == chat.words["label"]
    return chat


def choose_by_keys(chat: Chat, name: str) -> None:
    """From the messages, walk to a button with the arrows and press it."""
    go(chat.page, "ArrowDown", name)
    chat.page.keyboard.press("Enter")


def test_the_assessment_is_done_with_tab_arrows_and_enter(visit: Visits) -> None:
    page = visit("french")
    chat = open_by_keys(page)
    go(page, "Shift+Tab", chat.words["assistant"])  # the greeting
    choose_by_keys(chat, chat.title("start_assessment"))
    for number in range(1, 6):
        chat.asks(number)
        choose_by_keys(chat, chat.option(number, "a"))
        assert is_on(page, chat.option(number, "a"))  # until a key moves it
    chat.concludes("ready")
    go(page, "ArrowDown", chat.words["assistant"])
    assert ASSESSMENT.bands["ready"].title["fr"] in focused(page)
    go(page, "ArrowDown", chat.title("declare_interest"))
    page.keyboard.press("Escape")
    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()
    page.keyboard.press("Enter")
    chat.concludes("ready")


def test_the_assessment_is_done_with_letters_and_words(visit: Visits) -> None:
    page = visit("english")
    chat = open_by_keys(page, "en")
    page.keyboard.type("can we take the readiness quiz?\n")
    for number, typed in enumerate(("a", "the second one", "option b", "2", "c."), start=1):
        chat.asks(number)
        assert focused(page) == chat.words["label"]
        page.keyboard.type(f"{typed}\n")
    chat.concludes("nearly")
    page.keyboard.press("Escape")
    expect(chat.launcher).to_be_focused()


def test_a_blank_file_with_the_line_is_enough_for_keys_a_small_screen_and_two_reloads(
    visit: Visits, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(f'<script defer src="{stack.base}/widget.js" data-language="auto"></script>')
    page = visit(file.as_uri(), width=390, height=844)
    chat = open_by_keys(page)
    page.keyboard.type("je veux faire l'autoévaluation\n")
    chat.asks(1)
    go(page, "Shift+Tab", chat.words["assistant"])
    choose_by_keys(chat, chat.option(1, "a"))
    chat.asks(2)
    page.reload()
    chat.asks(2)
    go(page, "Tab", chat.words["assistant"])
    choose_by_keys(chat, chat.option(2, "a"))
    chat.asks(3)
    choose_by_keys(chat, chat.words["back"])
    chat.asks(2)
    choose_by_keys(chat, chat.option(2, "b"))
    chat.asks(3)
    page.reload()
    chat.asks(3)
    go(page, "Tab", chat.words["label"])
    page.keyboard.type("c'est assez précis, mais on ne sait pas quand agir\n")
    chat.asks(4)
    for number in (4, 5):
        chat.asks(number)
        page.keyboard.type("b\n")
    chat.concludes("nearly")


def test_shift_enter_begins_a_line_and_enter_sends_them_all(visit: Visits) -> None:
    page = visit("french")
    chat = open_by_keys(page)
    page.keyboard.type("bonjour,")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("merci\n")
    expect(chat.mine).to_contain_text("bonjour,\nmerci")


def test_escape_in_the_question_about_erasing_leaves_that_question_alone(visit: Visits) -> None:
    page = visit("french")
    chat = open_by_keys(page)
    go(page, "Tab", chat.words["forgetHelp"])
    page.keyboard.press("Enter")
    assert focused(page) == chat.words["forgetNo"]
    page.keyboard.press("Escape")
    assert focused(page) == chat.words["forgetHelp"]
    expect(chat.panel).to_be_visible()
