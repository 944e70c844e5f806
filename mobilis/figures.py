"""Figures: how much was asked, understood, finished and answered in a period.

Counts come from `case_days` (mobilis/case_days.py), requests to staff from `leads` and their cases.
Days are Toronto's. What each figure counts, and how, is in docs/console-figures.md. Called by the
pages of the console; knows no HTTP and no words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection, Row

from mobilis import case_days as days
from mobilis.content import LANGUAGES
from mobilis.dates import ZONE, day_of, start_of
from mobilis.models import case_days, case_facets, cases, leads
from mobilis.periods import Filters, Steps
from mobilis.queue import CHANNELS

FEWEST = 5  # answers of which a median is told
HANDED = ("person", "coach", "interest")  # kinds of requests to staff
WEEKEND = (5, 6)
A_DAY = timedelta(days=1)
# The upper bound of each part of the distribution of answers; the last one has none.
WITHIN: Mapping[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "2d": timedelta(days=2),
    "1w": timedelta(days=7),
    "longer": None,
}

Counts = Mapping[str, tuple[int, ...]]  # by name, one of each step


@dataclass(frozen=True)
class Volume:
    """How many there were in each step: all, by language, and by channel."""

    steps: Steps
    total: tuple[int, ...]
    languages: Counts
    channels: Counts


def read_conversations(connection: Connection, filters: Filters, steps: Steps) -> Volume:
    """Conversations in which something was said, on the day that they began."""
    return _volume(connection, filters, steps, days.OPENED)


def read_messages(connection: Connection, filters: Filters, steps: Steps) -> Volume:
    """Messages of visitors."""
    return _volume(connection, filters, steps, days.SAID)


def _volume(connection: Connection, filters: Filters, steps: Steps, what: str) -> Volume:
    rows = _sums(connection, filters, [what], "day", "language", "channel")
    channels = sorted({row.channel for row in rows}, key=_place_in(CHANNELS))
    return Volume(
        steps,
        _by_step(steps, rows),
        _each(steps, rows, "language", LANGUAGES),
        _each(steps, rows, "channel", channels),
    )


def _each(steps: Steps, rows: Sequence[Row[Any]], column: str, names: Iterable[str]) -> Counts:
    own = {name: [row for row in rows if row._mapping[column] == name] for name in names}
    return {name: _by_step(steps, of_name) for name, of_name in own.items()}


def _by_step(steps: Steps, rows: Iterable[Row[Any]]) -> tuple[int, ...]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row.day] += row.times
    return _in_steps(steps, found)


def _in_steps(steps: Steps, found: Mapping[str, int]) -> tuple[int, ...]:
    """The counts of days as counts of steps."""
    starts = [step.first.isoformat() for step in steps]
    totals = [0] * len(starts)
    for day, n in found.items():
        totals[bisect_right(starts, day) - 1] += n
    return tuple(totals)


def _place_in(names: Sequence[str]) -> Any:
    """Orders by the place among `names`, what is not there last."""
    return lambda name: (names.index(name) if name in names else len(names), name)


@dataclass(frozen=True)
class Funnel:
    """Conversations that began the self-assessment: those with an answer to each question, by its
    id; those with a result, of which `early` after an answer that leaves nothing to ask."""

    started: int
    reached: Mapping[str, int]
    finished: int
    early: int


def read_funnel(connection: Connection, filters: Filters, questions: Sequence[str]) -> Funnel:
    """How far the self-assessment got in the conversations that began it in the period.

    Questions that have left the file come last, if anybody answered them.
    """
    wanted = [days.STARTED, days.REACHED, days.FINISHED]
    rows = _sums(connection, filters, wanted, "what", "value")
    found = {(row.what, row.value): int(row.times) for row in rows}
    reached = {value: n for (what, value), n in found.items() if what == days.REACHED}
    order = sorted({*questions, *reached}, key=_place_in(questions))
    early = found.get((days.FINISHED, "early"), 0)
    return Funnel(
        found.get((days.STARTED, ""), 0),
        {question: reached.get(question, 0) for question in order},
        found.get((days.FINISHED, "whole"), 0) + early,
        early,
    )


def read_bands(connection: Connection, filters: Filters, bands: Sequence[str]) -> Mapping[str, int]:
    """How many self-assessments ended in each band: all of `bands`, and what else was found."""
    rows = _sums(connection, filters, [days.BAND], "value")
    found = {row.value: int(row.times) for row in rows}
    order = sorted({*bands, *found}, key=_place_in(bands))
    return {band: found.get(band, 0) for band in order}


def read_questions(connection: Connection, filters: Filters) -> Mapping[str, int]:
    """How often each question of faq/ was answered, the most frequent first."""
    rows = _sums(connection, filters, [days.ANSWERED], "value")
    ordered = sorted(rows, key=lambda row: (-row.times, row.value))
    return {row.value: int(row.times) for row in ordered}


@dataclass(frozen=True)
class Missed:
    """Typed messages in each step; those not understood, and those that were asked about."""

    steps: Steps
    typed: tuple[int, ...]
    lost: tuple[int, ...]
    clarified: tuple[int, ...]


def read_missed(connection: Connection, filters: Filters, steps: Steps) -> Missed:
    """How many of the typed messages were not understood."""
    wanted = [days.TYPED, days.LOST, days.CLARIFIED]
    found = _each(steps, _sums(connection, filters, wanted, "what", "day"), "what", wanted)
    return Missed(steps, *(found[what] for what in wanted))


def _sums(
    connection: Connection, filters: Filters, what: Sequence[str], *by: str
) -> Sequence[Row[Any]]:
    """The sums of some kinds over the period, by columns."""
    c, columns = case_days.c, [case_days.c[name] for name in by]
    query = select(*columns, func.sum(c.times).label("times")).where(
        c.what.in_(what),
        c.day >= filters.since.isoformat(),
        c.day <= filters.until.isoformat(),
        *_narrowed(filters, case_days),
    )
    rows: Sequence[Row[Any]] = connection.execute(query.group_by(*columns)).all()
    return rows


def _narrowed(filters: Filters, table: Any) -> Iterable[Any]:
    """The conditions of the filters, less the days, on a table with language and channel."""
    for name in ("language", "channel"):
        if getattr(filters, name):
            yield table.c[name] == getattr(filters, name)
    for facet in ("topic", "region"):
        if getattr(filters, facet):
            asked = select(case_facets.c.conversation_id).where(
                case_facets.c.facet == facet, case_facets.c.value == getattr(filters, facet)
            )
            yield table.c.conversation_id.in_(asked)


Requests = Sequence[Row[Any]]


@dataclass(frozen=True)
class HandOffs:
    """Requests to staff in each step, by kind."""

    steps: Steps
    kinds: Counts


@dataclass(frozen=True)
class Answers:
    """How soon people who asked for something in the period were first answered by a person.

    `median`, `ninth` (nine in ten waited no longer) and `in_a_day` (the share that was answered
    within a working day) are none when there are fewer than FEWEST answers.
    """

    asked: int
    answered: int
    waiting: int
    unanswered: int  # their case was closed without an answer
    within: Mapping[str, int]
    median: timedelta | None = None
    ninth: timedelta | None = None
    in_a_day: float | None = None
    waiting_since: datetime | None = None  # of who has waited longest


def read_requests(connection: Connection, filters: Filters) -> Requests:
    """Requests to staff of the period, less those of cases that were merged into another."""
    earlier = leads.alias("earlier")
    same = earlier.c.conversation_id == leads.c.conversation_id
    first = select(func.min(earlier.c.created_at)).where(same).scalar_subquery()
    own = (leads.c.conversation_id, leads.c.kind, leads.c.created_at)
    query = (
        select(
            *own,
            cases.c.answered_at,
            cases.c.status,
            (leads.c.created_at == first).label("is_first"),
        )
        .join(cases, cases.c.conversation_id == leads.c.conversation_id)
        .where(
            leads.c.created_at >= start_of(filters.since),
            leads.c.created_at < start_of(filters.until + timedelta(days=1)),
            cases.c.merged_into.is_(None),
            *_narrowed(filters, cases),
        )
    )
    found: Requests = connection.execute(query).all()
    return found


def hand_offs(requests: Requests, steps: Steps) -> HandOffs:
    """Requests for a person or a coach, and declarations of interest."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in HANDED}
    for row in requests:
        found[row.kind][day_of(row.created_at).isoformat()] += 1
    return HandOffs(steps, {kind: _in_steps(steps, found[kind]) for kind in HANDED})


