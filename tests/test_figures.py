"""Figures against conversations that were counted by hand, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import filled
import pytest
from clocks import Clock
from sqlalchemy import select, update
from talks import Talk

from mobilis import case_days, privacy
from mobilis.cases import behind, project, rebuild
from mobilis.dates import ZONE
from mobilis.figures import (
    HANDED,
    answers,
    hand_offs,
    in_a_working_day,
    read_bands,
    read_conversations,
    read_funnel,
    read_messages,
    read_missed,
    read_questions,
    read_requests,
)
from mobilis.leads import KINDS
from mobilis.models import assessments, cases, conversations
from mobilis.models import case_days as table
from mobilis.periods import Filters, steps_of
from mobilis.priority import WEIGHTS
from mobilis.store import Database
from mobilis.turns import Reply

pytestmark = pytest.mark.door

WEEK = Filters(date(2026, 11, 16), date(2026, 11, 22))
ORDER = ["aim", "impact", "change", "allies", "capacity"]


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def read(database: Database, reader: Any, filters: Filters = WEEK, *more: Any) -> Any:
    if reader in (read_conversations, read_messages, read_missed):
        more = (steps_of(filters, 14),)
    with database.read() as connection:
        return reader(connection, filters, *more)


def read_answers(database: Database, filters: Filters = WEEK) -> Any:
    return answers(read(database, read_requests, filters))


def read_hand_offs(database: Database, filters: Filters = WEEK) -> Any:
    return hand_offs(read(database, read_requests, filters), steps_of(filters, 14))


def faq(question: str) -> list[Reply]:
    return [Reply("…", None, "faq", (), {"faq": {"id": question, "sources": []}})]


def set_case(database: Database, talk: Talk, **own: Any) -> None:
    with database.write() as connection:
        mine = cases.c.conversation_id == talk.id
        connection.execute(update(cases).where(mine).values(**own))


# --- volume


def test_conversations_and_messages_are_counted_by_day_language_and_channel(
    database: Database, clock: Clock
) -> None:
    clock.set("2026-11-16 09:00")
    first = Talk(database, "fr")
    first.say("bonjour", answer=[Reply("?", "fr", "text", (("Oui", "/affirm"),))])
    first.press("Oui")
    clock.set("2026-11-18 09:00")
    first.say("encore")
    first.project()
    second = Talk(database, "en", channel="slack")
    second.say("hello")
    second.project()
    looked = Talk(database, "en")
    looked.project()
    found = read(database, read_conversations)
    assert found.total == (1, 0, 1, 0, 0, 0, 0)
    assert found.languages == {"fr": (1, 0, 0, 0, 0, 0, 0), "en": (0, 0, 1, 0, 0, 0, 0)}
    assert found.channels == {"web": (1, 0, 0, 0, 0, 0, 0), "slack": (0, 0, 1, 0, 0, 0, 0)}
    assert read(database, read_messages).total == (2, 0, 2, 0, 0, 0, 0)


def test_a_day_is_torontos_to_the_second(database: Database, clock: Clock) -> None:
    for moment in ("2026-11-15 23:59:59", "2026-11-16 00:00:00", "2026-11-22 23:59:59"):
        clock.set(moment)
        talk = Talk(database)
        talk.say("bonjour")
        talk.project()
    clock.set("2026-11-23 00:00:00")
    talk.say("encore")
    talk.project()
    assert read(database, read_conversations).total == (1, 0, 0, 0, 0, 0, 1)
    assert read(database, read_messages).total == (1, 0, 0, 0, 0, 0, 1)


def test_the_days_on_which_clocks_change_are_whole(database: Database, clock: Clock) -> None:
    """In 2026, clocks went forward on March 8 and back on November 1."""
    talk = Talk(database)
    moments = (
        *(("2026-03-08 00:00", 0), ("2026-03-08 03:30", 0), ("2026-03-08 23:59", 0)),
        *(("2026-11-01 00:00", 0), ("2026-11-01 01:30", 0), ("2026-11-01 01:30", 1)),
        *(("2026-11-01 23:59", 0), ("2026-11-02 00:00", 0)),
    )
    for moment, fold in moments:
        clock.set(moment, fold)
        talk.say("bonjour")
    talk.project()
    spring = Filters(date(2026, 3, 7), date(2026, 3, 9))
    autumn = Filters(date(2026, 10, 31), date(2026, 11, 2))
    assert read(database, read_messages, spring).total == (0, 3, 0)
    assert read(database, read_messages, autumn).total == (0, 4, 1)


def test_a_filter_leaves_the_others_out(database: Database, clock: Clock) -> None:
    clock.set("2026-11-16 09:00")
    for language, channel, region in (
        ("fr", "web", "QC"),
        ("fr", "slack", "ON"),
        ("en", "web", "QC"),
    ):
        talk = Talk(database, language, channel=channel)
        talk.say("bonjour", answer=faq("cost"))
        talk.wish({"topic": ["housing"], "region": [region]})
        talk.lead("coach", name="Marie Roy")
        talk.project()
    wanted = {
        "language": "fr",
        "channel": "web",
        "region": "QC",
        "topic": "housing",
    }
    for name, value in wanted.items():
        own = Filters(WEEK.since, WEEK.until, **{name: value})
        count = 3 if name == "topic" else 2
        assert sum(read(database, read_conversations, own).total) == count, name
        assert read(database, read_questions, own) == {"cost": count}
        assert sum(read_hand_offs(database, own).kinds["coach"]) == count
        assert read_answers(database, own).asked == count
    every = Filters(WEEK.since, WEEK.until, **wanted)
    assert sum(read(database, read_conversations, every).total) == 1


# --- the self-assessment


def test_the_funnel_counts_a_conversation_once_at_its_furthest(
    database: Database, clock: Clock
) -> None:
    clock.set("2026-11-16 09:00")
    back = Talk(database)  # two answers, one of them taken back, then a fresh start
    back.ask("aim", "impact", "change", "impact", "aim")
    back.note("aim")
    back.note("aim", "impact")
    back.note("aim")
    back.note()
    back.project()
    whole = Talk(database)
    whole.ask(*ORDER)
    whole.note(*ORDER[:4])
    whole.assess("a")
    whole.assess("a")
    whole.project()
    only_asked = Talk(database)
    only_asked.ask("aim")
    only_asked.project()
    never = Talk(database)
    never.say("bonjour")
    never.project()
    found = read(database, read_funnel, WEEK, ORDER)
    assert found.started == 3
    assert found.reached == dict(zip(ORDER, (2, 2, 1, 1, 1), strict=True))
    assert (found.finished, found.early) == (1, 0)


def test_the_funnel_follows_who_began_in_the_period(database: Database, clock: Clock) -> None:
    clock.set("2026-11-22 23:00")
    talk = Talk(database)
    talk.ask("aim")
    clock.set("2026-11-24 09:00")
    talk.ask("impact")
    talk.note(*ORDER)
    talk.assess()
    talk.project()
    assert read(database, read_funnel, WEEK, ORDER).finished == 1
    later = Filters(date(2026, 11, 23), date(2026, 11, 29))
    assert read(database, read_funnel, later, ORDER).started == 0
    assert read(database, read_bands, later, [])
    assert read(database, read_bands, WEEK, ["ready"]) == {"ready": 0}


def test_a_result_that_an_answer_led_to_at_once_is_early(database: Database, clock: Clock) -> None:
    clock.set("2026-11-16 09:00")
    talk = Talk(database)
    talk.ask("aim")
    talk.note("aim")
    talk.assess()
    with database.write() as connection:
        answers = {"aim": {"option": "d", "unsure": False, "text": None}}
        connection.execute(update(assessments).values(total=None, answers=answers))
    talk.project()
    found = read(database, read_funnel, WEEK, ORDER)
    assert (found.finished, found.early, found.reached["impact"]) == (1, 1, 0)


def test_a_question_that_left_the_file_comes_last(database: Database, clock: Clock) -> None:
    clock.set("2026-11-16 09:00")
    talk = Talk(database)
    talk.ask("aim")
    talk.note("aim", "gone" + "x" * 90)
    talk.assess()
    talk.project()
    found = read(database, read_funnel, WEEK, ORDER)
    assert list(found.reached)[:5] == ORDER
    assert list(found.reached)[5].startswith("gone")


def test_results_are_counted_each_and_unknown_ones_last(database: Database, clock: Clock) -> None:
    clock.set("2026-11-16 09:00")
    talk = Talk(database)
    talk.assess("a")
    clock.set("2026-11-17 09:00")
    talk.assess("a")
    talk.project()
    with database.read() as connection:
        band = connection.execute(select(assessments.c.band).limit(1)).scalar_one()
    found = read(database, read_bands, WEEK, ["other"])
    assert list(found.items()) == [("other", 0), (band, 2)]


# --- questions, and what was not understood


def test_questions_come_in_the_order_of_their_answers(database: Database, clock: Clock) -> None:
    clock.set("2026-11-16 09:00")
    talk = Talk(database)
    for question in ("cost", "timeline", "cost"):
        talk.say("?", "faq", faq(question))
    talk.project()
    other = Talk(database)
    other.say("?", "faq", [*faq("timeline"), *faq("accessibility")])
    other.project()
    found = read(database, read_questions)
    assert list(found.items()) == [("cost", 2), ("timeline", 2), ("accessibility", 1)]


def test_what_was_not_understood_is_counted_beside_what_was_typed(
    database: Database, clock: Clock
) -> None:
    clock.set("2026-11-17 23:59:59")
    talk = Talk(database)
    late = talk.say("qwerty", answer=[Reply("?", "fr", "text", (("Oui", "/affirm"),))])
    clock.set("2026-11-18 00:00:01")  # the brain was slow
    talk.missed(late)
    talk.press("Oui")
    talk.missed(talk.say("hmm"), "clarified")
    talk.say("bonjour")
    talk.project()
    found = read(database, read_missed)
    assert len(found.steps) == 7
    assert found.typed == (0, 1, 2, 0, 0, 0, 0)
    assert found.lost == (0, 1, 0, 0, 0, 0, 0)
    assert found.clarified == (0, 0, 1, 0, 0, 0, 0)


def test_nothing_at_all_is_zeros(database: Database) -> None:
    assert sum(read(database, read_conversations).total) == 0
    assert read(database, read_conversations).channels == {}
    assert read(database, read_questions) == {}
    assert read(database, read_funnel, WEEK, ORDER).started == 0
    assert read_answers(database).median is None
    assert set(read_hand_offs(database).kinds) == set(HANDED) == set(KINDS)


# --- what was asked of staff


def answered(database: Database, clock: Clock, asked: str, after: timedelta | None) -> Talk:
    """A request of a moment, which staff answered so much later."""
    moment = clock.set(asked)
    talk = Talk(database)
    talk.lead("person")
    talk.project()
    if after is not None:
        set_case(database, talk, answered_at=moment.astimezone(timezone.utc) + after)
    return talk


def test_the_time_to_a_first_answer_is_that_of_each_conversation_once(
    database: Database, clock: Clock
) -> None:
    hours = (1, 2, 3, 4, 5, 6, 7, 8, 9, 200)
    for hour in hours:
        talk = answered(database, clock, "2026-11-16 09:00", timedelta(hours=hour))
        clock.set("2026-11-17 09:00")
        talk.lead("interest", name="Marie Roy")  # asked again
    waiting = answered(database, clock, "2026-11-18 09:00", None)
    closed = answered(database, clock, "2026-11-18 10:00", None)
    set_case(database, closed, status="closed")
    found = read_answers(database)
    assert (found.asked, found.answered, found.waiting, found.unanswered) == (12, 10, 1, 1)
    assert found.median == timedelta(hours=5, minutes=30)
    assert found.ninth == timedelta(hours=9)
    assert found.in_a_day == 0.9
    assert found.within == {"1h": 1, "4h": 3, "1d": 5, "2d": 0, "1w": 0, "longer": 1}
    assert found.waiting_since == datetime(2026, 11, 18, 14, tzinfo=timezone.utc)
    assert waiting.id != closed.id


def test_few_answers_have_no_median(database: Database, clock: Clock) -> None:
    for _ in range(4):
        answered(database, clock, "2026-11-16 09:00", timedelta(hours=1))
    found = read_answers(database)
    assert (found.answered, found.median, found.ninth, found.in_a_day) == (4, None, None, None)


def test_who_was_written_to_before_they_asked_is_not_timed(
    database: Database, clock: Clock
) -> None:
    answered(database, clock, "2026-11-16 09:00", timedelta(hours=-1))
    assert read_answers(database).asked == 0
    assert sum(read_hand_offs(database).kinds["person"]) == 1


def test_a_request_is_of_the_period_of_the_first(database: Database, clock: Clock) -> None:
    talk = answered(database, clock, "2026-11-15 23:59:59", None)
    clock.set("2026-11-16 09:00")
    talk.lead("coach", name="Marie Roy")
    talk.project()
    assert read_answers(database).asked == 0
    found = read_hand_offs(database)
    assert (sum(found.kinds["person"]), sum(found.kinds["coach"])) == (0, 1)


def test_a_merged_case_asks_nothing_more_but_was_a_conversation(
    database: Database, clock: Clock
) -> None:
    kept = answered(database, clock, "2026-11-16 09:00", timedelta(hours=1))
    kept.say("bonjour")
    kept.project()
    again = answered(database, clock, "2026-11-17 09:00", None)
    again.say("bonjour")
    again.project()
    set_case(database, again, merged_into=kept.id, status="closed")
    assert sum(read_hand_offs(database).kinds["person"]) == 1
    assert read_answers(database).asked == 1
    assert sum(read(database, read_conversations).total) == 2


@pytest.mark.parametrize(
    ("asked", "answered", "in_time"),
    [
        ("2026-11-23 09:00", "2026-11-24 09:00", True),  # Monday to Tuesday
        ("2026-11-23 09:00", "2026-11-24 09:01", False),
        ("2026-11-27 16:00", "2026-11-30 16:00", True),  # Friday to Monday
        ("2026-11-27 16:00", "2026-11-30 16:01", False),
        ("2026-11-28 10:00", "2026-12-01 00:00", True),  # Saturday: all of Monday
        ("2026-11-29 10:00", "2026-12-01 00:01", False),
        ("2026-10-30 16:00", "2026-11-02 16:00", True),  # clocks went back in between
        ("2026-03-06 02:30", "2026-03-09 02:30", True),  # and forward
    ],
)
def test_a_working_day_ends_at_the_same_time_of_the_next_one(
    asked: str, answered: str, in_time: bool
) -> None:
    moments = [
        datetime.fromisoformat(one).replace(tzinfo=ZONE).astimezone(timezone.utc)
        for one in (asked, answered)
    ]
    assert in_a_working_day(*moments) is in_time


# --- what is projected


def of_days(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(table)))


def full(database: Database, clock: Clock) -> Talk:
    clock.set("2026-11-16 09:00")
    talk = Talk(database)
    talk.missed(talk.say("qwerty"))
    talk.say("?", "faq", faq("cost"))
    talk.ask("aim")
    talk.note("aim")
    clock.set("2026-11-17 09:00")
    talk.assess()
    talk.lead("interest", name="Marie Roy")
    talk.project()
    return talk


def test_projecting_again_makes_the_same_and_rebuilding_makes_what_is_gone(
    database: Database, clock: Clock
) -> None:
    talk = full(database, clock)
    before = of_days(database)
    talk.project()
    assert of_days(database) == before
    with database.write() as connection:
        connection.execute(table.delete())
    list(rebuild(database, WEIGHTS))
    assert of_days(database) == before


def test_what_is_counted_follows_the_conversation(database: Database, clock: Clock) -> None:
    talk = full(database, clock)
    with database.write() as connection:
        connection.execute(update(conversations).values(language="en"))
        connection.execute(assessments.delete())
    talk.project()
    rows = of_days(database)
    assert {row[4] for row in rows} == {"en"}
    assert not {row[2] for row in rows} & {case_days.BAND, case_days.FINISHED}


def test_an_erased_conversation_is_counted_no_more(database: Database, clock: Clock) -> None:
    talk = full(database, clock)
    with database.erase() as connection:
        counts = privacy.erase_conversation(connection, talk.id, "web")
    assert counts["case_days"] > 0
    assert of_days(database) == []
    assert sum(read(database, read_conversations).total) == 0
    assert sum(read_hand_offs(database).kinds["interest"]) == 0


def test_an_erased_result_is_counted_no_more(database: Database, clock: Clock) -> None:
    talk = full(database, clock)
    assert sum(read(database, read_bands, WEEK, []).values()) == 1
    with database.erase() as connection:
        connection.execute(update(assessments).values(page_id="shown"))
        assert privacy.erase_result(connection, "shown")
    with database.write() as connection:
        assert behind(connection, 10) == [talk.id]
        project(connection, talk.id, WEIGHTS)
    assert sum(read(database, read_bands, WEEK, []).values()) == 0
    assert read(database, read_funnel, WEEK, ORDER).finished == 0


def test_counts_stay_when_only_the_transcript_is_erased(database: Database, clock: Clock) -> None:
    talk = full(database, clock)
    before = of_days(database)
    with database.erase() as connection:
        privacy.erase_transcripts(connection, [talk.id])
        project(connection, talk.id, WEIGHTS)
    assert of_days(database) == before
    clock.set("2026-11-20 09:00")
    talk.say("encore")
    talk.project()
    assert sum(read(database, read_messages).total) == 4
    assert read(database, read_funnel, WEEK, ORDER).started == 1
