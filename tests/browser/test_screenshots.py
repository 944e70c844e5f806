"""Pictures of what a person may see, in docs/screenshots: `make screenshots` takes them.

Otherwise only a look at whether the pictures that stand there are the ones that are listed here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from browsers import Visits
from chats import Chat
from playwright.sync_api import FloatRect, Page, expect
from processes import Stack
from states import DECLARED, SEARCHED, conclude, offline
from websites import Document, Websites

from mobilis.settings import ROOT

FOLDER = ROOT / "docs" / "screenshots"
LANGUAGES = {"fr": "French", "en": "English"}
# A page as plain as can be, in the system's theme.
PLAIN = """<!doctype html><html lang="{language}"><meta charset=utf-8><title>Page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><main><h1>Page</h1></main>
<p><a href="mailto:info@example.org" data-mobilis-fallback>info@example.org</a></p>
<script defer src="{door}/widget.js" data-language="auto"></script></html>"""
MARGIN = 10  # pixels of the page around the panel
MOST_BYTES = 2_600_000  # of all pictures
ASKED = {"fr": "combien de temps ça prend?", "en": "how long until we see results?"}
HEADER = """# What the widget looks like

Taken by `make screenshots` in a real Chromium, of the whole assistant; never edited by hand.
Each picture is looked at before a change of looks is accepted. The fonts are those of the machine
that took them.

