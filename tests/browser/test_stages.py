"""The local pages of `mobilis dev slack` and `mobilis dev teams`: somebody who knows the platforms
finds their way there, in both languages, with the whole assistant behind. `make screenshots` keeps
what they see.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pictures
import pytest
from browsers import Visits
from pictures import LANGUAGES
from playwright.sync_api import Locator, Page, expect
from processes import Stack, free_port

from mobilis import staff
from mobilis.settings import ROOT
from mobilis.stack import Running
from mobilis.store import Database
from mobilis.web.stages import PEOPLE

FOLDER = ROOT / "docs" / "screenshots" / "platforms"
PICTURES = {
    "slack_home": "Slack: the Home tab",
    "slack_form": "Slack: the form for one's details, with what is missing",
    "slack_answer": "Slack: an answer and its sources, in a direct message",
    "slack_question": "Slack: the self-assessment; what was chosen stands in place of the buttons",
    "slack_coaches": "Slack: coaches that fit a search",
    "slack_channel": "Slack: a thread of a channel; what is personal moves to a direct message",
    "slack_staff": "Slack: staff are told in their channel, and see who has the case",
    "teams_welcome": "Teams: the app was just added",
    "teams_answer": "Teams: an answer and its sources",
    "teams_question": "Teams: the self-assessment; a card that was answered can only be read",
    "teams_coaches": "Teams: coaches that fit a search",
    "teams_channel": "Teams: a channel; what is personal moves to the personal chat",
    "teams_staff": "Teams: staff are told in their channel, and see who has the case",
}
HEADER = """# What Slack and Teams show

Taken by `make screenshots` in a real Chromium, of the local pages that `mobilis dev slack` and
`mobilis dev teams` open; never edited by hand. They are drawn about as the platforms would: the
fonts, the rail and the menus of the real ones are not there.

