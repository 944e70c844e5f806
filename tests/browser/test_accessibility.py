"""Every state of the widget in every size, theme and language, and the pages of the front door.

What axe-core checks, and what it cannot see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import appearance
import pytest
from browsers import Visits, axe
from chats import Chat
from playwright.sync_api import Browser, Page
from processes import Stack
from states import conclude, walk
from websites import Websites

PAGE_OF = {"fr": "french", "en": "english"}
THEMES = ("light", "dark")


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
    assert len(look.states) == 12
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
