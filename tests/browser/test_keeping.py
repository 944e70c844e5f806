"""What was said, taken home or erased: the transcript, starting over, and forgetting."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browsers import Visits
from chats import ASSESSMENT, WORDING, Chat
from doors import FrontDoor
from playwright.sync_api import expect
from sqlalchemy import func, select

from mobilis.models import conversations
from mobilis.store import Database

PAGE = {"fr": "french", "en": "english"}


def are_kept(database: Database, *ids: str) -> int:
    """How many of these conversations the server still has."""
    with database.read() as connection:
        query = select(func.count()).where(conversations.c.id.in_(ids))
        return int(connection.execute(query).scalar_one())


@pytest.mark.parametrize(("language", "asked"), [("fr", "c'est gratuit?"), ("en", "is it free?")])
def test_the_download_holds_all_that_was_said(visit: Visits, language: str, asked: str) -> None:
    chat = Chat(visit(PAGE[language]), language).open()
    chat.say(asked)
    expect(chat.messages).to_have_count(3)
    with chat.page.expect_download() as started:
        chat.tool("downloadHelp").click()
    assert started.value.suggested_filename == "conversation.txt"
    text = Path(started.value.path()).read_text(encoding="utf-8")
    assert WORDING["greeting"][language].partition("\n")[0] in text
    assert asked in text
    who = [
        line.partition("] ")[2].split(":")[0].strip()
        for line in text.splitlines()
        if "UTC]" in line
    ]
    assert who == [chat.words["assistant"], chat.words["you"], chat.words["assistant"]]


def test_forgetting_asks_once_and_no_keeps_everything(visit: Visits, database: Database) -> None:
    chat = Chat(visit("french")).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    id = chat.kept("session")["conversation"]
    chat.tool("forgetHelp").click()
    expect(chat.panel.get_by_role("group", name=chat.words["forgetQuestion"])).to_be_visible()
    chat.tool("forgetNo").click()
    expect(chat.panel.get_by_role("group", name=chat.words["forgetQuestion"])).to_be_hidden()
    expect(chat.messages).to_have_count(3)
    assert are_kept(database, id) == 1


def test_forgetting_erases_on_the_server_and_begins_anew(visit: Visits, database: Database) -> None:
    chat = Chat(visit("english"), "en").open()
    chat.say("hello, Sam from Prairie Harvest here")
    expect(chat.messages).to_have_count(3)
    old = chat.kept("session")["conversation"]
    chat.forget()
    chat.says("greeting")
    expect(chat.messages).to_have_count(1)
    assert are_kept(database, old) == 0
    assert are_kept(database, chat.kept("session")["conversation"]) == 1
    assert "Prairie" not in chat.page.evaluate("JSON.stringify([localStorage, sessionStorage])")


def test_starting_over_leaves_the_old_one_erasable_and_forgetting_then_erases_both(
    visit: Visits, database: Database
) -> None:
    chat = Chat(visit("french")).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    first = chat.kept("session")["conversation"]
    chat.tool("restartHelp").click()
    chat.tells("restarted")
    expect(chat.messages).to_have_count(1)
    second = chat.kept("session")["conversation"]
    assert are_kept(database, first, second) == 2
    chat.page.reload()
    chat.forget()
    assert are_kept(database, first, second) == 0


def test_what_cannot_be_erased_or_downloaded_now_is_said_and_stays(
    visit: Visits, paste: Callable[..., str], open_door: Callable[..., FrontDoor]
) -> None:
    door = open_door()
    chat = Chat(visit(paste("kept", door.base))).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    visit.expect("ERR_")
    door.stop()
    chat.tool("downloadHelp").click()
    chat.tells("notDownloaded")
    chat.tool("forgetHelp").click()
    chat.tool("forgetYes").click()
    chat.tells("notErased")
    door.start()
    chat.say("toujours là?")
    expect(chat.messages).to_have_count(5)


def test_a_result_is_printed_downloaded_and_erased_with_the_conversation(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.assess_to(5)
    chat.answer(5, "b")
    chat.concludes("ready")
    with page.expect_download() as started:
        chat.last.get_by_role("link", name=chat.words["resultDownload"]).click()
    text = Path(started.value.path()).read_text(encoding="utf-8")
    assert ASSESSMENT.bands["ready"].title["fr"] in text
    with page.context.expect_page() as opened:
        chat.last.get_by_role("link", name=chat.words["resultPage"]).click()
    result = opened.value
    expect(result.locator("html")).to_have_attribute("lang", re.compile("^fr"))
    expect(result.get_by_text(ASSESSMENT.bands["ready"].title["fr"]).first).to_be_visible()
    chat.forget()
    assert result.reload().status == 404
