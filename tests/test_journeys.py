"""Whole conversations through real Rasa and a real database: over the chat API, on Slack and on
Teams; on SQLite and PostgreSQL.

With --write-transcripts FOLDER, what was said is written as docs/transcripts/*.md. Slack and Teams
play FEW of the journeys, and all of them with --all-channels (make journeys).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_teams import FakeTeams
from fakes.slack import FakeSlack
from platform_lines import PlatformLine, SlackLine, TeamsLine
from processes import Stack

from mobilis.journeys import hold, load_journey, play, to_markdown
from mobilis.settings import ROOT

FILES = sorted((ROOT / "tests" / "journeys").glob("*.yml"))
# The flows that write most, once more on PostgreSQL.
ON_POSTGRES = ("assessment_ready_by_buttons_fr", "declaration_happy_fr", "deletion_en")
PLATFORMS = ("slack", "teams")
FEW = (
    "assessment_ready_by_buttons_fr",
    "coach_search_refined_en",
    "declaration_happy_fr",
    "language_switch_mid_assessment_fr",
    "person_requested_en",
    "twice_lost_en",
)

OpenLine = Callable[[str], PlatformLine]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Which journeys are played where."""
    if "platform" not in metafunc.fixturenames:
        return
    every = metafunc.config.getoption("--all-channels")
    names = [path.stem for path in FILES] if every else FEW
    pairs = [(platform, name) for name in names for platform in PLATFORMS]
    metafunc.parametrize(("platform", "name"), pairs)


@pytest.fixture
def open_line(stack: Stack, slack_beside: FakeSlack, teams_beside: FakeTeams) -> Iterator[OpenLine]:
    lines: list[PlatformLine] = []

    def start(platform: str) -> PlatformLine:
        where = stack.base, stack.settings
        line = SlackLine(slack_beside, *where)
        lines.append(line if platform == "slack" else TeamsLine(teams_beside, *where))
        return lines[-1]

    yield start
    for line in lines:
        line.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_journey(path: Path, stack: Stack, request: pytest.FixtureRequest) -> None:
    transcript = play(load_journey(path), stack.base, stack)
    folder = request.config.getoption("--write-transcripts")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{path.stem}.md").write_text(to_markdown(transcript), encoding="utf-8")


@pytest.mark.timeout(900)
def test_journey_on_a_platform(platform: str, name: str, stack: Stack, open_line: OpenLine) -> None:
    line = open_line(platform)
    journey = load_journey(ROOT / "tests" / "journeys" / f"{name}.yml")
    hold(journey, line, stack)
    assert line.doubled == 0 or (platform == "teams" and journey.disturbs)


@pytest.mark.parametrize("name", ON_POSTGRES)
def test_journey_on_postgres(name: str, stack_on_postgres: Stack) -> None:
    play(load_journey(ROOT / "tests" / "journeys" / f"{name}.yml"), stack_on_postgres.base)
