"""Signing in to the console in a real browser: an invitation, a password, a second factor."""

from __future__ import annotations

import pyotp
import pytest
from browsers import Visits, axe
from playwright.sync_api import Page, expect
from processes import Stack

from mobilis import accounts
from mobilis.staff import find_by_email
from mobilis.store import Database

NEW = "une phrase de passe assez longue"
WORDS = {
    "fr": {
        "sign_in": "Ouvrir une session",
        "password": "Mot de passe",
        "sign_out": "Fermer la session",
        "turn_on": "Activer la vérification en deux étapes",
        "confirm": "Activer",
        "go_on": "Continuer",
        "kept": "Je les ai gardés",
        "queue": "File d'attente",
    },
    "en": {
        "sign_in": "Sign in",
        "password": "Password",
        "sign_out": "Sign out",
        "turn_on": "Turn two-step verification on",
        "confirm": "Turn on",
        "go_on": "Continue",
        "kept": "I have kept them",
        "queue": "Queue",
    },
}


def invited(stack: Stack, language: str) -> tuple[str, str]:
    """A new account of the running assistant; address and one-time password."""
    email = f"camille.{language}@exemple.ca"
    database = Database.from_settings(stack.settings)
    with database.write() as connection:
        known = find_by_email(connection, email)
        assert known is None
        _, password = accounts.invite(
            connection, "command", email=email, name="Camille", role="triager", language=language
        )
    database.dispose()
    return email, password


def sign_in(page: Page, words: dict[str, str], email: str, password: str) -> None:
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.get_by_role("button", name=words["sign_in"]).click()


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 390)]
)
def test_an_invited_person_protects_the_account_and_signs_in_with_a_code(
    visit: Visits, stack: Stack, language: str, theme: str, width: int
) -> None:
    words, (email, one_time) = WORDS[language], invited(stack, language)
    page = visit(
        f"{stack.base}/console/me",
        locale=f"{language}-CA",
        color_scheme=theme,
        width=width,
    )

    def is_sound() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe(page) == []

    expect(page.get_by_role("heading", level=1)).to_have_text(words["sign_in"])
    is_sound()
    sign_in(page, words, email, one_time)
    expect(page.locator("#old")).to_be_visible()  # nothing else before a password of one's own
    is_sound()
    for name, value in (("old", one_time), ("new", NEW), ("again", NEW)):
        page.locator(f"#{name}").fill(value)
    page.locator("main form button").click()
    expect(page.get_by_role("status")).to_be_visible()

    page.get_by_role("button", name=words["turn_on"]).click()
    expect(page.get_by_role("img")).to_be_visible()
    is_sound()
    secret = page.locator("code.secret").inner_text()
    page.locator("#code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name=words["confirm"], exact=True).click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    is_sound()
    page.get_by_role("link", name=words["kept"]).click()
    is_sound()

    page.get_by_role("button", name=words["sign_out"]).click()
    sign_in(page, words, email, NEW)
    expect(page.locator("#code")).to_be_focused()
    is_sound()
    visit.expect("403")
    page.locator("#code").fill("wrong")
    page.get_by_role("button", name=words["go_on"]).click()
    expect(page.get_by_role("alert")).to_be_visible()
    is_sound()
    page.locator("#code").fill(codes[0])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(words["queue"])
