"""An admin's pages on personal information and exports, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import filled
import pytest
from browsers import Visits, axe
from playwright.sync_api import Page
from processes import Stack

from mobilis import staff
from mobilis.store import Database

PASSWORD = "une phrase de passe assez longue"


def sign_in(stack: Stack, visit: Visits, database: Database, language: str, width: int) -> Page:
    email = f"privacy.{language}@exemple.ca"
    with database.write() as connection:
        staff.add_person(
            connection,
            email=email,
            name="Camille",
            role="admin",
            language=language,
            password=PASSWORD,
        )
    page = visit(f"{stack.base}/console/sign-in", width=width)
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/console/queue")
    return page


@pytest.mark.parametrize(("language", "width"), [("fr", 1280), ("en", 390)])
def test_an_admin_exports_then_finds_and_erases_a_person(
    stack: Stack, visit: Visits, language: str, width: int, tmp_path: Path
) -> None:
    database = Database(stack.settings.database)
    with database.write() as connection:
        lead = {"email": f"helene.{language}@exemple.ca", "name": "Hélène Côté"}
        talk = filled.fill(connection, "said", leads=lead)
    page = sign_in(stack, visit, database, language, width)

    page.goto(f"{stack.base}/console/export")
    assert axe(page) == []
    with page.expect_download() as download:
        page.click("main button")
    download.value.save_as(tmp_path / "leads.csv")
    assert lead["email"] in (tmp_path / "leads.csv").read_text(encoding="utf-8-sig")

    page.goto(f"{stack.base}/console/privacy")
    page.fill("#wanted", lead["email"].upper())
    page.press("#wanted", "Enter")
    page.wait_for_selector(f"#c-{talk}:checked")
    assert axe(page) == []
    page.click("main button.danger")
    page.wait_for_selector("#confirmed")
    assert axe(page) == []
    page.press("#confirmed", "Space")
    page.click("main button.danger")
    page.wait_for_url("**/console/privacy?erased=1")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with database.read() as connection:
        assert filled.holding(connection, lead["email"]) == set()
    database.dispose()
