"""Themes, accents, forced colours and motion: what somebody chose is kept, and stays readable."""

from __future__ import annotations

import base64

import appearance
import pytest
from browsers import Visits
from chats import Chat
from states import SHADOW, conclude, offline, too_long

THEMES = ("light", "dark")
ACCENTS = ("#0b5c6b", "#ff0000", "#ffcc00", "#777777", "#e91e63", "#000000", "#ffffff")
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


def test_any_accent_leaves_everything_readable_and_visible(visit: Visits) -> None:
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


# What moves right after it opens: what is asked for later may have come to rest.
MOVING = f"""() => {{
  document.querySelector('mobilis-chat').open();
  return [{SHADOW}, document].flatMap(root => root.getAnimations({{ subtree: true }}))
    .map(one => one.animationName ?? one.transitionProperty);
}}"""


def test_nothing_moves_for_who_wants_it_still(visit: Visits) -> None:
    page = visit("french")
    assert page.evaluate(MOVING) == ["rise"]
    still = visit("french", reduced_motion="reduce")
    assert still.evaluate(MOVING) == []
    Chat(still).assess_to(2)
    assert still.evaluate(MOVING) == []


PIXELS = """async shot => {
  const file = await fetch(`data:image/png;base64,${shot}`);
  const picture = await createImageBitmap(await file.blob());
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