| | French | English |
|---|---|---|
"""
MOST_BYTES = 2_000_000  # of all pictures
WORDS = {
    "fr": {
        "person": "camille",
        "command": "/preparation",
        "free": "c tu gratuit?",
        "coach": "un coach à Montréal en logement",
        "charity": "un organisme de bienfaisance peut-il faire du plaidoyer?",
        "ready": "je veux faire l'auto-évaluation",
        "human": "je veux parler à une personne",
        "moved": "entre nous",
        "chosen": "Votre choix",
        "sources": "Sources",
        "not_published": "ne sont pas publiés",
    },
    "en": {
        "person": "alex",
        "command": "/readiness",
        "free": "is it free?",
        "coach": "a coach in Montreal for housing",
        "charity": "can a charity do advocacy?",
        "ready": "I want to take the self-assessment",
        "human": "I want to talk to a person",
        "moved": "private",
        "chosen": "Your choice",
        "sources": "Sources",
        "not_published": "published",
    },
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole assistant, on no platform yet."""
    stack = Stack(tmp_path_factory.mktemp("assistant"))
    database = Database(stack.settings.database)
    with database.write() as connection:
        for person in PEOPLE.values():
            given = {"email": person.email, "name": person.name, "language": person.language}
            staff.add_person(connection, role="triager", **given)
    database.dispose()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def begin(assistant: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """Begins `mobilis dev …` beside it, as somebody would; where the page is."""
    running: dict[str, tuple[Running, str]] = {}

    def at(platform: str) -> str:
        if platform not in running:
            port = free_port()
            address = f"http://127.0.0.1:{port}/dev/{platform}"
            command = [sys.executable, "-m", "mobilis.cli", "dev", platform, "--port", str(port)]
            environment = {
                "MOBILIS_DATA_DIR": str(assistant.settings.data_dir),
                "MOBILIS_BRAIN_PORT": str(assistant.settings.brain_port),
                "MOBILIS_NOTICES_LANGUAGE": "fr",
            }
            log = tmp_path_factory.mktemp(platform) / "log"
            running[platform] = Running(command, environment, ROOT, log, address), address
        return running[platform][1]

    yield at
    for program, _ in running.values():
        program.stop()


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path | None:
    found: Path | None = request.config.getoption("--write-screenshots")
    if found is None:
        return None
    (found / "platforms").mkdir(parents=True, exist_ok=True)
    return found / "platforms"


class Seat:
    """Somebody before the page of a platform, in their language."""

    def __init__(self, page: Page, address: str, language: str, folder: Path | None) -> None:
        self.page = page
        self.words = WORDS[language]
        self._address = address
        self._language = language
        self._folder = folder

    @property
    def last(self) -> Locator:
        """The last message."""
        return self.page.locator("article").last

    def go(self, place: str) -> None:
        self.page.goto(f"{self._address}?place={place}&person={self.words['person']}")

    def say(self, word: str) -> None:
        """Type something and send it with Enter; it is shown, and the field is empty again."""
        text = self.words[word]
        self.page.locator("#text").fill(text)
        self.page.locator("#text").press("Enter")
        expect(self.page.locator("article", has_text=text).last).to_be_visible()
        expect(self.page.locator("#text")).to_have_value("")

    def sees(self, text: str) -> None:
        expect(self.last).to_contain_text(text)

    def press(self, button: Locator) -> None:
        button.press("Enter")

    def look(self, name: str) -> None:
        pictures.look(self.page, name, self._language, self._folder)


@pytest.fixture
def sit(visit: Visits, begin: Callable, folder: Path | None) -> Callable[..., Seat]:
    def at(platform: str, language: str, **more: int) -> Seat:
        address = begin(platform)
        page = visit(address, **{"width": 1180, "height": 860, **more})
        return Seat(page, address, language, folder)

    return at


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_knows_slack_finds_their_way(sit: Callable[..., Seat], language: str) -> None:
    seat = sit("slack", language)
    page, words = seat.page, seat.words

    seat.go("home")
    seat.press(page.locator("#opens-home"))
    expect(page.locator(".home h2")).to_be_visible()
    seat.look("slack_home")

    seat.press(page.locator(".home button").last)
    form = page.locator("form.modal")
    expect(form).to_be_visible()
    form.locator("[name=name]").fill("Marie Roy")
    seat.press(page.locator("#sends-form"))
    expect(form.locator(".wrong")).to_have_count(3)
    expect(form.locator("[name=name]")).to_have_value("Marie Roy")
    seat.look("slack_form")
    form.locator("[name=organization]").fill("Maison des aînés")
    form.locator("[name=email]").fill("marie@exemple.ca")
    form.locator("[name=consent]").check()
    seat.press(page.locator("#sends-form"))
    expect(page.locator("#sends-form")).to_have_count(0)
    seat.press(page.locator("#closes-form"))
    expect(form).to_have_count(0)

    seat.go("direct")
    seat.say("charity")
    seat.sees(words["sources"])
    seat.look("slack_answer")

    seat.press(page.get_by_role("button", name=words["command"]))
    expect(page.get_by_role("status")).to_be_visible()
    seat.press(page.locator("article", has_text="Question 1").locator(".buttons button").first)
    expect(page.locator("article", has_text=words["chosen"]).first).to_be_visible()
    seat.sees("Question 2")
    seat.look("slack_question")

    seat.say("coach")
    expect(page.locator("article", has_text="Fiction").last).to_be_visible()
    page.locator("article", has_text="Fiction").last.scroll_into_view_if_needed()
    seat.look("slack_coaches")

    seat.go("channel")
    seat.say("free")
    seat.sees(words["not_published"])
    seat.say("ready")
    seat.sees(words["moved"])
    seat.look("slack_channel")

    seat.go("team")
    claim = page.get_by_role("button", name="Prendre en charge")
    expect(claim.first).to_be_visible()
    seat.press(claim.first)
    expect(page.locator("article", has_text=PEOPLE[words["person"]].name).first).to_be_visible()
    seat.look("slack_staff")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_knows_teams_finds_their_way(sit: Callable[..., Seat], language: str) -> None:
    seat = sit("teams", language)
    page, words = seat.page, seat.words

    seat.go("personal")
    seat.press(page.locator("#installs"))
    expect(seat.last.locator(".actionset button").first).to_be_visible()
    seat.look("teams_welcome")

    seat.say("charity")
    seat.sees(words["sources"])
    seat.look("teams_answer")

    seat.say("ready")
    seat.press(page.locator("article", has_text="Question 1").locator(".actionset button").first)
    expect(page.locator("article", has_text=words["chosen"]).first).to_be_visible()
    seat.sees("Question 2")
    seat.look("teams_question")

    seat.say("coach")
    expect(page.locator("article", has_text="Fiction").last).to_be_visible()
    seat.look("teams_coaches")

    seat.say("human")
    expect(page.locator("article", has_text=re.compile(r"M-\w")).last).to_be_visible()

    seat.go("channel")
    seat.say("free")
    seat.sees(words["not_published"])
    seat.say("ready")
    seat.sees(words["moved"])
    seat.look("teams_channel")

    seat.go("staff")
    claim = page.get_by_role("button", name="Prendre en charge")
    expect(claim.first).to_be_visible()
    seat.press(claim.first)
    expect(page.locator("article", has_text=PEOPLE[words["person"]].name).first).to_be_visible()
    seat.look("teams_staff")


@pytest.mark.parametrize("platform", ["slack", "teams"])
def test_the_page_fits_a_phone(sit: Callable[..., Seat], platform: str) -> None:
    seat = sit(platform, "fr", width=360, height=740)
    seat.say("charity")
    expect(seat.page.locator("article", has_text=seat.words["sources"]).last).to_be_visible()
    pictures.look(seat.page, platform, "fr", None)


def test_the_pictures_have_their_page(folder: Path | None) -> None:
    if folder is None:
        pytest.skip("make screenshots writes it")
    (folder / "README.md").write_text(pictures.page_of_all(HEADER, PICTURES), encoding="utf-8")


def test_the_pictures_that_stand_there_are_those_listed() -> None:
    pictures.check(FOLDER, HEADER, PICTURES, MOST_BYTES)
