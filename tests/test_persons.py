"""A person everywhere: found by what they gave, told whole, and erased without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filled
import pytest
from sqlalchemy import func, insert, select

from mobilis import audit, models, persons
from mobilis.store import Database, now

MARKER = "zqxj7w"
WHO = "an id of staff"


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of("sqlite", request, tmp_path) as database:
        yield database


def talk(database: Database, marker: str = "said", **more: Any) -> str:
    with database.write() as connection:
        return filled.fill(connection, marker, **more)


def why(database: Database, wanted: str) -> dict[str, str]:
    with database.read() as connection:
        return {one.id: one.why for one in persons.find(connection, wanted)}


def entries(database: Database) -> list[Any]:
    with database.read() as connection:
        assert audit.verify(connection) is None
        return [e for e in audit.entries(connection) if e.action.startswith("person.")]


def test_a_person_is_found_by_what_they_gave(database: Database) -> None:
    marie = {"email": "Marie@Exemple.ca", "name": "Hélène  Côté", "reference": "M-ABCDEF"}
    first = talk(database, leads=marie)
    second = talk(database, leads={"email": "marie@exemple.ca", "name": "H. C."})
    third = talk(database, inbox={"text": "écrivez à MARIE@exemple.ca svp"})
    fourth = talk(database, case_notes={"text": "voir marie@exemple.ca"})
    other = talk(database, leads={"email": "marie@exemple.ca.example", "name": "Autre"})
    found = why(database, " marie@EXEMPLE.ca ")
    assert found == {first: "email", second: "email", third: "said", fourth: "said"}
    assert why(database, "m-abcdef") == {first: "reference", second: "email"}
    assert why(database, first.upper()) == {first: "conversation", second: "email"}
    assert why(database, "helene cote") == {first: "name"}
    assert other not in found


def test_the_duplicates_that_staff_merged_are_theirs_too(sqlite: Database) -> None:
    first = talk(sqlite, leads={"email": None})
    second = talk(sqlite, leads={"email": None}, cases={"merged_into": first})
    assert why(sqlite, first) == {first: "conversation", second: "merged"}


@pytest.mark.parametrize("wanted", ["", "  ", "ab", "nobody@exemple.ca", "%", "___", "M-______"])
def test_what_fits_nobody_finds_nobody(sqlite: Database, wanted: str) -> None:
    talk(sqlite)
    assert why(sqlite, wanted) == {}


def test_a_name_or_a_mention_is_not_enough_to_be_sure(sqlite: Database) -> None:
    talk(sqlite, leads={"name": "Marie Roy", "email": "m@exemple.ca"})
    talk(sqlite, inbox={"text": "Marie Roy m'a dit"})
    with sqlite.read() as connection:
        by_name = persons.find(connection, "marie roy")
        by_address = persons.find(connection, "m@exemple.ca")
    assert [(one.why, one.sure) for one in by_name] == [("name", False), ("said", False)]
    assert [(one.why, one.sure) for one in by_address] == [("email", True)]
    assert by_address[0].names == ("Marie Roy",)
    assert by_address[0].rows["inbox"] == 1


def test_what_is_kept_is_told_from_every_table(database: Database) -> None:
    mine, _ = talk(database, MARKER), talk(database, "other")
    with database.write() as connection:
        text = persons.export(connection, WHO, [mine])
    kept = json.loads(text)
    assert kept["conversations"] == [mine]
    assert set(kept["tables"]) == {table.name for table in filled.tables()}
    told = {
        f"{table}.{column}"
        for table, rows in kept["tables"].items()
        for row in rows
        for column, value in row.items()
        if MARKER in json.dumps(value)
    }
    assert told == filled.texts() - {"conversations.token_hash"}
    assert kept["tables"]["tracker_events"][0]["data"] == {"event": "user", "text": MARKER}
    assert "other" not in text


def test_erasing_leaves_no_trace_in_any_table(database: Database) -> None:
    mine, other = talk(database, MARKER), talk(database, "other")
    with database.read() as connection:
        assert filled.holding(connection, MARKER) == filled.texts()
    with database.erase() as connection:
        counts = persons.erase(connection, WHO, [mine])
    with database.read() as connection:
        assert filled.holding(connection, MARKER) == set()
        assert connection.execute(select(func.count()).select_from(models.erasures)).scalar() == 1
        assert persons.everything(connection, [other])["tables"].keys() == {
            table.name for table in filled.tables()
        }
    assert counts["conversations"] == counts["leads"] == counts["case_notes"] == 1


def test_erasing_leaves_no_trace_in_the_files_of_the_database(
    sqlite: Database, tmp_path: Path
) -> None:
    mine = talk(sqlite, MARKER)
    for number in range(30):  # long texts, which SQLite keeps on pages of their own
        with sqlite.write() as connection:
            row = {"conversation_id": mine, "id": f"m{number}", "position": 100 + number}
            row |= {"kind": "text", "text": MARKER * 2000, "masked": MARKER, "language": "fr"}
            row |= {"state": "done", "at": now(), "due_at": now()}
            connection.execute(insert(models.inbox).values(**row))
    assert MARKER.encode() in files(tmp_path)
    with sqlite.erase() as connection:
        persons.erase(connection, WHO, [mine])
    assert MARKER.encode() not in files(tmp_path)
    assert b"telltale" not in files(tmp_path)


def files(folder: Path) -> bytes:
    """The bytes of the database, its write-ahead log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("talks.db*")))


def test_the_audit_log_tells_who_looked_and_never_for_whom(sqlite: Database) -> None:
    mine = talk(sqlite, MARKER, leads={"email": f"{MARKER}@exemple.ca"})
    with sqlite.erase() as connection:
        persons.note_found(connection, WHO, persons.find(connection, f"{MARKER}@exemple.ca"))
        persons.read(connection, WHO, [mine])
        persons.export(connection, WHO, [mine])
        persons.erase(connection, WHO, [mine, mine])
        persons.erase(connection, WHO, ["unknown"])
    noted = [(entry.actor, entry.action, entry.subject) for entry in entries(sqlite)]
    talked = f"conversation:{mine}"
    assert noted == [
        (WHO, "person.found", "person"),
        (WHO, "person.read", talked),
        (WHO, "person.exported", talked),
        (WHO, "person.erased", talked),
    ]
    assert MARKER not in " ".join(entry.detail for entry in entries(sqlite))
