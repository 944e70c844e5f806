"""What a website may set, call and hear: attributes, its own buttons, methods and events."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browsers import Visits
from chats import Chat
from playwright.sync_api import Page, expect

Paste = Callable[..., str]
LINE = '<script defer src="{{door}}/widget.js" data-language="auto" {more}></script>'
HEAR = """() => {
  self.told = [];
  for (const name of ["open", "close", "message", "result", "lead"]) {
    document.addEventListener(`mobilis:${name}`, ({ type, target, detail }) =>
      self.told.push([type, target.localName, detail]));
  }
}"""
CHAT = "document.querySelector('mobilis-chat')"


def line(more: str) -> str:
    """The line with further attributes."""
    return LINE.format(more=more)


def told(page: Page, name: str) -> list[dict]:
    return [
        detail for type, target, detail in page.evaluate("self.told") if type == f"mobilis:{name}"
    ]


def test_events_tell_what_happened_and_never_what_was_said(visit: Visits) -> None:
    page = visit("french")
    page.evaluate(HEAR)
    chat = Chat(page).open()
    chat.press("start_assessment")
    for number in range(1, 6):
        chat.asks(number)
        chat.answer(number, "b" if number > 1 else "a")
    chat.concludes("nearly")
    assert told(page, "result") == [
        {
            "band": "nearly",
            "score": 11,
            "of": 15,
            "gaps": ["impact", "change", "allies", "capacity"],
        }
    ]
    messages = told(page, "message")
    assert len(messages) == chat.messages.count()
    assert {tuple(sorted(message)) for message in messages} == {("id", "kind", "language", "role")}
    page.keyboard.press("Escape")
    assert [told(page, name) for name in ("open", "close")] == [[{}], [{}]]
    assert {target for _, target, _ in page.evaluate("self.told")} == {"mobilis-chat"}
    page.reload()
    page.evaluate(HEAR)
    chat.open()
    chat.concludes("nearly")
    assert told(page, "message") == told(page, "result") == []  # it happened before


def test_a_page_opens_closes_and_speaks_for_its_visitor(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page)
    page.evaluate(f"{CHAT}.open('start_assessment')")
    chat.asks(1)
    page.evaluate(f"{CHAT}.close()")
    expect(chat.panel).to_be_hidden()
    page.evaluate(f"{CHAT}.send('a')")
    chat.asks(2)
    page.evaluate(f"{CHAT}.send('  ')")
    chat.say("b")
    chat.asks(3)
    expect(chat.mine).to_have_count(3)


def test_closing_what_a_script_opened_leads_to_the_launcher(visit: Visits) -> None:
    page = visit("french")
    page.evaluate(f"{CHAT}.open()")
    chat = Chat(page)
    expect(chat.last).to_be_visible()
    page.keyboard.press("Escape")
    expect(chat.launcher).to_be_focused()


@pytest.mark.parametrize("kind", ["link", "button"])
def test_the_page_has_its_own_buttons_and_gets_the_focus_back(
    visit: Visits, paste: Paste, kind: str
) -> None:
    element = {
        "link": '<a href="/nowhere" data-mobilis-open="start_assessment">Sommes-nous prêts?</a>',
        "button": '<button data-mobilis-open="start_assessment"><b>Sommes-nous prêts?</b></button>',
    }[kind]
    page = visit(paste("own-buttons", body=f"<main>{element}</main>"))
    chat = Chat(page)
    page.get_by_role(kind, name="Sommes-nous prêts?").click()
    chat.asks(1)
    expect(chat.mine).to_contain_text(chat.title("start_assessment"))
    page.keyboard.press("Escape")
    expect(page.get_by_role(kind, name="Sommes-nous prêts?")).to_be_focused()


def test_data_open_opens_with_the_page_and_leaves_the_focus_where_it_is(
    visit: Visits, paste: Paste
) -> None:
    page = visit(paste("opens", line=line("data-open")))
    chat = Chat(page)
    chat.says("greeting")
    assert page.evaluate("document.activeElement === document.body")
    chat.tool("close").click()
    page.reload()
    expect(chat.launcher).to_be_visible()


def test_data_open_opens_on_an_intent_once(visit: Visits, paste: Paste) -> None:
    page = visit(paste("opens-on", line=line('data-open="start_assessment"')))
    chat = Chat(page)
    chat.asks(1)
    chat.answer(1, "a")
    chat.asks(2)
    page.reload()
    chat.asks(2)
    chat.answer(2, "a")
    chat.asks(3)
    expect(chat.mine).to_have_count(3)


def test_data_privacy_is_where_the_line_of_consent_leads(visit: Visits, paste: Paste) -> None:
    page = visit(paste("privacy", line=line('data-privacy="https://example.org/vie-privee"')))
    chat = Chat(page).open()
    link = chat.panel.get_by_role("link", name=chat.words["privacy"])
    expect(link).to_have_attribute("href", "https://example.org/vie-privee")
    expect(chat.panel.get_by_text(chat.words["consent"].format(days=180))).to_be_visible()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    expect(link).to_be_hidden()


def test_the_front_door_s_own_page_about_privacy_is_there(visit: Visits, stack) -> None:
    chat = Chat(visit("english"), "en").open()
    link = chat.panel.get_by_role("link", name=chat.words["privacy"])
    with chat.page.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("html")).to_have_attribute("lang", re.compile("^en"))


def test_the_accent_the_side_and_the_theme_are_the_page_s(visit: Visits, paste: Paste) -> None:
    chosen = line('data-accent="#7a1f5c" data-position="left" data-theme="dark"')
    chat = Chat(visit(paste("looks", line=chosen))).open()
    style = "(node, name) => getComputedStyle(node)[name]"
    assert chat.launcher.evaluate(style, "backgroundColor") == "rgb(122, 31, 92)"
    assert chat.launcher.evaluate(style, "color") == "rgb(255, 255, 255)"
    box, launcher = chat.panel.bounding_box(), chat.launcher.bounding_box()
    assert box and launcher and box["x"] == launcher["x"] < 100
    assert chat.panel.evaluate(style, "backgroundColor") == "rgb(22, 28, 36)"


def test_a_page_may_place_the_element_itself(visit: Visits, paste: Paste) -> None:
    body = '<main><mobilis-chat data-language="en" data-open></mobilis-chat></main>'
    page = visit(paste("by-hand", body=body))
    Chat(page, "en").says("greeting")
    assert page.evaluate("document.querySelectorAll('mobilis-chat').length") == 1


@pytest.mark.parametrize("how", ["defer", "", "async"])
def test_the_line_pasted_twice_is_one_chat(visit: Visits, paste: Paste, how: str) -> None:
    twice = f'<script {how} src="{{door}}/widget.js"></script>' * 2
    page = visit(paste("twice", line=twice))
    Chat(page).open()
    assert page.evaluate("document.querySelectorAll('mobilis-chat').length") == 1


def test_the_plain_contact_is_there_without_javascript_and_not_with_it(
    visit: Visits, paste: Paste
) -> None:
    body = '<main><a href="/contact" data-mobilis-fallback>Nous joindre</a></main>'
    name = paste("contact", body=body)
    expect(visit(name, javascript=False).get_by_role("link")).to_be_visible()
    expect(visit(name).get_by_role("link")).to_have_count(0)
