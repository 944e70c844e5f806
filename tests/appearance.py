"""How a page looks, measured in the browser by tests/appearance.js: what is too small, too faint or
cut off, one sentence for each.

Tests of the widget's looks call this; what has a rule of its own in axe-core is in browsers.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SCRIPT = Path(__file__).with_suffix(".js")
WIDGET = "mobilis-chat"
TEXT, LINE = 4.5, 3  # contrast ratios (WCAG 2.2, 1.4.3 and 1.4.11)
TARGET, LINK = 44, 24  # pixels (2.5.5, and 2.5.8 for links that stand alone)


def faint(page: Page, within: str = WIDGET) -> list[str]:
    """Texts and bounds of controls that stand out too little."""
    page.mouse.move(0, 0)  # what the mouse is on looks otherwise
    return _ask(page, "weakTexts", within, TEXT) + _ask(page, "weakEdges", within, LINE)


def faint_focus(page: Page, within: str = WIDGET) -> list[str]:
    """What shows too little that it has the focus; each gets it in turn."""
    page.keyboard.press("Shift")  # the focus is shown to who uses the keyboard
    return _ask(page, "weakRings", within, LINE)


def small(page: Page, within: str = WIDGET) -> list[str]:
    """Controls, and links that stand alone, which are hard to hit."""
    return _ask(page, "smallTargets", within, TARGET, LINK)


def cut_off(page: Page, within: str = WIDGET) -> list[str]:
    """What does not fit into the window, its box or its control."""
    return _ask(page, "cutOff", within)


def out_of_reach(page: Page, within: str = WIDGET) -> list[str]:
    """What scrolling does not bring to where it can be hit."""
    return _ask(page, "outOfReach", within)


def borderless(page: Page, within: str = WIDGET) -> list[str]:
    """Controls that nothing bounds; for forced colours."""
    return _ask(page, "borderless", within)


def _ask(page: Page, question: str, *given: Any) -> list[str]:
    if not page.evaluate("'appearance' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(f"given => appearance.{question}(...given)", list(given))
    return found
