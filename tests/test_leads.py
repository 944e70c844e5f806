"""What a person gives of themselves: tidied, split, kept once under a reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from mobilis import leads as leads_module
from mobilis.errors import StoreError
from mobilis.leads import (
    FIELDS,
    LIMITS,
    Details,
    is_reachable,
    keep_lead,
    open_case,
    split_details,
    tidy,
)
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


# --- one field


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Marie Tremblay", "Marie Tremblay"),
        ("je m'appelle Marie", "Marie"),
        ("Je m\u2019appelle Marie Tremblay.", "Marie Tremblay"),
        ("Bonjour, moi c'est Zoé", "Zoé"),
        ("mon nom est Jean-François O'Neil", "Jean-François O'Neil"),
        ("allô, mon nom c'est Zoé!", "Zoé"),
        ("je suis Marie", "Marie"),
        ("my name is John Smith", "John Smith"),
        ("Hi, I'm John", "John"),
        ("this is Mary-Ann MacDonald", "Mary-Ann MacDonald"),
        ("  Marie \t\n  Tremblay  ", "Marie Tremblay"),
        ("Ma\u200brie\x00 Trem\u202eblay\x1b", "Marie Tremblay"),
        ("Marie 🎉", "Marie 🎉"),
        ("ᐊᓇᓇ", "ᐊᓇᓇ"),
        ("Robert'); DROP TABLE leads;--", "Robert'); DROP TABLE leads;--"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 120, "x" * 120),
        ("x" * 121, None),
        ("", None),
        ("   ", None),
        ("\x00\u200b", None),
        ("12345", None),
        ("🎉🎉", None),
        ("...", None),
        ("marie@exemple.ca", None),
    ],
)
def test_a_name_is_read_without_its_lead_in(typed: str, name: str | None) -> None:
    assert tidy("name", typed) == name


@pytest.mark.parametrize(
    ("typed", "organization"),
    [
        ("La Maison d'Alice", "La Maison d'Alice"),
        ("notre organisme est la Maison d\u2019Alice", "la Maison d'Alice"),
        ("je travaille pour Centraide", "Centraide"),
        ("we are the Sudbury Food Bank.", "the Sudbury Food Bank"),
        ("I work at YWCA #3", "YWCA #3"),
        ("1% for the planet", "1% for the planet"),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
        ("911", None),
        ("info@maison.ca", None),
    ],
)
def test_an_organization_is_read_without_its_lead_in(typed: str, organization: str | None) -> None:
    assert tidy("organization", typed) == organization


@pytest.mark.parametrize(
    ("typed", "email"),
    [
        ("marie@exemple.ca", "marie@exemple.ca"),
        (
            "c'est marie.tremblay+info@mon-organisme.qc.ca.",
            "marie.tremblay+info@mon-organisme.qc.ca",
        ),
        ("you can write to me at john@example.org, thanks", "john@example.org"),
        ("<mailto:marie@exemple.ca|marie@exemple.ca>", "marie@exemple.ca"),
        ("[moi](mailto:marie@exemple.ca)", "marie@exemple.ca"),
        ("Marie\u200b@exem\u2060ple.ca", "Marie@exemple.ca"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("marie@exemple.ca\nBcc: tous@exemple.ca", "marie@exemple.ca"),
        ("marie@exemple.ca'; DROP TABLE leads;--", "marie@exemple.ca"),
        ("marie@exemple.ca<img src=x onerror=alert(1)>", "marie@exemple.ca"),
        ("x" * 243 + "@exemple.ca", "x" * 243 + "@exemple.ca"),
        ("x" * 244 + "@exemple.ca", None),
        ("marie@exemple", None),
        ("marie@.ca", None),
        ("marie@-exemple.ca", None),
        ("@exemple.ca", None),
        ("marie arobas exemple.ca", None),
        ("marie @ exemple.ca", None),
        ("", None),
    ],
)
def test_an_address_is_found_in_a_sentence(typed: str, email: str | None) -> None:
    assert tidy("email", typed) == email


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (" On veut\nagir!\t ", "On veut\nagir!"),
        ("écrivez à marie@exemple.ca", "écrivez à marie@exemple.ca"),
        ("je suis disponible lundi", "je suis disponible lundi"),
        ("👍", "👍"),
        ("<b>oui</b> \x07& non", "<b>oui</b> & non"),
        ("'; DELETE FROM leads; --", "'; DELETE FROM leads; --"),
        ("x" * 2000, "x" * 2000),
        ("x" * 2001, None),
        (" \n ", None),
    ],
)
def test_a_message_is_kept_as_written(typed: str, message: str | None) -> None:
    assert tidy("message", typed) == message


@given(st.sampled_from(FIELDS), st.text())
def test_whatever_is_typed_gives_a_short_clean_value_or_none(field: str, typed: str) -> None:
    value = tidy(field, typed)
    assert value is None or 0 < len(value) <= LIMITS[field]
    assert value is None or not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u202e\ufeff]", value)


def test_a_long_hostile_address_is_refused_quickly() -> None:
    assert tidy("email", "a" * 2000 + "@") is None
    assert tidy("email", "a@" + "a-" * 1000) is None
    assert tidy("email", "a@" + "a." * 1000) is None


# --- several fields at once


@pytest.mark.parametrize(
    ("text", "persons", "organizations", "details"),
    [
        (
            "Marie Tremblay, La Maison d'Alice, marie@exemple.ca",
            [],
            [],
            Details("Marie Tremblay", "La Maison d'Alice", "marie@exemple.ca"),
        ),
        (
            "Marie Tremblay\nLa Maison d'Alice\nmarie@exemple.ca\n",
            [],
            [],
            Details("Marie Tremblay", "La Maison d'Alice", "marie@exemple.ca"),
        ),
        (
            "Sudbury Food Bank - John Smith; john@example.org",
            ["John Smith"],
            ["Sudbury Food Bank"],
            Details("John Smith", "Sudbury Food Bank", "john@example.org"),
        ),
        (
            "je m'appelle Marie Tremblay, marie@exemple.ca",
            ["Marie Tremblay"],
            [],
            Details("Marie Tremblay", "", "marie@exemple.ca"),
        ),
        (
            "john@example.org",
            [],
            [],
            Details("", "", "john@example.org"),
        ),
        (
            "marie@exemple.ca",
            ["marie@exemple.ca"],  # what names a person may find
            [],
            Details("", "", "marie@exemple.ca"),
        ),
        (
            "my name is John, I work at YWCA, john@example.org",
            ["John"],
            [],
            Details("John", "YWCA", "john@example.org"),
        ),
    ],
)
def test_a_signature_is_split(
    text: str, persons: list[str], organizations: list[str], details: Details
) -> None:
    assert split_details(text, persons, organizations) == details


@pytest.mark.parametrize(
    "text", ["Marie Tremblay, La Maison d'Alice", "", "marie@exemple", "x" * 250 + "@exemple.ca"]
)
def test_without_a_usable_address_nothing_is_split(text: str) -> None:
    assert split_details(text, ["Marie Tremblay"], []) is None


@given(st.text(), st.text(), st.lists(st.text(), max_size=2), st.lists(st.text(), max_size=2))
def test_splitting_never_fails(
    before: str, after: str, persons: list[str], organizations: list[str]
) -> None:
    details = split_details(f"{before} a@exemple.ca {after}", persons, organizations)
    assert details is not None
    assert "@" in details.email
    assert len(details.name) <= LIMITS["name"]
    assert len(details.organization) <= LIMITS["organization"]


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
