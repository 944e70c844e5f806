"""What a person gives of themselves: tidied, split, kept once under a reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from mobilis import leads as leads_module
from mobilis.contact_details import Details
from mobilis.errors import StoreError
from mobilis.leads import is_reachable, keep_lead, open_case
from mobilis.models import cases, conversations, leads, metadata
from mobilis.store import Database, now

REFERENCE = re.compile(r"M-[2-9A-HJKMNP-TV-Z]{6}")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'leads.db'}")
    metadata.create_all(database.engine)
    yield database
    database.dispose()


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(leads).order_by(leads.c.created_at)))


def keep(database: Database, message_id: str = "message-1", **more: Any) -> str:
    given = {"kind": "interest", "conversation_id": "talk-1", "language": "fr", **more}
    return keep_lead(database, message_id=message_id, **given)


# --- keeping


def test_a_lead_is_kept_with_everything_that_was_given(database: Database) -> None:
    details = Details("Marie", "La Maison d'Alice", "marie@exemple.ca", "Bonjour!")
    reference = keep(database, kind="coach", details=details, coach_id="c7", consented=True)
    (row,) = rows(database)
    assert (row.name, row.organization, row.email, row.message) == (
        "Marie",
        "La Maison d'Alice",
        "marie@exemple.ca",
        "Bonjour!",
    )
    assert (row.kind, row.status, row.coach_id, row.language) == ("coach", "new", "c7", "fr")
    assert row.reference == reference
    assert row.consent_at.utcoffset().total_seconds() == 0
    assert row.consent_at <= row.created_at


def test_what_was_not_given_is_null_and_consent_is_never_assumed(database: Database) -> None:
    keep(database, details=Details(email="marie@exemple.ca"))
    (row,) = rows(database)
    assert (row.name, row.organization, row.message, row.coach_id) == (None, None, None, None)
    assert row.consent_at is None


def test_hostile_details_are_only_text(database: Database) -> None:
    hostile = Details("'); DROP TABLE leads;--", "<script>", "a@exemple.ca", "%s {x} \\ 🎉")
    keep(database, details=hostile)
    (row,) = rows(database)
    assert Details(row.name, row.organization, row.email, row.message) == hostile


def test_the_same_message_gives_the_same_lead(database: Database) -> None:
    first = keep(database, details=Details("Marie"))
    assert keep(database, details=Details("Someone else")) == first
    (row,) = rows(database)
    assert row.name == "Marie"


def test_another_message_or_conversation_gives_another_lead(database: Database) -> None:
    references = {
        keep(database),
        keep(database, "message-2"),
        keep(database, conversation_id="talk-2"),
    }
    assert len(references) == 3
    assert len(rows(database)) == 3


def test_a_reference_is_short_and_can_be_read_aloud() -> None:
    references = {leads_module._reference() for _ in range(500)}
    assert all(REFERENCE.fullmatch(reference) for reference in references)
    assert len(references) == 500


def test_a_reference_that_is_taken_is_drawn_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["M-222222", "M-222222", "M-222222", "M-333333"])
    monkeypatch.setattr(leads_module, "_reference", lambda: next(drawn))
    assert keep(database) == "M-222222"
    assert keep(database, "message-2") == "M-333333"


def test_a_database_that_refuses_is_told(tmp_path: Path) -> None:
    without_tables = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError, match="the database refused"):
        keep(without_tables)
    with pytest.raises(StoreError, match="the database refused"):
        open_case(without_tables, "talk-1")


# --- a request for a person


def test_an_open_case_is_found_by_its_conversation(database: Database) -> None:
    reference = keep(database, kind="person")
    assert open_case(database, "talk-1") == reference
    assert open_case(database, "talk-2") is None


def test_the_oldest_open_case_counts(database: Database) -> None:
    first = keep(database, kind="person")
    keep(database, "message-2", kind="person")
    assert open_case(database, "talk-1") == first


def test_a_turn_that_is_taken_again_does_not_find_its_own_request(database: Database) -> None:
    keep(database, kind="person")
    assert open_case(database, "talk-1", "message-1") is None
    assert open_case(database, "talk-1", "message-2") is not None


def test_a_declaration_of_interest_is_no_case(database: Database) -> None:
    keep(database, kind="interest")
    assert open_case(database, "talk-1") is None


def handled(database: Database, conversation_id: str, **values: Any) -> None:
    """Staff have done something with the case, a minute from now."""
    later = now() + timedelta(minutes=1)
    case = {name: later if value is True else value for name, value in values.items()}
    usual = {"conversation_id": conversation_id, "channel": "web", "language": "fr", "position": 1}
    usual |= {"opened_at": now(), "last_at": now(), "messages": 1, "not_understood": 0}
    usual |= {"clarified": 0, "priority": 0, "status": "new"}
    talk = {"id": conversation_id, "token_hash": "", "channel": "web", "language": "fr"}
    talk |= {"position": 1, "created_at": now(), "last_at": now()}
    with database.write() as connection:
        connection.execute(delete(conversations))
        connection.execute(insert(conversations).values(talk))
        connection.execute(insert(cases).values({**usual, **case}))


@pytest.mark.parametrize(
    "done", [{"last_answer_at": True}, {"status": "closed", "changed_at": True}]
)
def test_a_request_that_was_answered_or_closed_is_not_open(
    database: Database, done: dict[str, Any]
) -> None:
    first = keep(database, kind="person")
    handled(database, "talk-1", status="in_progress", changed_at=True)
    assert open_case(database, "talk-1") == first
    handled(database, "talk-1", **done)
    assert open_case(database, "talk-1") is None


def test_who_has_left_an_address_is_reachable(database: Database) -> None:
    keep(database, kind="person")
    assert not is_reachable(database, "talk-1")
    keep(database, "message-2", details=Details(email="marie@exemple.ca"), consented=True)
    assert is_reachable(database, "talk-1")
    assert not is_reachable(database, "talk-2")
