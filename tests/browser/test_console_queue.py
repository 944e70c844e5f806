"""The queue in a browser: walked without a mouse, narrowed in place, clean by axe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browsers import Visits, axe
from playwright.sync_api import Page, expect
from processes import Stack

from mobilis import staff
from mobilis.demo import fill
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.store import Database

PASSWORD = "une phrase de passe assez longue"
SignIn = Callable[..., Page]


@pytest.fixture(scope="module")
def filled(stack: Stack) -> Database:
    """The running assistant's database, with fictional conversations."""
    database = Database.from_settings(stack.settings)
    given = {"conversations_wanted": 150, "seed": 3, "weights": WEIGHTS, "anyway": True}
    fill(database, ROOT, tell=lambda line: None, **given)
    with database.write() as connection:
        for language in ("fr", "en"):
            staff.add_person(
                connection,
                email=f"file.{language}@example.org",
                name="Camille Essai",
                role="triager",
                language=language,
                password=PASSWORD,
            )
    return database


@pytest.fixture
def sign_in(visit: Visits, stack: Stack, filled: Database) -> SignIn:
    """The queue, as someone who reads a language sees it."""

    def go(language: str, **more: object) -> Page:
        page = visit(f"{stack.base}/console/sign-in", **more)
        page.fill("#email", f"file.{language}@example.org")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url("**/console/queue")
        return page

    return go


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("fr", 1280, "light"), ("en", 390, "dark")]
)
def test_the_queue_is_clean_and_fits(
    sign_in: SignIn, stack: Stack, language: str, width: int, scheme: str
) -> None:
    page = sign_in(language, width=width, color_scheme=scheme)
    assert axe(page) == []
    page.goto(f"{stack.base}/console/queue?tab=all&region=QC&sort=date")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_cases_are_walked_and_opened_by_keys(visit: Visits, sign_in: SignIn) -> None:
    page = sign_in("fr")
    links = page.locator("a[data-walk]")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(links.nth(1)).to_be_focused()
    address = links.nth(1).get_attribute("href")
    page.focus("#search")
    page.keyboard.type("jk")
    expect(page.locator("#search")).to_have_value("jk")
    page.get_by_label("Utiliser les touches j et k").uncheck()
    page.keyboard.press("j")
    expect(links.nth(0)).not_to_be_focused()
    page.get_by_label("Utiliser les touches j et k").check()
    links.nth(1).focus()
    visit.expect("404|status of")  # where the case's page is not there yet
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")


def test_a_filter_changes_the_table_the_address_and_what_is_announced(sign_in: SignIn) -> None:
    page = sign_in("fr")
    page.evaluate("window.same = true")
    page.click("#tab-all")
    page.wait_for_url("**tab=all")
    page.fill("#search", "évaluation")
    page.keyboard.press("Enter")
    page.wait_for_url("**search=*")
    expect(page.locator("#found")).to_contain_text("dossier")
    expect(page.locator("#search")).to_be_focused()
    assert page.evaluate("window.same")
    page.go_back()
    expect(page.locator("#search")).to_have_value("")


def test_without_javascript_everything_is_there(sign_in: SignIn) -> None:
    page = sign_in("en", javascript=False)
    page.click("#tab-all")
    page.click("#next")
    expect(page.locator("caption")).to_contain_text("51 to 100")
    page.fill("#name", "Page of all")
    page.get_by_role("button", name="Save the view").click()
    page.get_by_role("link", name="Page of all").click()
    expect(page.locator("#tab-all")).to_have_attribute("aria-current", "page")
