"""The figures in a real Chromium, in both languages: wide and narrow, light and dark, on paper."""

from __future__ import annotations

import secrets

import pytest
from browsers import Visits, axe
from playwright.sync_api import Page, expect
from processes import Stack
from talks import Talk, full_talk

from mobilis import staff
from mobilis.store import Database
from mobilis.turns import Reply

PASSWORD = "une phrase de passe assez longue"
# Words of a picture that are shown and lie over each other, or stick out of the card.
COLLISIONS = """
[...document.querySelectorAll('.chart svg[role=img]')].flatMap(picture => {
  const card = picture.closest('.card').getBoundingClientRect();
  const words = [...picture.querySelectorAll('text')]
    .map(word => [word.textContent.trim(), word.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0);
  const out = words.filter(([, box]) => box.left < card.left || box.right > card.right);
  const over = words.flatMap(([one, a], at) => words.slice(at + 1)
    .filter(([, b]) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
    .map(([other]) => one + ' / ' + other));
  return [...out.map(([word]) => word), ...over];
})
"""


def talks(database: Database) -> None:
    """Something for every figure, more than is shown, and large numbers."""
    for question in ("cost", "timeline", "accessibility", "cra_limits"):
        talk = Talk(database, "en", channel="slack" if question == "cost" else "web")
        own = {"faq": {"id": question, "sources": []}}
        for _ in range(3):
            talk.say("?", "faq", [Reply("…", None, "faq", (), own)])
        talk.ask("aim", "impact")
        talk.note("aim")
        talk.lead("person")
        talk.project()
    full_talk(database)


def signed_in(visit: Visits, stack: Stack, database: Database, language: str, **more) -> Page:
    email = f"{secrets.token_hex(4)}@exemple.ca"
    given = {"name": "Camille", "role": "viewer", "language": language, "password": PASSWORD}
    with database.write() as connection:
        staff.add_person(connection, email=email, **given)
    page = visit(f"{stack.base}/console/sign-in", **more)
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/console/queue")
    return page


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_figures_are_there_for_everyone(
    visit: Visits, stack: Stack, database: Database, language: str, width: int, scheme: str
) -> None:
    talks(database)
    page = signed_in(visit, stack, database, language, width=width, color_scheme=scheme)
    page.get_by_role("link", name="Chiffres" if language == "fr" else "Figures").click()
    for query in ("", "?period=7", "?period=year", "?since=2020-01-01&until=2020-01-31"):
        page.goto(f"{stack.base}/console/figures{query}")
        for summary in page.locator("details > summary").all():
            summary.press("Enter")
        assert axe(page) == [], query
        assert page.evaluate(COLLISIONS) == [], query
        assert page.evaluate("document.documentElement.scrollWidth") <= width, query
    expect(page.locator(".empty")).to_have_count(8)


def test_a_figure_is_downloaded_as_it_is_shown(
    visit: Visits, stack: Stack, database: Database
) -> None:
    talks(database)
    page = signed_in(visit, stack, database, "en")
    page.goto(f"{stack.base}/console/figures")
    page.select_option("#language", "en")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**language=en**")
    shown = page.locator("#questions td").first.text_content()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download “Top questions” as CSV").click()
    assert download.value.suggested_filename.startswith("mobilis-questions-")
    first = download.value.path().read_text(encoding="utf-8-sig").splitlines()[1]
    assert first.split(",")[3] == shown


def test_on_paper_there_are_figures_and_no_form(
    visit: Visits, stack: Stack, database: Database
) -> None:
    talks(database)
    page = signed_in(visit, stack, database, "fr")
    page.goto(f"{stack.base}/console/figures")
    page.emulate_media(media="print")
    expect(page.locator("form:visible, nav.periods:visible, .name .button:visible")).to_have_count(
        0
    )
    assert page.locator(".chart svg[role=img]").count() >= 8
    page.emulate_media(media="screen", forced_colors="active")
    assert axe(page) == []
