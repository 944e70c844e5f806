"""A front door on a Teams of our own, and people who talk there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doors import FrontDoor
from fake_teams import Chat, FakeTeams, personal_id

from mobilis.web import sender
from mobilis.web.teams import composing


@pytest.fixture(scope="session")
def the_teams() -> Iterator[FakeTeams]:
    teams = FakeTeams()
    yield teams
    teams.stop()


@pytest.fixture
def teams(the_teams: FakeTeams) -> FakeTeams:
    """Teams, doing everything right and remembering nothing."""
    the_teams.forget()
    return the_teams


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same behaviour, in less time."""
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(sender, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(composing, "AFTER", 0.1)
    monkeypatch.setattr(composing, "EVERY", 0.1)


@pytest.fixture
def teams_door(teams: FakeTeams, open_door: Callable[..., FrontDoor]) -> FrontDoor:
    """A front door whose Teams this is."""
    return open_door(**teams.settings())


@pytest.fixture
def meet(teams: FakeTeams, teams_door: FrontDoor) -> Callable[..., Chat]:
    """Somebody in a personal chat with the app, or in a channel or group of others."""

    def new(kind: str = "personal", **more: Any) -> Chat:
        person = more.pop("person", f"29:{uuid.uuid4().hex}")
        if kind == "personal":
            return Chat(teams, teams_door.http.post, personal_id(person), person, **more)
        id = f"19:{uuid.uuid4().hex}@thread.v2"
        if kind == "channel":
            team = f"19:{uuid.uuid4().hex}@thread.tacv2"
            id = f"{team};messageid=1700000000000"
            more.setdefault("channel_data", {"team": {"id": team}, "channel": {"id": team}})
        id = more.pop("id", id)
        return Chat(teams, teams_door.http.post, id, person, kind, **more)

    return new


@pytest.fixture
def chat(meet: Callable[..., Chat]) -> Chat:
    """Somebody's personal chat."""
    return meet()
