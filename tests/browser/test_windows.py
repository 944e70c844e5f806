"""The widget in windows of every size: zoom, wide spacing of text, phones."""

from __future__ import annotations

import appearance
import pytest
from browsers import Visits
from chats import Chat, focused, go
from playwright.sync_api import Page, expect
from processes import Stack
from states import ASKED, GREETED, SHADOW, walk

SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  const root = document.querySelector('mobilis-chat').shadowRoot;
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 568)])
def test_wider_spacing_of_text_loses_nothing(
    visit: Visits, stack: Stack, width: int, height: int
) -> None:
    page = visit("french", width=width, height=height)
    visit.expect("ERR_INTERNET_DISCONNECTED")
    page.evaluate(SPACED)
    lost = []
    for state in walk(Chat(page), stack):
        found = appearance.cut_off(page) + appearance.out_of_reach(page)
        lost += [f"{state}: {sentence}" for sentence in found]
    assert lost == []


@pytest.mark.parametrize(("width", "height"), [(640, 512), (320, 256), (320, 568), (844, 390)])
def test_messages_and_field_are_seen_together(visit: Visits, width: int, height: int) -> None:
    page = visit("french", width=width, height=height)
    chat = Chat(page).open()
    seen = f"""() => ['.log', 'textarea', '.send'].map(name => {{
      const {{ top, bottom }} = {SHADOW}.querySelector(name).getBoundingClientRect();
      return Math.min(bottom, innerHeight) - Math.max(top, 0);
    }})"""
    for count in (1, 3):  # with the line of consent, and without
        expect(chat.messages).to_have_count(count)
        log, text, send = page.evaluate(seen)
        assert log >= 60
        assert (round(text), round(send)) == (48, 48)
        chat.say(GREETED["fr"])


# --- a phone


def on_a_phone(visit: Visits) -> Page:
    """A page on a phone of somebody for whom nothing moves: what rises is not where it will be."""
    return visit("french", width=390, height=700, phone=True, reduced_motion="reduce")


def told(page: Page) -> set[str]:
    """The names of all that who cannot see the page is told of."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    named = [node for node in tree["nodes"] if not node["ignored"]]
    return {node.get("name", {}).get("value", "") for node in named}


def test_on_a_phone_the_page_behind_is_out_of_the_way(visit: Visits) -> None:
    page = on_a_phone(visit)
    assert "Contact" in told(page)
    chat = Chat(page).open()
    assert "Contact" not in told(page)
    assert chat.words["send"] in told(page)
    page.evaluate("document.querySelector('main a').focus()")
    assert focused(page) == chat.words["label"]
    box = chat.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 700}
    chat.tool("close").click()
    assert "Contact" in told(page)
    expect(chat.launcher).to_be_focused()


def test_on_a_desktop_the_page_stays_usable(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    page.get_by_role("link", name="Contact").focus()
    expect(page.get_by_role("link", name="Contact")).to_be_focused()
    go(page, "Tab", chat.words["launch"])  # no trap
    expect(chat.panel).to_be_visible()


def test_a_window_made_small_while_open_covers_the_page_and_back(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.say(ASKED["fr"])
    expect(chat.last).to_contain_text(chat.words["sources"])
    chat.field.fill("un brouillon")
    modal = f"{SHADOW}.querySelector('dialog').matches(':modal')"
    for width, height, expected in ((320, 256, True), (1280, 800, False)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(f"{modal} === {str(expected).lower()}")
        expect(chat.field).to_be_focused()
        expect(chat.field).to_have_value("un brouillon")
        expect(chat.messages).to_have_count(3)
    page.get_by_role("link", name="Contact").focus()
    page.set_viewport_size({"width": 1280, "height": 400})
    page.wait_for_function(modal)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function(f"!{modal}")
    chat.tool("close").click()
    expect(chat.panel).to_be_hidden()


def test_on_a_phone_nothing_lies_below_a_notch(visit: Visits) -> None:
    page = on_a_phone(visit)
    insets = {"top": 47, "left": 10, "bottom": 34, "right": 12}
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    chat = Chat(page)
    box = chat.launcher.bounding_box()
    assert box and box["y"] + box["height"] <= 700 - 34
    chat.open()
    for control in [*chat.panel.get_by_role("button").all(), chat.field]:
        found = control.bounding_box()
        if not found or not control.is_visible():
            continue
        assert found["x"] >= 10 and found["x"] + found["width"] <= 390 - 12
        assert found["y"] >= 47
    tools = chat.tool("downloadHelp").bounding_box()
    assert tools and tools["y"] + tools["height"] <= 700 - 34 + 1


SEEN = """([height, top]) => {
  Object.defineProperties(visualViewport, {
    height: { get: () => height, configurable: true },
    offsetTop: { get: () => top, configurable: true },
  });
  visualViewport.dispatchEvent(new Event('scroll'));
}"""


def test_on_a_phone_the_panel_ends_where_the_keyboard_begins(visit: Visits) -> None:
    page = on_a_phone(visit)
    chat = Chat(page).open()
    page.evaluate(SEEN, [380, 20])
    assert chat.panel.bounding_box() == {"x": 0, "y": 20, "width": 390, "height": 380}
    page.evaluate(SEEN, [700, 0])
    assert chat.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 700}


def test_two_fingers_magnify_the_panel_like_any_page(visit: Visits) -> None:
    page = on_a_phone(visit)
    Chat(page).open()
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 2})
    page.wait_for_function("visualViewport.scale === 2")
    assert page.evaluate(f"{SHADOW}.querySelector('dialog').offsetHeight") == 700
