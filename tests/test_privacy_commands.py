"""`mobilis privacy …`: shown before it is done, asked before it is erased."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import filled
import pytest
from schemas import migrated
from sqlalchemy import func, select

from mobilis.cli import main
from mobilis.models import conversations
from mobilis.store import Database, now


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'commands.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


def talk(database: Database, days: float = 0, **more: Any) -> str:
    with database.write() as connection:
        return filled.fill(connection, "said", now() - timedelta(days=days), **more)


def talks(database: Database) -> int:
    with database.read() as connection:
        query = select(func.count()).select_from(conversations)
        return int(connection.execute(query).scalar_one())


def test_a_dry_run_says_what_is_due_and_erases_nothing(database: Database, capsys: Any) -> None:
    talk(database, 181, leads={"consent_at": None})
    talk(database, 200)
    assert main(["privacy", "retention", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "conversations to erase whole: 1\n" in said
    assert "transcripts to erase, whose lead stays: 1\n" in said
    assert f"fell silent on {(now() - timedelta(days=200)).date()}" in said
    assert "       2 inbox" in said
    assert main(["privacy", "retention", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["leads"] == 1
    assert talks(database) == 2


def test_retention_erases_what_is_due(database: Database, capsys: Any) -> None:
    talk(database, 181, leads={"consent_at": None})
    talk(database, 10)
    assert main(["privacy", "retention"]) == 0
    assert "       1 conversations" in capsys.readouterr().out
    assert talks(database) == 1
    assert main(["privacy", "retention"]) == 0
    assert capsys.readouterr().out == "nothing was due\n"
    assert main(["privacy", "retention", "--dry-run"]) == 0
    assert capsys.readouterr().out == "nothing is due\n"
    assert main(["privacy", "retention", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": {}}


def test_a_person_is_found(database: Database, capsys: Any) -> None:
    mine = talk(database, leads={"email": "marie@exemple.ca"})
    other = talk(database, inbox={"text": "marie@exemple.ca"})
    assert main(["privacy", "find", "MARIE@exemple.ca"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{mine}  email") and first.endswith("  theirs")
    assert second.startswith(f"{other}  said") and second.endswith("  perhaps somebody else's")
    assert main(["privacy", "find", "marie@exemple.ca", "--json"]) == 0
    assert [one["sure"] for one in json.loads(capsys.readouterr().out)] == [True, False]
    assert main(["privacy", "find", "nobody@exemple.ca"]) == 1
    assert capsys.readouterr().err == "nothing is kept of them\n"


def test_a_person_is_exported_to_the_screen_or_to_a_new_file(
    database: Database, capsys: Any, tmp_path: Path
) -> None:
    mine = talk(database, leads={"email": "marie@exemple.ca"})
    assert main(["privacy", "export", "marie@exemple.ca"]) == 0
    assert json.loads(capsys.readouterr().out)["conversations"] == [mine]
    path = tmp_path / "marie.json"
    given = ["privacy", "export", "marie@exemple.ca", "--output", str(path)]
    assert main(given) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["conversations"] == [mine]
    assert main(given) == 1
    assert "there is a file of this name already" in capsys.readouterr().err
    assert main(["privacy", "export", "nobody@exemple.ca"]) == 1


@pytest.mark.parametrize(
    ("typed", "left"), [("1\n", 1), ("2\n", 2), ("y\n", 2), ("\n", 2), ("", 2)]
)
def test_erasing_asks_how_many(
    database: Database, capsys: Any, monkeypatch: pytest.MonkeyPatch, typed: str, left: int
) -> None:
    talk(database, leads={"email": "marie@exemple.ca"})
    talk(database, inbox={"text": "marie@exemple.ca"})
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(["privacy", "erase", "marie@exemple.ca"]) == (0 if left == 1 else 1)
    assert talks(database) == left
    said = capsys.readouterr()
    assert "1 conversations will be erased for good" in said.err
    assert ("nothing was erased" in said.err) is (left == 2)


def test_erasing_can_be_told_not_to_ask(database: Database, capsys: Any) -> None:
    mine = talk(database)
    assert main(["privacy", "erase", mine, "--yes"]) == 0
    assert json.loads(capsys.readouterr().out)["conversations"] == 1
    assert talks(database) == 0


def test_nobody_is_erased_by_a_name(database: Database, capsys: Any) -> None:
    talk(database, leads={"name": "Marie Roy"})
    assert main(["privacy", "erase", "Marie Roy", "--yes"]) == 1
    assert "no conversation is theirs for sure" in capsys.readouterr().err
    assert talks(database) == 1
