"""Pictures of pages, and the page that lists them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from browsers import axe
from PIL import Image
from playwright.sync_api import Page

LANGUAGES = {"fr": "French", "en": "English"}
COLOURS = 128  # of a picture: pages of an application need no more


def look(page: Page, name: str, language: str, folder: Path | None) -> None:
    """Stop at a page: clean by axe, not too wide, and kept as a picture when there is a folder."""
    troubles = axe(page)
    assert not troubles, "\n".join([name, *troubles])
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    if folder:
        page.mouse.move(0, 0)
        taken = io.BytesIO(page.screenshot(animations="disabled"))
        picture = Image.open(taken).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        picture.save(folder / f"{name}.{language}.png", optimize=True)


def page_of_all(header: str, pictures: Mapping[str, str]) -> str:
    """A README.md of pictures, by name what each shows."""
    rows = []
    for name, shows in pictures.items():
        cells = (f"![{shows}, in {word}]({name}.{code}.png)" for code, word in LANGUAGES.items())
        rows.append(f"| {shows} | {' | '.join(cells)} |\n")
    return header + "".join(rows)


def check(folder: Path, header: str, pictures: Mapping[str, str], most_bytes: int) -> None:
    """The pictures that stand in a folder are those listed, and small."""
    expected = {f"{name}.{language}.png" for name in pictures for language in LANGUAGES}
    assert {path.name for path in folder.glob("*.png")} == expected
    assert (folder / "README.md").read_text(encoding="utf-8") == page_of_all(header, pictures)
    assert sum(path.stat().st_size for path in folder.glob("*.png")) <= most_bytes
