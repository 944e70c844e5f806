"""Finished assessments with their pages, and messages that were not understood."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from mobilis import results
from mobilis.assessment import Answer, Result, load_assessment
from mobilis.content import load_content
from mobilis.errors import StoreError
from mobilis.models import assessments, metadata, unhandled
from mobilis.results import (
    NONE_OF_THESE,
    PAGE_ID,
    KeptResult,
    explain,
    keep_result,
    keep_unhandled,
    list_answers,
    note_choice,
    note_next,
    page_path,
    read_page,
)
from mobilis.settings import ROOT
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


def keep(
    database: Database, message_id: str = "message-1", result: Result = NEARLY, days: int = 30
) -> str:
    return keep_result(
        database,
        conversation_id="talk-1",
        message_id=message_id,
        language="fr",
        version="2026-11-23",
        answers=ANSWERS,
        result=result,
        days=days,
    )


def read(database: Database, page_id: str) -> KeptResult | None:
    with database.read() as connection:
        return read_page(connection, page_id)


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


# --- the page of a result


def test_a_kept_result_can_be_read_by_its_page_alone(database: Database) -> None:
    page_id = keep(database)
    (row,) = rows(database, assessments)
    found = read(database, page_id)
    assert found is not None
    assert (found.page_id, found.language, found.at) == (page_id, "fr", row.created_at)
    assert (found.band, found.variant, found.total) == ("nearly", None, 11)
    assert found.gaps == ("capacity", "allies")
    assert found.until is not None
    assert timedelta(days=30) <= found.until - found.at < timedelta(days=30, minutes=1)


def test_what_was_typed_is_not_read_for_the_page(database: Database) -> None:
    found = read(database, keep(database))
    assert found is not None
    assert found.answers == {"aim": Answer("a"), "impact": Answer("b")}


def test_a_page_has_an_id_of_its_own_that_cannot_be_guessed(database: Database) -> None:
    page_ids = [keep(database, f"message-{number}") for number in range(50)]
    assert len(set(page_ids)) == 50
    assert all(PAGE_ID.fullmatch(page_id) for page_id in page_ids)
    assert page_path(page_ids[0]) == f"/r/{page_ids[0]}"


def test_the_same_message_has_the_same_page(database: Database) -> None:
    page_id = keep(database)
    (before,) = rows(database, assessments)
    assert keep(database, days=90) == page_id
    assert rows(database, assessments) == [before]


def test_a_result_that_was_kept_without_a_page_gets_one_when_the_turn_is_repeated(
    database: Database,
) -> None:
    keep(database)
    with database.write() as connection:
        connection.execute(update(assessments).values(page_id=None, page_until=None))
    page_id = keep(database)
    assert read(database, page_id) is not None
    assert len(rows(database, assessments)) == 1


def test_a_page_is_not_served_any_more_when_its_days_are_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_id = keep(database, days=2)
    (row,) = rows(database, assessments)
    for after, there in ((timedelta(days=2, seconds=-1), True), (timedelta(days=2), False)):
        monkeypatch.setattr(results, "now", lambda at=row.page_until - timedelta(2) + after: at)
        assert (read(database, page_id) is not None) == there
    assert len(rows(database, assessments)) == 1  # it stays for staff, as long as the conversation


def test_without_a_number_of_days_a_page_stays_with_its_result(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_id = keep(database, days=0)
    later = datetime(2036, 11, 23, tzinfo=timezone.utc)
    monkeypatch.setattr(results, "now", lambda: later)
    found = read(database, page_id)
    assert found is not None
    assert found.until is None


@pytest.mark.parametrize("page_id", ["", "x" * 24, "x" * 23, "%", "\x00" * 24, "é" * 24])
def test_what_is_no_page_is_not_found(database: Database, page_id: str) -> None:
    keep(database)
    assert read(database, page_id) is None


# --- a result in words


ASSESSMENT = load_assessment(ROOT / "assessment" / "readiness.yml")
CONTENT = load_content(ROOT)


def answered(options: str) -> dict[str, Answer]:
    ids = (question.id for question in ASSESSMENT.questions)
    return {question: Answer(option, text="mes mots") for question, option in zip(ids, options)}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_answers_are_listed_with_their_points_in_the_order_of_the_questions(language: str) -> None:
    listed = list_answers(ASSESSMENT, answered("abcda"), language)
    assert [(answer["question"], answer["points"], answer["of"]) for answer in listed] == [
        ("aim", 3, 3),
        ("impact", 2, 3),
        ("change", 1, 3),
        ("allies", 0, 3),
        ("capacity", 3, 3),
    ]
    for question, option_id, answer in zip(ASSESSMENT.questions, "abcda", listed):
        option = question.option(option_id)
        assert option is not None
        assert answer["title"] == question.gap[language]
        assert answer["answer"] == option.title[language]


def test_only_what_was_answered_is_listed() -> None:
    assert [a["question"] for a in list_answers(ASSESSMENT, answered("c"), "fr")] == ["aim"]
    assert list_answers(ASSESSMENT, {}, "fr") == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_result_is_explained_with_its_gaps_and_what_it_is_not(language: str) -> None:
    told = explain(ASSESSMENT, CONTENT, ASSESSMENT.score(answered("adaca")), language)
    band = ASSESSMENT.bands["foundations"]
    assert band.coalition_hint is not None
    assert told.title == band.title[language]
    assert told.texts == (band.text[language], band.coalition_hint[language])
    gaps = [ASSESSMENT.question(question) for question in ("impact", "allies")]
    assert told.gaps == tuple((gap.gap[language], gap.tip[language]) for gap in gaps)
    assert told.notices == (
        ASSESSMENT.indicative[language],
        CONTENT.notices["programme_review"][language],
    )


def test_a_result_that_ended_early_is_explained_by_its_variant() -> None:
    told = explain(ASSESSMENT, CONTENT, ASSESSMENT.score(answered("c")), "fr")
    assert told.texts == (ASSESSMENT.bands["not_fit_aim"].variants["FUNDING"]["fr"],)
    assert told.gaps == ()


# --- messages that were not understood


def test_a_message_that_was_not_understood_is_kept_once(database: Database) -> None:
    miss(database, outcome="lost")
    miss(database, outcome="clarified")
    (row,) = rows(database, unhandled)
    assert (row.outcome, row.text, row.language) == ("lost", "", "en")  # not masked yet
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
