"""The demo site: its buttons open the chat, in its language; without scripts they still lead on."""

from __future__ import annotations

import pytest
from browsers import Visits
from chats import Chat
from playwright.sync_api import expect
from processes import Stack

from mobilis.content import read_yaml
from mobilis.settings import ROOT

SITE = read_yaml(ROOT, "content/site.yml")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_its_buttons_open_the_chat_on_what_they_say(
    visit: Visits, stack: Stack, language: str
) -> None:
    page = visit(f"{stack.base}/?lang={language}", locale="de-DE")
    chat = Chat(page, language)
    page.get_by_role("link", name=chat.title("find_coach")).first.click()
    chat.says("coaches_ask")
    page.keyboard.press("Escape")
    ready = page.get_by_role("link", name=SITE["hero_ready"][language]).first
    ready.click()
    chat.asks(1)
    page.keyboard.press("Escape")
    expect(ready).to_be_focused()


def test_its_two_languages_share_the_conversation(visit: Visits, stack: Stack) -> None:
    page = visit(f"{stack.base}/")
    chat = Chat(page).open().assess_to(2)
    page.get_by_role("link", name="English").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    chat.asks(2)


def test_without_scripts_its_buttons_lead_to_a_plain_contact(visit: Visits, stack: Stack) -> None:
    page = visit(f"{stack.base}/?lang=en", javascript=False)
    page.get_by_role("link", name=SITE["hero_ready"]["en"]).first.click()
    expect(page).to_have_url(f"{stack.base}/?lang=en#contact")
    expect(page.get_by_role("link", name=SITE["contact_fallback"]["en"])).to_be_visible()
