"""From each schema to the one before and back, with rows in every table, on both databases."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from filled import KINDS, database_of, fill
from sqlalchemy import MetaData, func, insert, inspect, select, text

from mobilis import audit, models
from mobilis.cli import main
from mobilis.demo import fill as fill_demo
from mobilis.errors import StoreError
from mobilis.priority import read_weights
from mobilis.schema import BASE, HEAD, change, newest, revision_of, revisions
from mobilis.settings import ROOT
from mobilis.store import Database, now

Rows = dict[str, list[dict[str, Any]]]
# What a step back cannot keep, by the revision that it goes back from: what only that one holds is
# told from the schemas themselves; here is what it changes in what both hold.
MADE_AGAIN = {"case_texts", "case_days"}  # by the projector, as after any erasure


@pytest.fixture(params=KINDS)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with something in every column."""
    with database_of(request.param, request, tmp_path) as database:
        with database.write() as connection:
            for number in range(3):
                fill(connection, f"Ünïque-{number}")
            audit.record(connection, audit.COMMAND, "tried", "nothing", {"é": 1})
            _fill_the_rest(connection)
        yield database


def _fill_the_rest(connection: Any) -> None:
    """A row in each table that belongs to no conversation and has none yet."""
    person = connection.execute(select(models.staff.c.id)).scalar()
    for table in models.metadata.sorted_tables:
        if connection.execute(select(func.count()).select_from(table)).scalar():
            continue
        values = {c.name: _some(c, person) for c in table.c if not _numbered(c)}
        connection.execute(insert(table).values(**values))


def _numbered(column: Any) -> bool:
    return bool(column.primary_key and str(column.type) == "INTEGER")


def _some(column: Any, person: str) -> Any:
    kind = type(column.type).__name__
    if column.foreign_keys:
        return person if next(iter(column.foreign_keys)).column.table.name == "staff" else None
    if kind == "UTCDateTime":
        return now()
    if kind == "Boolean":
        return True
    if kind == "Integer":
        return 1
    if kind == "JSON":
        return {"fr": "été"}
    return secrets.token_hex(16)[: column.type.length]


def contents(database: Database) -> Rows:
    """Every row of every table, as the schema of the moment has them."""
    found: Rows = {}
    there = MetaData()
    there.reflect(database.engine)
    with database.read() as connection:
        for table in there.sorted_tables:
            if table.name == "alembic_version" or table.name.startswith("case_search"):
                continue
            rows = [dict(row._mapping) for row in connection.execute(select(table))]
            found[table.name] = sorted(rows, key=_key)
    return found


def _key(row: dict[str, Any]) -> str:
    return "|".join(str(row[name]) for name in sorted(row) if not isinstance(row[name], datetime))


def kept(before: Rows, after: Rows) -> None:
    """What both schemas have a place for is the same, row by row."""
    for name in before.keys() & after.keys():
        assert len(before[name]) == len(after[name]), name
        if not before[name]:
            continue
        both = before[name][0].keys() & after[name][0].keys()
        if name == "cases":
            both -= {"position"}  # -1: to be projected again
        told = [sorted(_key({k: row[k] for k in both}) for row in r[name]) for r in (before, after)]
        assert told[0] == told[1], name


def test_every_table_is_filled(filled: Database) -> None:
    empty = {name for name, rows in contents(filled).items() if not rows}
    assert empty == set()


def test_each_step_back_and_forth_keeps_what_the_older_schema_can_hold(filled: Database) -> None:
    names = [BASE, *revisions()]
    for older, newer in zip(reversed(names[1:-1]), reversed(names[2:]), strict=True):
        before = contents(filled)
        change(filled.url, older)
        back = contents(filled)
        kept(before, back)
        change(filled.url, newer)
        forth = contents(filled)
        kept(back, forth)
        change(filled.url, older)
        assert {n: len(r) for n, r in contents(filled).items()} == {
            n: len(r) for n, r in back.items()
        }


def test_from_older_schemas_with_data_to_the_newest(filled: Database) -> None:
    for older in reversed(revisions()[:-1:4]):
        change(filled.url, older)
        before = contents(filled)
        told: list[str] = []
        change(filled.url, HEAD, tell=told.append)
        assert told[-1].startswith(f"to {newest()}: ")
        kept(before, contents(filled))
        with filled.read() as connection:
            assert revision_of(connection) == newest()
            assert audit.verify(connection) is None if "audit" in before else True


@pytest.mark.parametrize("kind", KINDS)
def test_a_console_full_of_cases_goes_back_and_forth(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with database_of(kind, request, tmp_path) as database:
        fill_demo(
            database,
            ROOT,
            conversations_wanted=40,
            seed=1,
            weights=read_weights(""),
            tell=lambda line: None,
        )
        before = contents(database)
        change(database.url, "0004")
        change(database.url)
        after = contents(database)
        kept(before, {name: rows for name, rows in after.items() if name in OF_VISITORS})
        assert {len(before[name]) for name in OF_VISITORS}.isdisjoint({0})


OF_VISITORS = ("conversations", "inbox", "outbox", "leads", "assessments")


def test_two_that_migrate_at_once_wait_for_each_other(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    for kind in KINDS:
        with database_of(kind, request, tmp_path) as database:
            change(database.url, BASE)
            problems: list[BaseException] = []

            def migrate(url: str = database.url, problems: Any = problems) -> None:
                try:
                    change(url)
                except BaseException as error:  # noqa: BLE001 - told in the test
                    problems.append(error)

            both = [threading.Thread(target=migrate) for _ in range(3)]
            for one in both:
                one.start()
            for one in both:
                one.join()
            assert problems == []
            with database.read() as connection:
                assert revision_of(connection) == newest()


def test_a_schema_that_is_not_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^0099 is no revision of the schema; the newest is "):
        change(f"sqlite:///{tmp_path / 'a.db'}", "0099")


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    change(url, "0017")
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE erasures ADD COLUMN subject TEXT"))
    with pytest.raises(StoreError, match="the database refused"):
        change(url)
    with database.read() as connection:
        assert revision_of(connection) == "0017"
        assert "by_model" not in {c["name"] for c in inspect(connection).get_columns("outbox")}
    database.dispose()


def test_the_command_tells_each_step_and_a_rehearsal_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'a.db'}")
    assert main(["migrate", "--to", "0002"]) == 0
    assert main(["migrate", "--dry-run", "--to", "0003"]) == 0
    assert main(["migrate", "--to", "0001"]) == 0
    assert main(["migrate", "--to", "0001"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        *("to 0001", "to 0002", "to 0003", "back from 0002"),
        "the database has schema 0001 already",
    ]
    assert main(["migrate", "--to", "x"]) == 1
    assert "x is no revision" in capsys.readouterr().err
