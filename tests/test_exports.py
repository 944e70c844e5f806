"""Exports: every row once, whatever is asked for, no formula, and memory that stays flat."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import filled
import pytest

from mobilis import exports, models
from mobilis.assessment import load_assessment
from mobilis.exports import Export, Filters, csv_head, csv_rows, json_rows, safe_cell
from mobilis.settings import ROOT
from mobilis.store import Database

pytestmark = pytest.mark.door

ASSESSMENT = load_assessment(ROOT / "assessment" / "readiness.yml")
OPENED = datetime(2026, 11, 23, 4, 30, tzinfo=timezone.utc)  # still the 22nd in Toronto
ANSWERS = {
    question.id: {"option": question.options[0].id, "unsure": False, "text": "=typed"}
    for question in ASSESSMENT.questions[:2]
}


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of("sqlite", request, tmp_path) as database:
        yield database


def talk(database: Database, at: datetime = OPENED, **more: Any) -> str:
    with database.write() as connection:
        given = {"assessments": {"answers": ANSWERS, "band": "nearly", "total": 9}, **more}
        return filled.fill(connection, "said", at, **given)


def read(database: Database, **filters: Any) -> list[dict[str, Any]]:
    """Every row of an export."""
    export = Export(Filters(**{"what": "leads", **filters}), ASSESSMENT, "https://door.example/")
    place, found = None, []
    while True:
        with database.read() as connection:
            records, place = export.records(connection, place)
            if not records:
                assert export.count(connection) == len(found)
                return found
        found += records


def test_a_row_tells_all_of_a_lead(database: Database) -> None:
    talk_id = talk(
        database,
        leads={"kind": "coach", "coach_id": "c-1", "name": "Zoé", "email": "z@exemple.ca"},
        cases={"status": "waiting", "priority": 40, "messages": 3},
        case_facets={"facet": "topic", "value": "housing"},
        case_tags={"tag": "urgent"},
    )
    (row,) = read(database)
    assert row["conversation"] == talk_id
    assert row["url"] == f"https://door.example/console/cases/{talk_id}"
    assert (row["kind"], row["coach"], row["name"]) == ("coach", "c-1", "Zoé")
    assert (row["email"], row["owner"], row["status"]) == ("z@exemple.ca", "Camille", "waiting")
    assert (row["tags"], row["facet_topic"], row["labels"]) == (["urgent"], ["housing"], [])
    assert (row["band"], row["score"], row["messages"], row["notes"]) == ("nearly", 9, 3, 1)
    first, _, *others = ASSESSMENT.questions
    assert row[f"answer_{first.id}"] == first.options[0].title["fr"]
    assert all(row[f"answer_{question.id}"] is None for question in others)
    assert row["consent_at"] == "2026-11-23T04:30:00Z"
    assert row["consent_at_local"] == "2026-11-22 23:30:00"
    assert "=typed" not in str(row)  # what was typed is no answer
    assert tuple(row) == Export(Filters("leads"), ASSESSMENT, "").columns


def test_a_conversation_is_one_row_with_its_last_lead(database: Database) -> None:
    talk_id = talk(database, cases={"lead_kind": "interest", "reference": "M-ABCDEF"})
    talk(database, cases={"messages": 0})  # only looked at
    (row,) = read(database, what="conversations")
    assert (row["conversation"], row["kind"], row["reference"]) == (
        talk_id,
        "interest",
        "M-ABCDEF",
    )
    assert row["message"] is None
    assert row["opened_at"] == "2026-11-23T04:30:00Z"


def test_a_lead_whose_case_is_not_made_yet_is_there(sqlite: Database) -> None:
    talk_id = talk(sqlite)
    with sqlite.write() as connection:
        connection.execute(models.cases.delete())
    (row,) = read(sqlite)
    assert (row["conversation"], row["status"]) == (talk_id, None)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, 3),
        ({"since": date(2026, 11, 22), "until": date(2026, 11, 22)}, 1),
        ({"since": date(2026, 11, 23)}, 2),
        ({"until": date(2026, 11, 21)}, 0),
        ({"status": "closed"}, 1),
        ({"language": "en"}, 1),
        ({"kind": "person"}, 1),
        ({"kind": "interest", "language": "fr", "status": "new"}, 1),
    ],
)
@pytest.mark.parametrize("what", exports.WHAT)
def test_filters_choose_the_rows(
    sqlite: Database, what: str, filters: dict[str, Any], found: int
) -> None:
    day = timedelta(days=1)
    none = {"person_at": None, "lead_kind": None}
    talk(sqlite, cases={**none, "lead_kind": "interest"})
    talk(
        sqlite,
        OPENED + day,
        leads={"language": "en"},
        cases={**none, "lead_kind": "interest", "language": "en"},
    )
    talk(
        sqlite,
        OPENED + 2 * day,
        leads={"kind": "person"},
        cases={**none, "person_at": OPENED, "status": "closed"},
    )
    assert len(read(sqlite, what=what, **filters)) == found


@pytest.mark.parametrize(
    ("filters", "wrong"),
    [
        ({"what": "everything"}, "what"),
        ({"status": "open"}, "status"),
        ({"language": "es"}, "language"),
        ({"kind": "' OR 1=1"}, "kind"),
        ({"since": date(2026, 2, 1), "until": date(2026, 1, 1)}, "until"),
        ({}, ""),
    ],
)
def test_what_cannot_be_filtered_by_is_named(filters: dict[str, Any], wrong: str) -> None:
    assert Filters(**{"what": "leads", **filters}).wrong() == wrong


def test_rows_of_one_moment_are_all_there_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "CHUNK", 2)
    talks = {talk(database) for _ in range(5)}
    assert sorted(row["conversation"] for row in read(database)) == sorted(talks)
    assert len(read(database, what="conversations")) == 5


# --- cells

FORMULAS = [
    "=1+1",
    '=HYPERLINK("https://x.example","click")',
    "=cmd|' /C calc'!A0",
    "+1 514 555-0199",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "=",
    "-",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell([text, "x"]) == f"'{text}; x"


@pytest.mark.parametrize("text", ["", "bonjour", "a=b", "1-2", "'=1", "« =1 »", "marie@x.ca"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_numbers_and_nothing_are_no_text() -> None:
    assert (safe_cell(-3), safe_cell(0), safe_cell(None), safe_cell([])) == ("-3", "0", "", "")


def test_a_csv_file_is_read_back_as_it_was(sqlite: Database) -> None:
    name = 'Zoé "la grande", de\nMontréal'
    talk(sqlite, leads={"name": name, "organization": "=A1", "message": "ligne\r\nligne"})
    columns = Export(Filters("leads"), ASSESSMENT, "").columns
    text = csv_head(columns) + csv_rows(read(sqlite), columns)
    assert text.startswith("\ufeffconversation,url,")
    assert text.encode().startswith(b"\xef\xbb\xbf")
    head, row = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    told = dict(zip(head, row, strict=True))
    assert (told["name"], told["organization"]) == (name, "'=A1")
    assert told["message"] == "ligne\r\nligne"
    assert text.endswith("\r\n")


def test_a_json_file_is_a_list_of_rows(sqlite: Database) -> None:
    for name in ("=A1", "Zoé"):
        talk(sqlite, leads={"name": name})
    rows = read(sqlite)
    text = "[\n" + json_rows(rows[:1], first=True) + json_rows(rows[1:], first=False) + "\n]\n"
    assert {row["name"] for row in json.loads(text)} == {"=A1", "Zoé"}
    assert json.loads("[\n\n]\n") == []


# --- a great many

MANY = 40_000
NUMBERS = f"""
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY - 1})
"""


def fill_much(database: Database) -> None:
    """As many conversations, each with its case, made by the database itself."""
    at = "datetime('2025-01-01', (i / 5) || ' seconds') || '.000000'"
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO conversations (id, token_hash, channel, language, position, created_at,"
            f" last_at) {NUMBERS} SELECT printf('%032d', i), 'x', 'web', 'fr', 1, {at}, {at} FROM n"
        )
        connection.exec_driver_sql(
            "INSERT INTO cases (conversation_id, channel, language, opened_at, last_at, position,"
            " messages, not_understood, clarified, priority, status, name)"
            f" {NUMBERS} SELECT printf('%032d', i), 'web', 'fr', {at}, {at}, 1, 1, 0, 0, 0, 'new',"
            " 'Personne numéro ' || i FROM n"
        )


def test_memory_stays_flat_however_many_rows_there_are(sqlite: Database) -> None:
    fill_much(sqlite)
    export = Export(Filters("conversations"), ASSESSMENT, "https://door.example")
    place, rows, size, seen = None, 0, 0, []
    while True:
        watched = rows % 4_000 == 0  # to watch all the time takes four times as long
        if watched:
            tracemalloc.start()
        with sqlite.read() as connection:
            records, place = export.records(connection, place)
        size += len(csv_rows(records, export.columns))
        rows += len(records)
        if watched:
            seen.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        if not records:
            break
    assert rows == MANY
    assert size > 4_000_000
    assert max(seen[1:]) < 8_000_000  # bytes, whatever the place in the file
    assert max(seen[1:-1]) < 1.5 * min(seen[1:-1])
