"""A Chromium, websites that have pasted the widget's one line, and visits of them.

A test fails when a page that it visited had a trouble which it did not announce.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsers import Visits, running_chromium
from doors import SECRET, FakeBrain, FrontDoor
from playwright.sync_api import Browser, Page
from processes import Stack
from websites import Document, Websites

from mobilis import staff
from mobilis.settings import ROOT, Settings
from mobilis.store import Database, migrate
from mobilis.web.widget import DIST, NOT_BUILT

PASSWORD = "une phrase de passe assez longue"
# {door} is where the front door is.
LINE = '<script defer src="{door}/widget.js" data-language="auto"></script>'
WORDS = '<main><h1>Maison des aînés</h1><p>Un organisme. <a href="/blank">Contact</a></p></main>'
STRICT = (
    "default-src 'none'; script-src {door}; connect-src {door}; style-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# What themes and resets do to all that they reach, and more than they should.
HOSTILE = """
html { font-size: 62.5%; }
body { font: italic 10px/3 fantasy; color: hotpink; background: black; text-align: right;
  text-transform: uppercase; letter-spacing: 0.3em; word-spacing: 1em; cursor: crosshair; }
body * { all: unset !important; }
button, input, textarea, a { display: none !important; }
"""
NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, {
    get() { throw new DOMException("storage is blocked", "SecurityError"); },
  });
}
"""
LIGHT = '<meta name="color-scheme" content="light"><style>body{background:#fff;color:#222}</style>'


def written(
    head: str = "", body: str = WORDS, attributes: str = ' lang="fr"', line: str = LINE
) -> str:
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f"<meta charset=utf-8><title>Maison des aînés</title>{viewport}{head}{line}"
    return f"<!doctype html><html{attributes}><head>{head}</head><body>{body}</body></html>"


PAGES = {
    "blank": Document(f"<!doctype html>{LINE}"),
    "french": Document(written(attributes=' lang="fr-CA"')),
    "english": Document(written(attributes=' lang="en"')),
    "strict": Document(written(), {"Content-Security-Policy": STRICT}),
    "hostile": Document(written(f"<style>{HOSTILE}</style>")),
    "no-storage": Document(written(f"<script>{NO_STORAGE}</script>")),
    "light-only": Document(written(LIGHT)),
}


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def sites(websites: Websites, stack: Stack) -> Websites:
    """The websites, with the PAGES on them."""
    if not (ROOT / DIST / "widget.js").exists():
        pytest.fail(NOT_BUILT)
    for name, document in PAGES.items():
        headers = {
            key: value.replace("{door}", stack.base) for key, value in document.headers.items()
        }
        websites.put(name, Document(document.html.replace("{door}", stack.base), headers))
    return websites


@pytest.fixture
def visit(chromium: Browser, sites: Websites) -> Iterator[Visits]:
    """Opens a page: `visit("french", width=320)`, or any address; `visit.expect("ERR_FAILED")`
    announces a trouble."""
    visits = Visits(chromium, sites)
    yield visits
    troubles = visits.end()
    if troubles:
        pytest.fail("a page had troubles:\n" + "\n".join(troubles))


@pytest.fixture
def paste(sites: Websites, stack: Stack) -> Callable[..., str]:
    """Puts a page of the test's own on the websites: `paste("mine", body="…{door}…")`, with what
    `written` takes; the front door is that of the stack unless `door` is another's address."""

    def put(name: str, door: str = stack.base, **parts: str) -> str:
        sites.put(name, Document(written(**parts).replace("{door}", door)))
        return name

    return put


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """What the stack keeps."""
    database = Database(stack.settings.database)
    yield database
    database.dispose()


@pytest.fixture
def sign_in(visit: Visits, stack: Stack, database: Database) -> Callable[..., Page]:
    """The queue, as a new colleague sees it: `sign_in("fr", role="admin", width=320)`."""

    def go(language: str, role: str = "triager", name: str = "Camille Essai", **more: Any) -> Page:
        email = f"{secrets.token_hex(4)}@exemple.ca"
        given = {"name": name, "role": role, "language": language, "password": PASSWORD}
        with database.write() as connection:
            staff.add_person(connection, email=email, **given)
        page = visit(f"{stack.base}/console/sign-in?lang={language}", **more)
        page.fill("#email", email)
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url("**/console/queue")
        return page

    return go


@pytest.fixture
def brain() -> Iterator[FakeBrain]:
    """A scripted brain, for the front doors of `open_door`."""
    brain = FakeBrain()
    yield brain
    brain.stop()


@pytest.fixture
def open_door(
    visit: Visits, brain: FakeBrain, websites: Websites, tmp_path: Path
) -> Iterator[Callable[..., FrontDoor]]:
    """Starts a front door of the test's own, with some settings changed, before `brain`."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'mobilis.db'}",
        brain_port=brain.port,
        secret=SECRET,
        cors_origins=tuple(websites.allowed_origins.split(",")),
        turn_attempts=2,
        turn_backoff=0.02,
    )
    migrate(settings.database)
    doors: list[FrontDoor] = []

    def start(**changes: Any) -> FrontDoor:
        doors.append(FrontDoor(replace(settings, **changes)))
        return doors[-1].start()

    yield start
    visit.leave()
    for door in doors:
        door.close()
