"""What is old goes: transcripts first, leads after the last contact, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import filled
import pytest
from sqlalchemy import func, insert, select, update

from mobilis import audit, models, retention
from mobilis.cases import behind, project
from mobilis.priority import WEIGHTS
from mobilis.retention import Periods, erase_due, preview
from mobilis.store import Database, now

PERIODS = Periods(transcript_days=180, lead_days=730)
NOTHING_ELSE = {"conversation_id": "", "last_answer_at": None}
KEPT_WITH_A_LEAD = {
    *("conversations", "places", "assessments", "leads", "cases", "case_facets", "case_days"),
    *("case_tags", "case_notes", "case_reads", "case_mentions", "mails", "announcements"),
}


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def talk(database: Database, days: float, lead: bool = False, answered: float | None = None) -> str:
    """A conversation that fell silent so many days ago."""
    with database.write() as connection:
        return filled.fill(
            connection,
            "said",
            ago(days),
            leads={"consent_at": ago(days) if lead else None},
            cases={"last_answer_at": None if answered is None else ago(answered)},
        )


def kept(database: Database, conversation_id: str) -> set[str]:
    """The tables that still hold something of a conversation."""
    found = set()
    with database.read() as connection:
        for table in filled.tables():
            if table is models.case_mentions:
                own = select(models.case_notes.c.id).where(
                    models.case_notes.c.conversation_id == conversation_id
                )
                rows = select(func.count()).where(table.c.note_id.in_(own))
            else:
                column = table.c.id if table is models.conversations else table.c.conversation_id
                rows = select(func.count()).where(column == conversation_id)
            if connection.execute(rows).scalar_one():
                found.add(table.name)
    return found


EVERYTHING = {table.name for table in filled.tables()}


def test_a_conversation_without_a_lead_goes_whole_with_its_transcript(database: Database) -> None:
    old, recent = talk(database, 181), talk(database, 179)
    erase_due(database, PERIODS)
    assert kept(database, old) == set()
    assert kept(database, recent) == EVERYTHING


def test_a_lead_stays_when_its_transcript_goes(database: Database) -> None:
    old = talk(database, 181, lead=True)
    erase_due(database, PERIODS)
    assert kept(database, old) == KEPT_WITH_A_LEAD
    with database.read() as connection:
        row = connection.execute(select(models.assessments)).one()
        assert row.answers == {"impact": {"option": "said", "unsure": False, "text": None}}
        assert connection.execute(select(models.leads.c.email)).scalar_one() == "said"
        conversation = connection.execute(select(models.conversations)).one()
        assert conversation.page is None
        assert conversation.transcript_erased_at > ago(1)
        assert behind(connection, 10) == [old]  # its case will be made again


def test_a_lead_goes_so_long_after_the_last_contact(database: Database) -> None:
    silent = talk(database, 731, lead=True)
    answered_long_ago = talk(database, 800, lead=True, answered=731)
    answered = talk(database, 731, lead=True, answered=700)
    erase_due(database, PERIODS)
    assert kept(database, silent) == kept(database, answered_long_ago) == set()
    assert kept(database, answered) == KEPT_WITH_A_LEAD


def test_a_request_for_a_person_without_consent_is_no_lead(database: Database) -> None:
    with database.write() as connection:
        lead = {"kind": "person", "consent_at": None}
        old = filled.fill(connection, "said", ago(181), leads=lead)
    erase_due(database, PERIODS)
    assert kept(database, old) == set()


def test_a_transcript_never_outlives_the_lead_in_it(database: Database) -> None:
    old = talk(database, 31, lead=True)
    plain = talk(database, 31)
    erase_due(database, Periods(transcript_days=180, lead_days=30))
    assert kept(database, old) == set()
    assert kept(database, plain) == EVERYTHING
    late = talk(database, 31, lead=True)
    erase_due(database, Periods(transcript_days=0, lead_days=30))
    assert kept(database, late) == set()


@pytest.mark.parametrize(
    ("periods", "lead", "stays"),
    [
        (Periods(0, 0), False, EVERYTHING),
        (Periods(0, 0), True, EVERYTHING),
        (Periods(0, 730), False, EVERYTHING),
        (Periods(180, 0), True, KEPT_WITH_A_LEAD),
        (Periods(180, 0), False, set()),
    ],
)
def test_no_days_keep_for_ever(
    database: Database, periods: Periods, lead: bool, stays: set[str]
) -> None:
    old = talk(database, 5000, lead=lead)
    erase_due(database, periods)
    assert kept(database, old) == stays


def test_a_transcript_is_erased_once_and_again_when_the_visitor_came_back(
    database: Database,
) -> None:
    old = talk(database, 181, lead=True)
    erase_due(database, PERIODS)
    with database.read() as connection:
        assert preview(connection, PERIODS, now()).transcripts == 0
    with database.write() as connection:
        own = models.conversations.c.id == old
        back = {"last_at": now() + timedelta(days=1)}
        connection.execute(update(models.conversations).where(own).values(back))
        later = now() + timedelta(days=200)
        assert preview(connection, PERIODS, later).transcripts == 1


def test_what_the_case_counted_stays_when_it_is_made_again(database: Database) -> None:
    old = talk(database, 181, lead=True)
    erase_due(database, PERIODS)
    with database.write() as connection:
        connection.execute(update(models.cases).values(messages=7, not_understood=2))
        facets = select(func.count()).select_from(models.case_facets)
        before = connection.execute(facets).scalar_one()
        assert project(connection, old, WEIGHTS)
        case = connection.execute(select(models.cases)).one()
        assert (case.messages, case.not_understood) == (7, 2)
        assert connection.execute(facets).scalar_one() == before == 1


def test_rows_of_no_conversation_go_too(database: Database) -> None:
    lost = {"conversation_id": "0" * 32, "source_message_id": "m", "language": "fr"}
    lost |= {"text": "…", "outcome": "lost", "guesses": [], "key": "k"}
    with database.write() as connection:
        for id, days in (("old", 181), ("new", 179)):
            row = {**lost, "id": id, "source_message_id": id, "created_at": ago(days)}
            connection.execute(insert(models.unhandled).values(**row))
    erase_due(database, PERIODS)
    with database.read() as connection:
        assert connection.execute(select(models.unhandled.c.id)).scalars().all() == ["new"]


def test_a_preview_says_what_will_be_erased_and_erases_nothing(database: Database) -> None:
    for days, lead in ((181, False), (400, False), (200, True), (731, True), (10, False)):
        talk(database, days, lead=lead)
    with database.read() as connection:
        found = preview(connection, PERIODS, now())
    assert (found.conversations, found.transcripts) == (3, 1)
    assert found.oldest is not None and found.oldest.date() == ago(731).date()
    assert found.rows["inbox"] == 4
    assert found.rows["leads"] == 3
    counts = erase_due(database, PERIODS)
    assert {k: v for k, v in counts.items() if v} == {k: v for k, v in found.rows.items() if v}
    with database.read() as connection:
        after = preview(connection, PERIODS, now())
    assert (after.conversations, after.transcripts, after.oldest) == (0, 0, None)
    assert not any(after.rows.values())


def test_much_is_erased_some_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for _ in range(5):
        talk(database, 181)
        talk(database, 181, lead=True)
    assert erase_due(database, PERIODS)["conversations"] == 5
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(models.inbox)).scalar() == 0


def test_the_audit_log_tells_how_much_and_nothing_that_was_said(database: Database) -> None:
    talk(database, 181)
    erase_due(database, PERIODS, audit.COMMAND)
    with database.read() as connection:
        entry: Any = list(audit.entries(connection))[-1]
        assert audit.verify(connection) is None
    assert (entry.actor, entry.action, entry.subject) == (
        "command",
        "retention.applied",
        "database",
    )
    assert '"conversations": 1' in entry.detail
    assert "said" not in entry.detail


def test_every_table_of_conversations_is_erased_with_one() -> None:
    from mobilis.privacy import ERASED

    assert {t.name for t in ERASED} | {"case_mentions"} == EVERYTHING
