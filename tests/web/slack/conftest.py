"""A front door on Slack: a fake Slack behind it, and people who write to it there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from doors import FakeBrain, FrontDoor
from fakes.slack import SIGNING_SECRET, FakeSlack, Person, Team
from sqlalchemy import select

from mobilis.models import deliveries, inbox
from mobilis.settings import Settings
from mobilis.store import Database
from mobilis.web import sender
from mobilis.web.slack import api


@pytest.fixture(scope="session")
def the_slack() -> Iterator[FakeSlack]:
    slack = FakeSlack().start()
    yield slack
    slack.stop()


@pytest.fixture
def slack(the_slack: FakeSlack) -> FakeSlack:
    """Slack, remembering nothing: one workspace, T1, with people of both languages."""
    the_slack.forget()
    return the_slack


@pytest.fixture(autouse=True, scope="session")
def quick_sender() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "POLL_SECONDS", 0.02)
        patch.setattr(sender, "BACKOFF_SECONDS", 0.01)
        patch.setattr(api, "UNSURE_SECONDS", 0.01)
        yield


@pytest.fixture(scope="session")
def slack_settings(settings: Settings, the_slack: FakeSlack) -> Settings:
    return replace(
        settings,
        slack_signing_secret=SIGNING_SECRET,
        slack_bot_token=Team.token,
        slack_api_url=the_slack.base,
        public_url="https://chat.example.org",
    )


@pytest.fixture(scope="session")
def the_slack_door(slack_settings: Settings) -> Iterator[FrontDoor]:
    door = FrontDoor(slack_settings)
    yield door
    door.close()


@pytest.fixture
def slack_door(
    the_door: FrontDoor,
    the_slack_door: FrontDoor,
    slack: FakeSlack,
    brain: FakeBrain,
    database: Database,
) -> Iterator[FrontDoor]:
    """A front door with the token of T1; one process for many tests, since starting it takes a
    while. What a test leaves under way is not seen by the next one."""
    the_door.stop()
    yield the_slack_door.start()
    end = time.monotonic() + 20
    while _is_busy(database) and time.monotonic() < end:
        time.sleep(0.01)


def _is_busy(database: Database) -> bool:
    waiting = select(inbox.c.id).where(inbox.c.state == "pending")
    going = select(deliveries.c.number).where(deliveries.c.state.in_(("pending", "sending")))
    with database.read() as connection:
        return any(connection.execute(query).first() for query in (waiting, going))


@pytest.fixture
def open_slack(
    the_door: FrontDoor,
    the_slack_door: FrontDoor,
    slack_settings: Settings,
    slack: FakeSlack,
    brain: FakeBrain,
    database: Database,
) -> Iterator[Callable[..., FrontDoor]]:
    """Starts a front door with some settings changed."""
    the_door.stop()
    the_slack_door.stop()
    doors = []

    def start(**changes: Any) -> FrontDoor:
        doors.append(FrontDoor(replace(slack_settings, **changes)))
        return doors[-1].start()

    yield start
    for door in doors:
        door.close()


@pytest.fixture
def someone(slack: FakeSlack, slack_door: FrontDoor) -> Person:
    """A person whose Slack is in French."""
    return Person(slack, slack_door.http)


@pytest.fixture
def anglophone(slack: FakeSlack, slack_door: FrontDoor) -> Person:
    """A person whose Slack is in English."""
    return Person(slack, slack_door.http, user="U2")
