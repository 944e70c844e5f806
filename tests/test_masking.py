"""Personal details are masked: patterns, names given in forms, and nothing before it is safe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from schemas import migrated
from sqlalchemy import insert, select, update

from mobilis import masking
from mobilis.likeness import key_of
from mobilis.masking import mask
from mobilis.models import conversations, inbox, leads, outbox, tracker_events, unhandled
from mobilis.results import keep_unhandled
from mobilis.store import Database, now
from mobilis.text import MAX_CHARACTERS

Say = Callable[..., None]


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("écrivez à marie.t+x@mon-organisme.qc.ca svp", "écrivez à [courriel] svp"),
        ("au bureau (514 555-0199)", "au bureau ([téléphone])"),
        ("au H2X 1Y4, dossier 123456789", "au [code postal], dossier [nombre]"),
        ("le site (https://exemple.ca/moi)", "le site ([lien])"),
        ("10 % de 2 000 $ en 2026", "10 % de 2 000 $ en 2026"),
        ("Je m'appelle Marie Tremblay. Mon nom est Zoé", "Je m'appelle [nom]. Mon nom est [nom]"),
        ("", ""),
    ],
)
def test_details_that_have_a_form_are_masked(said: str, masked: str) -> None:
    assert mask(said) == masked


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("Hélène Côté-Roy ici présente", "[nom] ici présente"),
        ("merci helene", "merci [nom]"),
        ("HELENE  COTE-ROY", "[nom]"),
        ("c'est Mme Côté", "c'est Mme [nom]"),
        ("de Hélène, du comité", "de [nom], du comité"),
        ("les côtés du projet", "les côtés du projet"),
    ],
)
def test_names_that_were_given_are_masked_whole_and_in_part_however_written(
    said: str, masked: str
) -> None:
    assert mask(said, ["Hélène Côté-Roy"]) == masked


def test_short_parts_of_a_name_stay_words() -> None:
    assert mask("Li de la Tour veut de la place", ["Li de la Tour"]) == "[nom] veut de la place"


def test_a_name_is_text_and_no_pattern() -> None:
    assert mask("a.b (c+d) axb", ["a.b", "(c+d)"]) == "[nom] [nom] axb"


def test_a_card_shows_initials_and_the_shape_of_an_address() -> None:
    assert masking.initials("Marie-Ève Roy") == "M. R."
    assert masking.mask_email("camille@exemple.ca") == "c…@e….ca"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    url = f"sqlite:///{tmp_path / 'masking.db'}"
    migrated(url)
    database = Database(url)
    talk = {"token_hash": "x", "channel": "web", "language": "fr", "position": 9}
    with database.write() as connection:
        times = {"created_at": now(), "last_at": now()}
        connection.execute(insert(conversations).values(id="c", **talk, **times))
    return database


def said(database: Database, id: str, text: str, position: int, **more: Any) -> None:
    row = {"conversation_id": "c", "id": id, "position": position, "kind": "text", "text": text}
    row |= {"language": "fr", "state": "done", "at": now() + timedelta(seconds=position)}
    with database.write() as connection:
        connection.execute(insert(inbox).values(**{**row, "due_at": now(), **more}))


def test_those_without_the_right_see_what_the_brain_has_masked(database: Database) -> None:
    said(database, "a", "Marie viendra", 1, masked="[nom] viendra")
    said(database, "b", "Appelez Marie", 2)
    said(database, "c", "Trouver une ou un coach", 3, kind="choice")
    answer = {"kind": "text", "text": "Merci Jeanne, on écrit à j@exemple.ca"}
    with database.write() as connection:
        row = {"id": "o", "conversation_id": "c", "position": 4, "at": now(), "language": "fr"}
        connection.execute(insert(outbox).values(**row, content=answer))
        event = {"conversation_id": "c", "position": 1, "at": now(), "name": "slot"}
        data = '{"event": "slot", "name": "lead_name", "value": "Jeanne Roy"}'
        connection.execute(insert(tracker_events).values(**event, data=data))
    with database.read() as connection:
        assert masking.shown(connection, "c") == {
            "a": "[nom] viendra",
            "b": masking.DETAIL,
            "c": "Trouver une ou un coach",
            "o": "Merci [nom], on écrit à [courriel]",
        }


def test_names_are_those_of_the_conversations_declarations(database: Database) -> None:
    with database.write() as connection:
        row = {"id": "l", "reference": "M-AAAAAA", "kind": "interest", "conversation_id": "c"}
        row |= {"source_message_id": "m", "language": "fr", "created_at": now()}
        connection.execute(insert(leads).values(**row, name="Marie Tremblay"))
        event = {"conversation_id": "c", "at": now(), "name": "slot"}
        for position, value in enumerate(('"Marie T."', "null", '"Marie Tremblay"'), 1):
            data = f'{{"event": "slot", "name": "lead_name", "value": {value}}}'
            connection.execute(insert(tracker_events).values(position=position, data=data, **event))
    with database.read() as connection:
        assert masking.names_of(connection, "c") == ["Marie T.", "Marie Tremblay"]
        assert masking.names_of(connection, "other") == []


def test_what_waits_for_masking_is_typed_and_the_newest_comes_first(database: Database) -> None:
    said(database, "a", "un", 1)
    said(database, "b", "deux", 2)
    said(database, "c", "trois", 3, masked="trois")
    said(database, "d", "Oui", 4, kind="choice")
    with database.write() as connection:
        found = masking.waiting(connection, 10)
        assert [row.id for row in found] == ["b", "a"]
        masking.keep_masked(connection, found[0], "DEUX")
        assert [row.id for row in masking.waiting(connection, 10)] == ["a"]


def test_what_was_erased_while_it_was_masked_stays_erased(database: Database) -> None:
    said(database, "a", "Marie", 1)
    with database.write() as connection:
        (message,) = masking.waiting(connection, 1)
        connection.execute(update(inbox).values(text=""))
        masking.keep_masked(connection, message, "[nom]")
        assert connection.execute(select(inbox.c.masked)).scalar_one() is None


def test_looking_for_what_waits_uses_its_index(database: Database) -> None:
    said(database, "a", "un", 1)
    query = "EXPLAIN QUERY PLAN SELECT id FROM inbox WHERE masked IS NULL AND kind = 'text'"
    with database.read() as connection:
        plan = connection.exec_driver_sql(f"{query} ORDER BY at DESC LIMIT 20").all()
    assert "ix_inbox_not_masked" in str(plan)


@pytest.mark.parametrize("first", ["kept", "masked"])
def test_what_was_not_understood_has_its_text_once_both_are_there(
    database: Database, first: str
) -> None:
    """The brain masks a message before or after its turn keeps it as not understood."""
    long = "combien ça coûte, Marie, " + "vraiment " * 100
    said(database, "a", long, 1)

    def keep() -> None:
        named = {"conversation_id": "c", "message_id": "a", "language": "fr"}
        keep_unhandled(database, **named, outcome="lost", guesses=[], question="aim")

    def masks() -> None:
        with database.write() as connection:
            (message,) = masking.waiting(connection, 1)
            masking.keep_masked(connection, message, long.replace("Marie", "[nom]"))

    for step in [keep, masks] if first == "kept" else [masks, keep]:
        step()
    with database.read() as connection:
        (row,) = connection.execute(select(unhandled)).all()
    assert row.text.startswith("combien ça coûte, [nom], vraiment")
    assert len(row.text) <= MAX_CHARACTERS
    assert row.key == key_of("fr", "aim", row.text)


def test_what_was_erased_is_not_told_to_what_was_not_understood_either(database: Database) -> None:
    said(database, "a", "Marie", 1)
    keep_unhandled(
        database, conversation_id="c", message_id="a", language="fr", outcome="lost", guesses=[]
    )
    with database.write() as connection:
        (message,) = masking.waiting(connection, 1)
        connection.execute(update(inbox).values(text=""))
        masking.keep_masked(connection, message, "[nom] est fatiguée")
        assert connection.execute(select(unhandled.c.text)).scalar_one() == ""
