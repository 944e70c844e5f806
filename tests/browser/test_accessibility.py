"""Everybody can use the widget and the pages of the front door: what axe-core checks, and what it
cannot see."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import appearance
import pytest
from browsers import Visits, axe
from chats import Chat, focused, go, is_on
from playwright.sync_api import Browser, Page, expect
from processes import Stack
from states import ASKED, GREETED, conclude, offline, online, too_long, walk
from websites import Document, Websites

PAGE_OF = {"fr": "french", "en": "english"}
THEMES = ("light", "dark")
ACCENTS = ("#0b5c6b", "#ff0000", "#ffcc00", "#777777", "#e91e63", "#000000", "#ffffff")
SHADOW = "document.querySelector('mobilis-chat').shadowRoot"


@dataclass
class Look:
    """Someone with a window of one size, who looks at every state; what was wrong, by kind."""

    name: str
    language: str
    width: int
    height: int
    options: dict[str, Any] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def forced(self) -> bool:
        return "forced_colors" in self.options

    def note(self, kind: str, state: str, found: list[str]) -> None:
        self.wrong.setdefault(kind, []).extend(f"{state}: {sentence}" for sentence in found)

    def at(self, page: Page, state: str) -> None:
        """Look at a state in every way that the window's size leaves."""
        self.states.append(state)
        for theme in ("light",) if self.forced else THEMES:
            page.emulate_media(color_scheme=theme)
            self.note("axe", f"{state}, {theme}", axe(page))
            if not self.forced:
                self.note("faint", f"{state}, {theme}", appearance.faint(page))
        page.emulate_media(color_scheme="light")
        self.note("small", state, appearance.small(page))
        self.note("cut off", state, appearance.cut_off(page))
        self.note("borderless", state, appearance.borderless(page) if self.forced else [])
        self.note("out of reach", state, appearance.out_of_reach(page))
        self.note("unfocused", state, appearance.faint_focus(page))


def looks() -> list[Look]:
    forced = {"forced_colors": "active"}
    return [
        Look("desktop-fr", "fr", 1280, 800),
        Look("desktop-en", "en", 1280, 800),
        Look("320-fr", "fr", 320, 568, {"phone": True}),
        Look("320-en", "en", 320, 568, {"phone": True}),
        Look("200%-fr", "fr", 640, 512),
        Look("400%-fr", "fr", 320, 256),
        Look("forced-fr", "fr", 1280, 800, forced),
        Look("forced-320-en", "en", 320, 568, forced),
    ]


@pytest.fixture(scope="module", params=looks(), ids=lambda look: look.name)
def look(
    request: pytest.FixtureRequest, chromium: Browser, sites: Websites, stack: Stack
) -> Iterator[Look]:
    """Every state seen in a window of one size."""
    found: Look = request.param
    visits = Visits(chromium, sites)
    visits.expect("ERR_INTERNET_DISCONNECTED")
    page = visits(
        PAGE_OF[found.language],
        width=found.width,
        height=found.height,
        reduced_motion="reduce",  # what fades in is faint
        **found.options,
    )
    for state in walk(Chat(page, found.language), stack):
        found.at(page, state)
    yield found
    assert visits.end() == []


def test_axe_finds_nothing_in_any_state(look: Look) -> None:
    assert len(look.states) == 11
    assert look.wrong["axe"] == []


def test_text_and_the_bounds_of_controls_stand_out_in_both_themes(look: Look) -> None:
    assert look.wrong.get("faint", []) == []


def test_what_has_the_focus_shows_it(look: Look) -> None:
    assert look.wrong["unfocused"] == []


def test_whatever_can_be_pressed_is_44_pixels_wide_and_high(look: Look) -> None:
    assert look.wrong["small"] == []


def test_nothing_is_cut_off_or_wider_than_the_window(look: Look) -> None:
    assert look.wrong["cut off"] == []


def test_everything_can_be_brought_to_where_it_is_hit(look: Look) -> None:
    assert look.wrong["out of reach"] == []


def test_controls_keep_a_line_around_them_in_forced_colours(look: Look) -> None:
    assert look.wrong["borderless"] == []


# --- what was measured is what there is