| | French | English |
|---|---|---|
"""


class Studio(NamedTuple):
    """Where pictures are taken, in one language."""

    visit: Visits
    stack: Stack
    sites: Websites
    language: str

    def plain(self, **options: Any) -> Chat:
        """The chat on a plain page."""
        html = PLAIN.format(language=self.language, door=self.stack.base)
        self.sites.put("plain", Document(html))
        return self.chat(self.visit("plain", **options)).open()

    def chat(self, page: Page) -> Chat:
        return Chat(page, self.language)

    def phone(self, width: int = 390, height: int = 780, **options: str) -> Chat:
        return self.plain(width=width, height=height, phone=True, **options)

    def site(self) -> Page:
        return self.visit(f"{self.stack.base}/?lang={self.language}", width=1120, height=720)


class Picture(NamedTuple):
    """A state worth a picture: its file, what it shows, and how to come there."""

    name: str
    shows: str
    take: Callable[[Studio], Page]


def closed_on_the_site(studio: Studio) -> Page:
    page = studio.site()
    expect(studio.chat(page).launcher).to_be_visible()
    return page


def open_on_the_site(studio: Studio) -> Page:
    page = studio.site()
    studio.chat(page).open()
    return page


def greeting(studio: Studio) -> Page:
    return studio.plain().page


def answer(studio: Studio) -> Page:
    return answered(studio.plain())


def dark_answer(studio: Studio) -> Page:
    return answered(studio.plain(color_scheme="dark"))


def answered(chat: Chat) -> Page:
    chat.say(ASKED[chat.language])
    expect(chat.last).to_contain_text(chat.words["sources"])
    return chat.page


def question(studio: Studio) -> Page:
    return studio.plain().assess_to(3).page


def forced_question(studio: Studio) -> Page:
    return studio.plain(forced_colors="active", color_scheme="dark").assess_to(3).page


def result(studio: Studio) -> Page:
    return resulted(studio.plain().assess_to(2)).page


def result_answers(studio: Studio) -> Page:
    chat = resulted(studio.plain().assess_to(2))
    chat.last.get_by_role("table").scroll_into_view_if_needed()
    return chat.page


def resulted(chat: Chat) -> Chat:
    conclude(chat, 2)
    return chat


def coaches(studio: Studio) -> Page:
    return searched(studio.plain())


def searched(chat: Chat) -> Page:
    chat.say(SEARCHED[chat.language])
    expect(chat.last.locator("section").first).to_be_visible()
    return chat.page


def declaration(studio: Studio) -> Page:
    chat = studio.plain()
    chat.say(DECLARED[chat.language])
    chat.says("lead_consent")
    chat.press("i_agree")
    chat.says("lead_ask_name")
    return chat.page


def forget(studio: Studio) -> Page:
    chat = studio.plain()
    answered(chat)
    chat.tool("forgetHelp").click()
    return chat.page


def without_connection(studio: Studio) -> Page:
    studio.visit.expect("ERR_INTERNET_DISCONNECTED")
    chat = studio.plain()
    offline(chat)
    return chat.page


def phone_greeting(studio: Studio) -> Page:
    return studio.phone().page


def phone_question(studio: Studio) -> Page:
    return studio.phone().assess_to(3).page


def dark_phone(studio: Studio) -> Page:
    return searched(studio.phone(color_scheme="dark"))


def narrow(studio: Studio) -> Page:
    return resulted(studio.phone(320, 568).assess_to(2)).page


def result_page(studio: Studio) -> Page:
    chat = resulted(studio.plain().assess_to(2))
    address = chat.last.get_by_role("link").first.get_attribute("href")
    assert address
    return studio.visit(address, width=720, height=820)


PICTURES = (
    Picture("site", "The demo site, with the button that opens the chat", closed_on_the_site),
    Picture(
        "site_open", "The demo site with the chat open, in the site's colours", open_on_the_site
    ),
    Picture("greeting", "The chat as it opens: a greeting, four choices, what is kept", greeting),
    Picture("answer", "An answer, its sources and what may be asked next", answer),
    Picture("question", "Question 3 of 5 of the self-assessment", question),
    Picture("result", "The result of the self-assessment, with what is left to do", result),
    Picture(
        "result_answers", "The answers of the result as bars, and its next steps", result_answers
    ),
    Picture("coaches", "Cards of coaches that fit a search", coaches),
    Picture("declaration", "A declaration of interest, which asks for a name", declaration),
    Picture("forget", "The question whether to erase the conversation", forget),
    Picture("offline", "A message written without a connection, not sent yet", without_connection),
    Picture(
        "phone_greeting", "The greeting on a phone, where the chat fills the screen", phone_greeting
    ),
    Picture("phone_question", "Question 3 of 5 on a phone", phone_question),
    Picture("narrow", "A result in a window of 320 pixels", narrow),
    Picture("dark", "An answer in the dark theme", dark_answer),
    Picture("dark_phone", "Coaches on a phone, in the dark theme", dark_phone),
    Picture("forced_colours", "Question 3 of 5 in colours that the system forces", forced_question),
    Picture("result_page", "The page of a result, to read, print or save", result_page),
)


def file_of(picture: Picture, language: str) -> str:
    return f"{picture.name}.{language}.png"


def page_of_all() -> str:
    """docs/screenshots/README.md."""
    rows = []
    for picture in PICTURES:
        cells = (
            f"![{picture.shows}, in {name}]({file_of(picture, language)})"
            for language, name in LANGUAGES.items()
        )
        rows.append(f"| {picture.shows} | {' | '.join(cells)} |\n")
    return HEADER + "".join(rows)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_it_can_be_shown(request: pytest.FixtureRequest, picture: Picture, language: str) -> None:
    folder: Path | None = request.config.getoption("--write-screenshots")
    if folder is None:
        pytest.skip("make screenshots takes it")
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(*map(request.getfixturevalue, ("visit", "stack", "sites")), language)
    page = picture.take(studio)
    page.mouse.move(0, 0)
    page.screenshot(path=folder / file_of(picture, language), animations="disabled", **framed(page))
    (folder / "README.md").write_text(page_of_all(), encoding="utf-8")


def framed(page: Page) -> dict[str, FloatRect]:
    """The part of a page that matters: beside a page, the panel and the launcher below it."""
    panel = page.locator("mobilis-chat").get_by_role("dialog")
    viewport = page.viewport_size
    box = panel.bounding_box() if panel.count() else None
    if "/?lang" in page.url or not viewport or not box or box["width"] == viewport["width"]:
        return {}
    left, top = box["x"] - MARGIN, box["y"] - MARGIN
    size = {"width": viewport["width"] - left, "height": viewport["height"] - top}
    return {"clip": {"x": left, "y": top, "width": size["width"], "height": size["height"]}}


def test_the_pictures_that_stand_there_are_those_listed() -> None:
    expected = {file_of(picture, language) for picture in PICTURES for language in LANGUAGES}
    assert {path.name for path in FOLDER.glob("*.png")} == expected
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page_of_all()


def test_the_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.png")) <= MOST_BYTES
