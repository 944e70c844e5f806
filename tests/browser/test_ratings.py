"""A visitor says of an answer whether it helped: mouse, keyboard, after a reload, offline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from browsers import Visits
from chats import Chat
from doors import FakeBrain, FrontDoor, echo, say
from playwright.sync_api import Locator, expect
from sqlalchemy import select

from mobilis.models import ratings
from mobilis.store import Database

ANSWER = say("C'est gratuit.", kind="faq", faq={"id": "cost", "sources": []})


@pytest.fixture
def door(open_door: Callable[..., FrontDoor], brain: FakeBrain) -> FrontDoor:
    def script(question: dict[str, str]) -> tuple[int, object]:
        return echo(question) if "payload" in question else (200, {"messages": [ANSWER]})

    brain.script = script
    return open_door()


@pytest.fixture
def kept(door: FrontDoor) -> Iterator[Callable[[], list[bool]]]:
    """What the front door keeps."""
    database = Database(door.settings.database)

    def read() -> list[bool]:
        with database.read() as connection:
            return list(connection.execute(select(ratings.c.helpful)).scalars())

    yield read
    database.dispose()


@pytest.fixture
def chat(visit: Visits, door: FrontDoor, paste: Callable[..., str]) -> Chat:
    """A chat that has answered a question."""
    chat = Chat(visit(paste("rated", door=str(door.http.base_url)))).open()
    chat.say("c'est combien?")
    expect(chat.last).to_contain_text("C'est gratuit.")
    return chat


def thumb(chat: Chat, key: str) -> Locator:
    return chat.panel.get_by_role("button", name=chat.words[key])


def eventually(chat: Chat, condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        chat.page.wait_for_timeout(50)
    pytest.fail("it never came true")


def test_a_thumb_is_pressed_announced_kept_and_taken_back(
    chat: Chat, kept: Callable[[], list[bool]]
) -> None:
    up, down = thumb(chat, "helpfulHelp"), thumb(chat, "unhelpfulHelp")
    expect(up).to_have_attribute("aria-pressed", "false")
    for one in (up, down):
        box = one.bounding_box()
        assert box and box["height"] >= 44 and box["width"] >= 44
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(chat.live).to_contain_text(chat.words["rated"])
    eventually(chat, lambda: kept() == [True])
    down.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    eventually(chat, lambda: kept() == [False])
    down.click()
    expect(chat.live).to_contain_text(chat.words["ratingTaken"])
    eventually(chat, lambda: kept() == [])


def test_it_is_there_after_a_reload(chat: Chat, kept: Callable[[], list[bool]]) -> None:
    thumb(chat, "unhelpfulHelp").click()
    eventually(chat, lambda: kept() == [False])
    chat.page.reload()
    expect(thumb(chat, "unhelpfulHelp")).to_have_attribute("aria-pressed", "true")
    expect(thumb(chat, "helpfulHelp")).to_have_attribute("aria-pressed", "false")


def test_the_keyboard_reaches_it_and_the_focus_stays(
    chat: Chat, kept: Callable[[], list[bool]]
) -> None:
    chat.last.focus()
    chat.page.keyboard.press("ArrowDown")
    up = thumb(chat, "helpfulHelp")
    expect(up).to_be_focused()
    chat.page.keyboard.press("Enter")
    eventually(chat, lambda: kept() == [True])
    expect(up).to_be_focused()
    expect(up).to_have_attribute("aria-pressed", re.compile("true"))


def test_said_offline_it_arrives_when_the_connection_is_back(
    visit: Visits, chat: Chat, kept: Callable[[], list[bool]]
) -> None:
    visit.expect("ERR_INTERNET_DISCONNECTED")
    chat.page.context.set_offline(True)
    chat.tells("offline")
    thumb(chat, "helpfulHelp").click()
    expect(thumb(chat, "helpfulHelp")).to_have_attribute("aria-pressed", "true")
    assert kept() == []
    chat.page.context.set_offline(False)
    eventually(chat, lambda: kept() == [True])
