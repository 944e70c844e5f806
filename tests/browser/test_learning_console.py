"""Somebody of staff decides about what was not understood, with the keyboard and with a mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from browsers import Visits, axe
from doors import FrontDoor
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from talks import Talk

from mobilis import staff
from mobilis.models import missed_decisions
from mobilis.store import Database

PASSWORD = "une phrase de passe assez longue"


@pytest.fixture
def door(open_door: Callable[..., FrontDoor]) -> FrontDoor:
    return open_door()


@pytest.fixture
def database(door: FrontDoor) -> Iterator[Database]:
    """With three texts to decide about, two of them alike."""
    database = Database(door.settings.database)
    for text in ("zigouigoui des champs", "zigouigoui des champs là", "castors"):
        talk = Talk(database)
        talk.missed(talk.say(text, "nlu_fallback"))
        talk.project()
    yield database
    database.dispose()


@pytest.fixture
def page(visit: Visits, door: FrontDoor, database: Database) -> Page:
    """The list, as a triager who signed in."""
    with database.write() as connection:
        given = {"role": "triager", "language": "fr", "password": PASSWORD}
        staff.add_person(connection, email="a@exemple.ca", name="Ariane", **given)
    page = visit(f"{door.http.base_url}/console/sign-in?next=/console/learning")
    page.locator("#email").fill("a@exemple.ca")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door.http.base_url}/console/learning")
    return page


def decided(database: Database) -> int:
    with database.read() as connection:
        query = select(func.count()).select_from(missed_decisions)
        return int(connection.execute(query).scalar_one())


def test_one_press_decides_a_group_and_the_focus_goes_on(page: Page, database: Database) -> None:
    groups = page.get_by_role("article")
    expect(groups).to_have_count(2)
    page.evaluate("window.same = true")
    groups.first.get_by_role("group").first.get_by_role("button").first.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("2 textes signifient")
    expect(groups).to_have_count(1)
    expect(groups.first).to_be_focused()
    assert page.evaluate("window.same"), "the page was left"
    assert decided(database) == 2
    page.get_by_role("button", name="Annuler").click()
    expect(groups).to_have_count(2)
    expect(page.get_by_role("status")).to_contain_text("La décision est retirée")
    assert decided(database) == 0


def test_j_and_k_walk_from_group_to_group(page: Page) -> None:
    groups = page.get_by_role("article")
    page.keyboard.press("j")
    expect(groups.nth(0)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    expect(groups.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(groups.nth(0)).to_be_focused()
    page.get_by_label("Utiliser les touches j et k").uncheck()
    page.keyboard.press("j")
    expect(groups.nth(1)).not_to_be_focused()


@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_is_in_anyones_way(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Détails : castors").click()
    assert axe(page) == []
    page.get_by_role("link", name="Apprentissage").click()
    page.get_by_role("link", name="Réponses").click()
    assert axe(page) == []
