"""Fictional conversations: believable, the same for the same seed, and whole cases of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from schemas import migrated
from sqlalchemy import func, insert, select
from talks import Talk

from mobilis import cases, cli, demo
from mobilis.decisions import find
from mobilis.demo import DemoRefused, fill
from mobilis.models import (
    case_days,
    case_facets,
    case_texts,
    conversations,
    inbox,
    leads,
    unhandled,
)
from mobilis.models import cases as cases_table
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.store import Database
from mobilis.turns import Reply

pytestmark = pytest.mark.door

MOMENT = datetime(2026, 11, 23, 16, tzinfo=timezone.utc)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture(autouse=True)
def a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (demo, cases):
        monkeypatch.setattr(module, "now", lambda: MOMENT)


def add(database: Database, count: int, seed: int = 1, **more: Any) -> None:
    told: list[str] = []
    given = {"conversations_wanted": count, "seed": seed, "weights": WEIGHTS, "tell": told.append}
    fill(database, ROOT, **given, **more)
    assert told[-1] == f"{count} of {count} conversations"


def everything(database: Database) -> list[Any]:
    tables = (cases_table, case_texts, case_facets, case_days)
    with database.read() as connection:
        rows = [sorted(map(str, connection.execute(select(table)))) for table in tables]
    return rows


def test_the_projection_of_what_is_made_is_what_was_made(database: Database) -> None:
    add(database, 300)
    before = everything(database)
    assert len(before[0]) == 300
    list(cases.rebuild(database, WEIGHTS))
    assert everything(database) == before


def test_a_case_that_comes_meanwhile_keeps_its_number(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "AT_ONCE", 2)

    def somebody_comes(line: str) -> None:
        talk = Talk(database, "fr")
        talk.say("bonjour", "greet", [Reply("Bonjour!", "fr")])
        talk.project()

    wanted = {"conversations_wanted": 6, "seed": 1, "weights": WEIGHTS, "tell": somebody_comes}
    fill(database, ROOT, **wanted)
    with database.read() as connection:
        assert len(set(connection.execute(select(case_texts.c.number)).scalars())) == 6 + 3


def test_the_same_seed_makes_the_same_and_another_does_not(
    database: Database, tmp_path: Path
) -> None:
    said = []
    for number, seed in enumerate((1, 1, 2)):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        migrated(url)
        other = Database(url)
        add(other, 30, seed)
        with other.read() as connection:
            said.append(sorted(map(str, connection.execute(select(inbox.c.id, inbox.c.text)))))
        other.dispose()
    assert said[0] == said[1] != said[2]


def test_there_is_something_of_everything_in_both_languages(database: Database) -> None:
    add(database, 400)
    with database.read() as connection:
        kinds = set(connection.execute(select(leads.c.kind)).scalars())
        talked = set(connection.execute(select(conversations.c.language)).scalars())
        missed = set(connection.execute(select(unhandled.c.outcome)).scalars())
        states = set(connection.execute(select(cases_table.c.status)).scalars())
        bands = set(connection.execute(select(cases_table.c.band)).scalars())
        lost = find(connection, ROOT, [])
    assert len(lost.groups) > 5 and any(len(group.texts) > 1 for group in lost.groups)
    assert {g.label for group in lost.groups for g in group.guesses} >= {"faq/cost", "find_coach"}
    assert kinds == {"interest", "coach", "person"}
    assert talked == {"fr", "en"}
    assert missed == {"lost", "clarified"}
    assert {"new", "closed"} <= states
    assert {"ready", "nearly"} <= bands


def test_whoever_is_made_is_plainly_fictional(database: Database) -> None:
    add(database, 400)
    with database.read() as connection:
        rows = connection.execute(select(leads.c.email, leads.c.organization, leads.c.reference))
        given = [row for row in rows if row.email]
    assert len(given) > 20
    assert all(re.fullmatch(r"[a-z.]+\d+@example\.org", row.email) for row in given)
    fictional = re.compile("ficti|imagin|exampl|exempl", re.IGNORECASE)
    assert all(fictional.search(row.organization) for row in given)


def test_more_can_be_added_to_what_was_made(database: Database) -> None:
    add(database, 20)
    add(database, 20)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(cases_table)).scalar_one() == 40


def test_real_conversations_are_not_mixed_with_fictional_ones_unless_asked(
    database: Database,
) -> None:
    row = {"id": "real", "token_hash": "", "channel": "web", "language": "fr", "position": 5}
    with database.write() as connection:
        connection.execute(insert(conversations).values(**row, created_at=MOMENT, last_at=MOMENT))
    with pytest.raises(DemoRefused, match="--anyway"):
        add(database, 5)
    add(database, 5, anyway=True)


def test_the_commands_fill_and_make_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'command.db'}")
    assert cli.main(["demo", "fill", "--conversations", "12"]) == 0
    assert cli.main(["console", "rebuild"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == ["added 12 fictional conversations", "made 12 cases again"]
    assert cli.main(["demo", "fill", "--conversations", "none"]) == 1
    assert "--conversations: a number" in capsys.readouterr().err
