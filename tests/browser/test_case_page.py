"""A triager works on a case with the keyboard alone, in both languages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from browsers import Visits, axe
from playwright.sync_api import Locator, Page, expect
from processes import Stack
from talks import full_talk

from mobilis import staff
from mobilis.dates import day_of
from mobilis.store import Database, now

PASSWORD = "une phrase de passe assez longue"
MOST_TABS = 120


@pytest.fixture(scope="module")
def database(stack: Stack):
    database = Database(stack.settings.database)
    yield database
    database.dispose()


def press_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never reaches {wanted}")


def type_day(page: Page, field: Locator, day: date) -> None:
    """Type a day in the order in which this browser asks for its parts."""
    for order in ("%m%d%Y", "%Y%m%d", "%d%m%Y"):
        press_to(page, field)
        page.keyboard.type(day.strftime(order))
        if field.input_value() == day.isoformat():
            return
        field.evaluate("field => { field.value = ''; field.blur(); }")
    pytest.fail("the browser asks for a day in an order of its own")


def signed_in(visit: Visits, stack: Stack, email: str, language: str, **more) -> Page:
    """The queue, as somebody who signed in with the keyboard."""
    page = visit(f"{stack.base}/console/sign-in?lang={language}", locale=f"{language}-CA", **more)
    press_to(page, page.locator("#email"))
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/queue")
    return page


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_triager_works_on_a_case_with_the_keyboard_alone(
    visit: Visits, stack: Stack, database: Database, language: str
) -> None:
    with database.write() as connection:
        for name in ("Ariane Un", "Bao Deux"):
            email = f"{name[:3].lower()}.{language}@exemple.ca"
            given = {"role": "triager", "language": language, "password": PASSWORD}
            staff.add_person(connection, email=email, name=f"{name} {language}", **given)
    talk = full_talk(database)
    page = signed_in(visit, stack, f"ari.{language}@exemple.ca", language)
    page.goto(f"{stack.base}/console/cases/{talk.id}?from=status%3Dnew")
    assert axe(page) == []

    press_to(page, page.locator("#status-field"))
    page.keyboard.type("En cours" if language == "fr" else "In progress")
    press_to(page, page.locator("#status button"))
    page.keyboard.press("Enter")
    expect(page.locator("#status .done")).to_be_visible()
    expect(page.locator(".case-head .tag")).to_have_text(
        "En cours" if language == "fr" else "In progress"
    )

    press_to(page, page.locator("#note"))
    page.keyboard.type(f"@Bao Deux {language} rappelle demain")
    press_to(page, page.locator("#notes form > button"))
    page.keyboard.press("Enter")
    expect(page.locator("#notes .mention")).to_have_text(f"@Bao Deux {language}")

    day = day_of(now()) + timedelta(days=40)
    type_day(page, page.locator("#day-field"), day)
    press_to(page, page.locator("#follow-up button").first)
    page.keyboard.press("Enter")
    expect(page.locator("#follow-up .done")).to_be_visible()
    expect(page.locator("#day-field")).to_have_value(day.isoformat())
    assert axe(page) == []
    back = page.get_by_role("link", name="Retour" if language == "fr" else "Back").first
    assert str(back.get_attribute("href")).endswith("/console/queue?status=new")

    colleague = signed_in(visit, stack, f"bao.{language}@exemple.ca", language, width=390)
    colleague.goto(f"{stack.base}/console/mentions")
    assert axe(colleague) == []
    colleague.get_by_role("link", name="Marie Roy").click()
    expect(colleague.locator("#presence .notice")).to_contain_text(f"Ariane Un {language}")
    assert axe(colleague) == []
    assert colleague.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_colleague_who_comes_is_seen_without_asking_and_a_case_prints_whole(
    visit: Visits, stack: Stack, database: Database
) -> None:
    with database.write() as connection:
        for name in ("first", "second"):
            given = {"role": "triager", "language": "en", "password": PASSWORD}
            staff.add_person(connection, email=f"{name}@exemple.ca", name=name, **given)
    talk = full_talk(database)
    first = signed_in(visit, stack, "first@exemple.ca", "en", color_scheme="dark")
    first.clock.install()
    first.goto(f"{stack.base}/console/cases/{talk.id}")
    expect(first.locator("#presence .notice")).to_have_count(0)
    second = signed_in(visit, stack, "second@exemple.ca", "en")
    second.goto(f"{stack.base}/console/cases/{talk.id}/print")
    assert axe(second) == []
    second.emulate_media(media="print")
    for part in ("Marie Roy", "c tu gratuit?", "Declared an interest"):
        expect(second.get_by_text(part).first).to_be_visible()
    expect(second.locator("nav, form, .way:visible")).to_have_count(0)
    second.goto(f"{stack.base}/console/cases/{talk.id}")
    first.clock.fast_forward(30_000)
    expect(first.locator("#presence .notice")).to_contain_text("second")
    assert axe(first) == []