WRONG = """<!doctype html><html lang="fr"><title>Page</title>
<style>:focus { outline: 3px solid #000 }</style><main><h1>Page</h1>
<p style="color: #999">trop pâle</p>
<button style="width: 20px; height: 20px; border: 1px solid #ddd; background: #fff">x</button>
<p><a href="#x" style="font-size: 10px; line-height: 1">seul</a></p>
<button style="width: 60px; height: 60px; overflow: hidden; border: 0; background: none">incompréhensible</button>
<div style="width: 2000px">large</div>
<div style="position: relative"><button>dessous</button>
<div style="position: absolute; inset: 0; background: #fff"></div></div>
<a href="#y" style="outline: none">sans contour</a></main></html>"""


def test_what_is_wrong_with_looks_is_found_and_named(visit: Visits, sites: Websites) -> None:
    sites.put("ugly", Document(WRONG))
    page = visit("ugly", width=400)
    told = {
        "faint": appearance.faint(page, "main"),
        "small": appearance.small(page, "main"),
        "cut": appearance.cut_off(page, "main"),
        "lost": appearance.out_of_reach(page, "main"),
        "focus": appearance.faint_focus(page, "main"),
        "borderless": appearance.borderless(page, "main"),
    }
    assert [s.partition(":")[0] for s in told["faint"]] == ['p "trop pâle"', 'button "x"']
    assert told["small"][:1] == ['button "x": 20 by 20']
    assert any(s.startswith('a "seul"') for s in told["small"])
    assert 'button "incompréhensible": its words are larger' in told["cut"]
    assert "the page scrolls sideways" in told["cut"]
    assert [s.partition(":")[0] for s in told["lost"]] == ['button "dessous"']
    assert [s.partition(":")[0] for s in told["focus"]] == ['a "sans contour"']
    assert 'button "x"' in told["borderless"]


# --- the keyboard and the focus

STOPS = f"""() => [...{SHADOW}.querySelectorAll('.log, .log *')]
  .filter(one => one.tabIndex >= 0 && one.checkVisibility()).length"""


