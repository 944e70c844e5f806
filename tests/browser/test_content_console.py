"""The coach directory and the notices in the console, in a real Chromium; and what visitors get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from browsers import Visits, axe
from chats import Chat
from playwright.sync_api import Page, expect
from processes import Stack

from mobilis import coaches, edits, staff
from mobilis.models import coaches as directory
from mobilis.models import overrides
from mobilis.store import Database

PASSWORD = "une phrase de passe assez longue"
MOST_STOPS = 120  # of the keyboard on a page
# What is chosen with the keyboard, by name and value.
CHOSEN = (("languages", "*"), ("regions", "NU"), ("topics", "housing"), ("levels", "federal"))
PAGES = (
    *("/coaches", "/coaches?search=zzz", "/coaches/new", "/coaches/import"),
    *("/coaches/{coach}/edit", "/coaches/{coach}/remove", "/coaches/aaju-parti/forget"),
    *("/edits", "/edits?kind=coach&key=aaju-parti", "/notices"),
    *("/notices/notice/programme_review", "/notices/link/stream_page"),
)
OPEN = {"fr": "Le parcours est ouvert pour de bon.", "en": "The stream is open for good."}


@contextmanager
def nothing_stays(database: Database) -> Iterator[None]:
    """What the test puts into the database of all tests is taken out again."""
    try:
        yield
    finally:
        with database.write() as connection:
            connection.execute(directory.delete().where(directory.c.id.like("aaju-essai%")))
            connection.execute(overrides.delete())


def sign_in(stack: Stack, visit: Visits, database: Database, language: str, name: str) -> Page:
    email = f"{name}.{language}@exemple.ca"
    given = {"name": "Camille", "role": "admin", "language": language, "password": PASSWORD}
    with database.write() as connection:
        staff.add_person(connection, email=email, **given)
    page = visit(f"{stack.base}/console/sign-in")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/console/queue")
    return page


def reach(page: Page, selector: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(MOST_STOPS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


def add_by_keyboard(page: Page) -> None:
    """Add a coach without a mouse, after a first attempt that is refused."""
    reach(page, "#name")
    page.keyboard.type("Aaju Essai")
    for name, value in CHOSEN[1:]:
        reach(page, f'[name="{name}"][value="{value}"]')
        page.keyboard.press("Space")
    for field in ("bio_fr", "bio_en"):
        reach(page, f"#{field}")
        page.keyboard.type("Profil fictif.")
    page.keyboard.press("Tab")
    reach(page, "form.editing button")
    page.keyboard.press("Enter")
    expect(page.locator("#wrong-languages")).to_be_visible()
    assert axe(page) == []
    reach(page, '.problem a[href="#languages"]')
    page.keyboard.press("Enter")
    reach(page, '[name="languages"][value="*"]')
    page.keyboard.press("Space")
    reach(page, "form.editing button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/coaches/aaju-essai*/edit?done=added")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_an_admin_changes_is_what_the_next_visitor_gets(
    stack: Stack, visit: Visits, database: Database, language: str
) -> None:
    visit.expect("422")
    with nothing_stays(database):
        page = sign_in(stack, visit, database, language, "keyboard")
        page.goto(f"{stack.base}/console/coaches/new")
        add_by_keyboard(page)
        coach_id = re.search(r"/coaches/([^/]+)/edit", page.url).group(1)  # type: ignore[union-attr]
        page.goto(f"{stack.base}/console/notices/notice/programme_review")
        page.fill("#fr", OPEN["fr"])
        page.fill("#en", OPEN["en"])
        page.click("form.editing button")
        page.wait_for_url("**?done=saved")

        chat = ask_for_a_coach(visit, language)
        expect(chat.log).to_contain_text("Aaju Essai")
        expect(chat.log.get_by_text(OPEN[language])).to_be_visible()

        page.goto(f"{stack.base}/console/coaches/{coach_id}/remove")
        page.click("main button.danger")
        page.wait_for_url("**/console/edits?*done=removed")
        expect(ask_for_a_coach(visit, language).log).not_to_contain_text("Aaju Essai")
        page.click(".edits > :first-child button")
        page.wait_for_url("**/console/edits?*done=undone")
        assert coaches.get_coach(database, coach_id) is not None


def ask_for_a_coach(visit: Visits, language: str) -> Chat:
    chat = Chat(visit({"fr": "french", "en": "english"}[language]), language).open()
    chat.say(
        {
            "fr": "je cherche un coach en logement au Nunavut",
            "en": "I am looking for a coach for housing in Nunavut",
        }[language]
    )
    expect(chat.log.get_by_text("Nunavut").last).to_be_visible()
    expect(chat.log).to_contain_text(OPEN[language])
    return chat


@pytest.mark.parametrize(("language", "width"), [("fr", 1280), ("en", 320)])
def test_the_pages_are_for_everyone(
    stack: Stack, visit: Visits, database: Database, language: str, width: int
) -> None:
    with nothing_stays(database):
        page = sign_in(stack, visit, database, language, "pages")
        page.set_viewport_size({"width": width, "height": 800})
        with database.write() as connection:
            row = coaches.current(connection, "amina-erable") or {}
            coach_id = coaches.add(connection, "command", {**row, "name": "Aaju Essai"})
            gone = {**row, "id": "aaju-parti"}
            coaches.import_rows(connection, "command", [gone])
            seen = str(edits.revision(connection, "coach", "aaju-parti"))
            coaches.remove(connection, "command", "aaju-parti", seen)
        for path in PAGES:
            page.goto(f"{stack.base}/console{path.format(coach=coach_id)}")
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