def answers(requests: Requests) -> Answers:
    """The time from a conversation's first request to staff until a person's first answer."""
    rows = [row for row in requests if row.is_first and not _answered_before(row)]
    asked = {row.conversation_id: row for row in rows}.values()
    answered = [row for row in asked if row.answered_at]
    open_ones = [row for row in asked if not row.answered_at and row.status != "closed"]
    took = sorted(row.answered_at - row.created_at for row in answered)
    told = {}
    if len(took) >= FEWEST:
        soon = [row for row in answered if in_a_working_day(row.created_at, row.answered_at)]
        told = {
            "median": median(took),
            "ninth": took[ceil(len(took) * 0.9) - 1],
            "in_a_day": len(soon) / len(took),
        }
    return Answers(
        asked=len(asked),
        answered=len(answered),
        waiting=len(open_ones),
        unanswered=len(asked) - len(answered) - len(open_ones),
        within=_distribution(took),
        waiting_since=min((row.created_at for row in open_ones), default=None),
        **told,
    )


def _answered_before(row: Row[Any]) -> bool:
    """Whether staff wrote of themselves, before anything was asked."""
    return bool(row.answered_at and row.answered_at < row.created_at)


def _distribution(took: Iterable[timedelta]) -> Mapping[str, int]:
    found = dict.fromkeys(WITHIN, 0)
    for one in took:
        name = next(name for name, most in WITHIN.items() if most is None or one <= most)
        found[name] += 1
    return found


def in_a_working_day(asked: datetime, answered: datetime) -> bool:
    """Whether an answer came by the same time of the next working day, Monday to Friday in Toronto;
    what is asked on a weekend is as if asked when Monday begins. Holidays are working days."""
    if answered - asked <= A_DAY:  # most of them; and no working day is shorter
        return True
    here = asked.astimezone(ZONE)
    day, hour = here.date(), here.time()
    if day.weekday() in WEEKEND:
        day, hour = _next_working_day(day), time()
    limit = datetime.combine(_next_working_day(day), hour, ZONE)
    return answered.astimezone(ZONE) <= limit


def _next_working_day(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() in WEEKEND:
        day += timedelta(days=1)
    return day
