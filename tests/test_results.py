"""What staff find later: finished assessments, and messages that were not understood."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mobilis import results
from mobilis.assessment import Answer, Result
from mobilis.errors import StoreError
from mobilis.models import assessments, metadata, unhandled
from mobilis.results import (
    NONE_OF_THESE,
    keep_result,
    keep_unhandled,
    note_choice,
    note_next,
)
from mobilis.store import Database

ANSWERS = {"aim": Answer("a", text="un peu des deux"), "impact": Answer("b", unsure=True)}
NEARLY = Result("nearly", None, 11, 15, ("capacity", "allies"), coalition_hint=False)
GATED = Result("foundations", "FUNDING", None, 15, (), coalition_hint=False)
GUESSES = [{"label": "faq/cost", "confidence": 0.31}]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database, and a clock that goes on by a second each time it is read."""
    ticks = iter(range(1000))
    noon = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
    monkeypatch.setattr(results, "now", lambda: noon + timedelta(seconds=next(ticks)))
    database = Database(f"sqlite:///{tmp_path / 'results.db'}")
    metadata.create_all(database.engine)
    yield database
    database.dispose()


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.created_at)))


def keep(database: Database, message_id: str = "message-1", result: Result = NEARLY) -> None:
    keep_result(
        database,
        conversation_id="talk-1",
        message_id=message_id,
        language="fr",
        version="2026-11-23",
        answers=ANSWERS,
        result=result,
    )


def miss(
    database: Database,
    message_id: str = "message-1",
    outcome: str = "clarified",
    conversation_id: str = "talk-1",
    question: str | None = None,
) -> None:
    keep_unhandled(
        database,
        conversation_id=conversation_id,
        message_id=message_id,
        language="en",
        text="ask [nom] about it",
        outcome=outcome,
        guesses=GUESSES,
        question=question,
    )


def meant(database: Database) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """What was picked and what was said next, by conversation and message."""
    return {
        (row.conversation_id, row.source_message_id): (row.chosen, row.followed_by)
        for row in rows(database, unhandled)
    }


def test_a_finished_assessment_is_kept_with_its_answers(database: Database) -> None:
    keep(database)
    (row,) = rows(database, assessments)
    assert (row.band, row.variant, row.total, row.gaps) == ("nearly", None, 11, NEARLY_GAPS)
    assert (row.language, row.version) == ("fr", "2026-11-23")
    assert row.answers == {
        "aim": {"option": "a", "unsure": False, "text": "un peu des deux"},
        "impact": {"option": "b", "unsure": True, "text": None},
    }


NEARLY_GAPS = ["capacity", "allies"]


def test_an_assessment_that_a_gate_ended_has_no_total(database: Database) -> None:
    keep(database, result=GATED)
    (row,) = rows(database, assessments)
    assert (row.band, row.variant, row.total, row.gaps) == ("foundations", "FUNDING", None, [])


def test_the_same_message_keeps_one_result(database: Database) -> None:
    keep(database)
    keep(database, result=GATED)
    (row,) = rows(database, assessments)
    assert row.band == "nearly"


def test_an_assessment_done_again_is_another_result(database: Database) -> None:
    keep(database)
    keep(database, "message-2", GATED)
    assert [row.band for row in rows(database, assessments)] == ["nearly", "foundations"]


def test_a_message_that_was_not_understood_is_kept_once(database: Database) -> None:
    miss(database, outcome="lost")
    miss(database, outcome="clarified")
    (row,) = rows(database, unhandled)
    assert (row.outcome, row.text, row.language) == ("lost", "ask [nom] about it", "en")
    assert row.guesses == GUESSES
    assert row.chosen is None


def test_the_open_question_of_the_assessment_is_kept(database: Database) -> None:
    miss(database, "message-1", question="aim")
    miss(database, "message-2")
    assert [row.question for row in rows(database, unhandled)] == ["aim", None]


def test_what_was_picked_is_noted_on_its_message_only(database: Database) -> None:
    miss(database, "message-1")
    miss(database, "message-2")
    miss(database, "message-1", conversation_id="talk-2")
    note_choice(database, "talk-1", "message-1", "faq/cost")
    note_choice(database, "talk-1", "message-2", NONE_OF_THESE)
    assert meant(database) == {
        ("talk-1", "message-1"): ("faq/cost", None),
        ("talk-1", "message-2"): ("none", None),
        ("talk-2", "message-1"): (None, None),
    }


def test_the_first_pick_stays(database: Database) -> None:
    miss(database)
    note_choice(database, "talk-1", "message-1", "faq/cost")
    note_choice(database, "talk-1", "message-1", "faq/timeline")
    assert meant(database) == {("talk-1", "message-1"): ("faq/cost", None)}


def test_what_was_said_next_is_noted_beside_a_pick(database: Database) -> None:
    miss(database, outcome="lost")
    note_next(database, "talk-1", "message-1", "faq/cost")
    note_next(database, "talk-1", "message-1", "faq/timeline")
    assert meant(database) == {("talk-1", "message-1"): (None, "faq/cost")}


def test_what_was_said_much_later_does_not_count_but_a_pick_does(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    miss(database)
    later = datetime(2026, 11, 23, 12, tzinfo=timezone.utc) + results.FOLLOWS_WITHIN
    monkeypatch.setattr(results, "now", lambda: later + timedelta(seconds=1))
    note_next(database, "talk-1", "message-1", "faq/cost")
    assert meant(database) == {("talk-1", "message-1"): (None, None)}
    note_choice(database, "talk-1", "message-1", "faq/cost")
    assert meant(database) == {("talk-1", "message-1"): ("faq/cost", None)}


def test_of_a_message_that_was_understood_nothing_is_noted(database: Database) -> None:
    miss(database)
    note_choice(database, "talk-1", "message-9", "faq/cost")
    note_next(database, "nobody", "message-1", "faq/cost")
    assert meant(database) == {("talk-1", "message-1"): (None, None)}


def test_a_database_that_refuses_is_told(tmp_path: Path) -> None:
    without_tables = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError):
        keep(without_tables)
    with pytest.raises(StoreError):
        miss(without_tables)
    with pytest.raises(StoreError):
        note_choice(without_tables, "talk-1", "message-1", "faq/cost")