def test_the_messages_are_one_tab_stop_with_arrows_inside(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    assert page.evaluate(STOPS) == 1
    chat.say(ASKED["fr"])
    expect(chat.last).to_contain_text(chat.words["sources"])
    assert page.evaluate(STOPS) == 1
    page.keyboard.press("Shift+Tab")
    assert is_on(page, chat.words["assistant"])  # the newest message
    page.keyboard.press("Shift+Tab")
    assert focused(page) == chat.words["close"]
    page.keyboard.press("Tab")
    passed = [focused(page)]
    for _ in range(50):
        page.keyboard.press("ArrowUp")
        passed.append(focused(page))
    assert is_on(page, chat.words["assistant"])  # the greeting, where it ends
    page.keyboard.press("End")
    last = chat.last.get_by_role("button").last
    expect(last).to_be_focused()
    page.keyboard.press("Home")
    expect(chat.messages.first).to_be_focused()
    assert page.evaluate(STOPS) == 1
    page.keyboard.press("Tab")
    assert focused(page) == chat.words["label"]


@pytest.mark.parametrize("where", ["close", "downloadHelp"])
def test_a_message_never_moves_the_focus(visit: Visits, where: str) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.tool(where).focus()
    count = chat.messages.count()
    page.evaluate("text => document.querySelector('mobilis-chat').send(text)", GREETED["fr"])
    expect(chat.messages).to_have_count(count + 2)
    expect(chat.tool(where)).to_be_focused()
    page.get_by_role("link", name="Contact").focus()
    page.evaluate("text => document.querySelector('mobilis-chat').send(text)", GREETED["fr"])
    expect(chat.messages).to_have_count(count + 4)
    expect(page.get_by_role("link", name="Contact")).to_be_focused()


def test_a_message_that_is_read_keeps_the_focus_when_it_arrives(visit: Visits) -> None:
    page = visit("french")
    visit.expect("ERR_INTERNET_DISCONNECTED")
    chat = Chat(page).open()
    offline(chat)
    chat.mine.last.focus()
    online(chat)
    expect(chat.messages).to_have_count(3)
    expect(chat.mine.last).to_be_focused()


def test_a_used_choice_keeps_the_focus_and_says_that_it_was_chosen(visit: Visits) -> None:
    page = visit("english")
    chat = Chat(page, "en").open().assess_to(2)
    option = chat.button(chat.option(2, "b"))
    option.focus()
    page.keyboard.press("Enter")
    chat.asks(3)
    assert focused(page) == f"{chat.option(2, 'b')} {chat.words['chosen']}"
    expect(page.locator(":focus").last).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")  # once only
    page.keyboard.press("ArrowDown")
    assert is_on(page, chat.words["you"])
    chat.asks(3)


# --- what screen readers are told

OVERHEARD = """customElements.whenDefined('mobilis-chat').then(() => {
  window.overheard = [];
  const live = document.querySelector('mobilis-chat').shadowRoot.querySelector('[aria-live]');
  new MutationObserver(records => {
    for (const record of records) for (const node of record.addedNodes)
      window.overheard.push([node.closest('[lang]').lang, node.textContent]);
  }).observe(live, { childList: true, subtree: true });
})"""


def heard(page: Page) -> list[list[str]]:
    told: list[list[str]] = page.evaluate("window.overheard")
    return told


def test_each_new_message_is_announced_once_in_its_language(visit: Visits) -> None:
    page = visit("french")
    page.evaluate(OVERHEARD)
    chat = Chat(page).open()
    expect(chat.live).to_contain_text(chat.words["choices"].format(count=4))
    [[language, greeting]] = heard(page)
    assert language == "fr"
    assert greeting.startswith(f"{chat.words['assistant']}\nBonjour!")
    chat.assess_to(2)
    told = heard(page)
    assert [language for language, _ in told] == ["fr"] * 4
    assert len({text for _, text in told}) == 4  # greeting, introduction, two questions
    assert not any(chat.option(1, "a") in text.partition("\n")[0] for _, text in told)
    chat.say("can we do this in English please?")
    english = Chat(page, "en")
    english.asks(2)
    assert {language for language, _ in heard(page)[4:]} == {"en"}


def test_history_is_not_announced_again_after_a_reload(visit: Visits) -> None:
    page = visit("english")
    chat = Chat(page, "en").open()
    chat.say(ASKED["en"])
    expect(chat.last).to_contain_text(chat.words["sources"])
    page.context.add_init_script(OVERHEARD)
    page.reload()
    expect(chat.last).to_contain_text(chat.words["sources"])
    chat.tells("resumed")
    assert heard(page) == []
    chat.say(GREETED["en"])
    expect(chat.messages).to_have_count(5)
    [[language, text]] = heard(page)
    assert (language, text.partition("\n")[0]) == ("en", chat.words["assistant"])


# --- colours and motion

BACKGROUND = f"getComputedStyle({SHADOW}.querySelector('dialog')).backgroundColor"
WHITE, DARK = "rgb(255, 255, 255)", "rgb(22, 28, 36)"


@pytest.mark.parametrize(
    ("asked", "system", "expected"),
    [
        (None, "light", WHITE),
        (None, "dark", DARK),
        ("auto", "dark", DARK),
        ("light", "dark", WHITE),
        ("dark", "light", DARK),
    ],
)
def test_the_theme_is_the_pages_or_else_the_systems(
    visit: Visits, asked: str | None, system: str, expected: str
) -> None:
    page = visit("french", color_scheme=system)
    if asked:
        page.evaluate("t => { document.querySelector('mobilis-chat').dataset.theme = t }", asked)
    Chat(page).open()
    assert page.evaluate(BACKGROUND) == expected
    scheme = f"getComputedStyle({SHADOW}.querySelector('textarea')).colorScheme"
    assert page.evaluate(scheme) == ("light dark" if asked in (None, "auto") else asked)


def test_any_accent_leaves_everything_readable_and_visible(visit: Visits, stack: Stack) -> None:
    page = visit("french")
    visit.expect("ERR_INTERNET_DISCONNECTED")
    chat = Chat(page).open().assess_to(2)
    conclude(chat, 2)
    chat.press("start_assessment")
    chat.asks(1)
    too_long(chat)
    offline(chat)
    wrong = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for accent in ACCENTS:
            page.evaluate(
                "a => { document.querySelector('mobilis-chat').dataset.accent = a }", accent
            )
            for found in appearance.faint(page) + appearance.faint_focus(page):
                wrong.append(f"{accent}, {theme}: {found}")
    assert wrong == []


def test_an_accent_that_is_taken_away_leaves_our_own(visit: Visits) -> None:
    page = visit("french")
    color = f"getComputedStyle({SHADOW}.querySelector('.launcher')).backgroundColor"
    own = page.evaluate(color)
    for accent in ("#ff0000", "no colour"):
        page.evaluate("a => { document.querySelector('mobilis-chat').dataset.accent = a }", accent)
    assert page.evaluate(color) == own


MOVING = f"""() => [{SHADOW}, document].flatMap(root => root.getAnimations({{ subtree: true }}))
  .map(one => one.animationName ?? one.transitionProperty)"""


def test_nothing_moves_for_who_wants_it_still(visit: Visits) -> None:
    page = visit("french")
    page.evaluate("document.querySelector('mobilis-chat').open()")
    assert page.evaluate(MOVING) == ["rise"]
    still = visit("french", reduced_motion="reduce")
    still.evaluate("document.querySelector('mobilis-chat').open()")
    assert still.evaluate(MOVING) == []
    Chat(still).assess_to(2)
    assert still.evaluate(MOVING) == []


PIXELS = """async shot => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const row = Math.floor(picture.height / 2);
  return [0.2, 0.9].map(part =>
    [...pen.getImageData(Math.floor(picture.width * part), row, 1, 1).data.slice(0, 3)]);
}"""


@pytest.mark.parametrize("forced", ["active", "none"])
def test_progress_can_be_seen_whatever_the_colours(visit: Visits, forced: str) -> None:
    page = visit("french", forced_colors=forced)
    chat = Chat(page).open().assess_to(3)
    shot = chat.last.get_by_role("progressbar").screenshot()
    done, left = page.evaluate(PIXELS, base64.b64encode(shot).decode())
    assert sum(abs(one - other) for one, other in zip(done, left)) > 150


# --- size and spacing

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
        assert (text, send) == (48, 48)
        chat.say(GREETED["fr"])


# --- a phone


def told(page: Page) -> set[str]:
    """The names of all that who cannot see the page is told of."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    named = [node for node in tree["nodes"] if not node["ignored"]]
    return {node.get("name", {}).get("value", "") for node in named}


def test_on_a_phone_the_page_behind_is_out_of_the_way(visit: Visits) -> None:
    page = visit("french", width=390, height=700, phone=True)
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
    page = visit("french", width=390, height=700, phone=True)
    insets = {"top": 47, "left": 10, "bottom": 34, "right": 12}
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    chat = Chat(page)
    box = chat.launcher.bounding_box()
    assert box and box["y"] + box["height"] <= 700 - 34
    chat.open()
    for control in chat.panel.get_by_role("button").all() + [chat.field]:
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
    page = visit("french", width=390, height=700, phone=True)
    chat = Chat(page).open()
    page.evaluate(SEEN, [380, 20])
    assert chat.panel.bounding_box() == {"x": 0, "y": 20, "width": 390, "height": 380}
    page.evaluate(SEEN, [700, 0])
    assert chat.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 700}


def test_two_fingers_magnify_the_panel_like_any_page(visit: Visits) -> None:
    page = visit("french", width=390, height=700, phone=True)
    Chat(page).open()
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 2})
    page.wait_for_function("visualViewport.scale === 2")
    assert page.evaluate(f"{SHADOW}.querySelector('dialog').offsetHeight") == 700


# --- the pages of the front door


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("address", ["/", "/privacy"])
def test_axe_finds_nothing_on_the_demo_site(
    visit: Visits, stack: Stack, address: str, language: str
) -> None:
    found = []
    for width in (1280, 320):
        page = visit(f"{stack.base}{address}?lang={language}", width=width)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            found += [f"{width}, {theme}: {sentence}" for sentence in axe(page)]
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert found == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_axe_finds_nothing_on_the_page_of_a_result(visit: Visits, language: str) -> None:
    page = visit(PAGE_OF[language])
    chat = Chat(page, language).open().assess_to(2)
    conclude(chat, 2)
    address = chat.last.get_by_role("link").first.get_attribute("href")
    assert address and "/r/" in address
    found = []
    for width in (1280, 320):
        result = visit(address, width=width)
        for theme in THEMES:
            result.emulate_media(color_scheme=theme)
            found += [f"{width}, {theme}: {sentence}" for sentence in axe(result)]
        assert result.evaluate("document.documentElement.scrollWidth") == width
    assert found == []
