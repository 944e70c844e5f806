"""What happened in a conversation, counted by day of Toronto: what figures add up.

A row of `case_days` is a count of one kind of thing on one day, and holds no word of anybody. It is
projected with the case (mobilis/cases.py), so that making it again makes the same; read by
mobilis/figures.py. docs/console-figures.md says what each kind counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import Select

from mobilis.dates import day_of
from mobilis.models import assessments, case_days, inbox, outbox, tracker_events, unhandled
from mobilis.store import own

OPENED = "opened"  # a conversation in which something was said, on the day that it began
SAID = "said"  # messages of the visitor
TYPED = "typed"  # those that no button made
LOST, CLARIFIED = "lost", "clarified"  # those that were not understood, or asked about
ANSWERED = "answered"  # questions of faq/, by id
# Of the self-assessment, once a conversation and on the day that it was first begun.
STARTED = "started"
REACHED = "reached"  # its questions that got an answer, by id
FINISHED = "finished"  # "whole", or "early": an answer left nothing more to ask
OF_ASSESSMENT = (STARTED, REACHED, FINISHED)
BAND = "band"  # finished self-assessments, on their own day
LONGEST = 64  # characters of a value

Item = Mapping[str, Any]  # columns of a row
Key = tuple[str, str, str]  # day, kind, value

_LEFT = {
    "inbox": select(inbox.c.id, inbox.c.at, inbox.c.kind, inbox.c.text).where(own(inbox)),
    "outbox": select(outbox.c.at, outbox.c.content).where(own(outbox)),
    "unhandled": select(
        unhandled.c.source_message_id, unhandled.c.outcome, unhandled.c.created_at
    ).where(own(unhandled)),
    "assessments": select(
        assessments.c.answers, assessments.c.band, assessments.c.total, assessments.c.created_at
    ).where(own(assessments)),
}
_NOTED = select(tracker_events.c.data).where(
    own(tracker_events),
    tracker_events.c.name == "slot",
    tracker_events.c.snapshot.is_(False),
    tracker_events.c.data.like('%"assessment_answers"%'),
)
_KNOWN = select(case_days).where(own(case_days))


@dataclass(frozen=True)
class Left:
    """What a conversation left behind: rows of the tables, and the questions of the self-assessment
    whose answer was ever noted."""

    opened_at: datetime
    inbox: Sequence[Item]
    outbox: Sequence[Item]
    unhandled: Sequence[Item]
    assessments: Sequence[Item]
    noted: Iterable[str]


def project_days(connection: Connection, talk: Row[Any], keep: bool) -> None:
    """Count the days of a conversation again. What was counted stays when `keep`: the transcript
    is erased."""
    known = {_key(row): row.times for row in _known(connection, talk)}
    present: dict[Key, int] = count_days(_left(connection, talk))
    if keep:
        present = _with_what_was(known, present)
    rows = [day_row(talk.id, talk.language, talk.channel, key, n) for key, n in present.items()]
    if [dict(row._mapping) for row in _known(connection, talk)] == sorted(rows, key=_order):
        return
    connection.execute(delete(case_days).where(own(case_days)), {"own": talk.id})
    if rows:
        connection.execute(insert(case_days), rows)


def _with_what_was(known: Mapping[Key, int], present: Mapping[Key, int]) -> dict[Key, int]:
    """What was counted before the transcript was erased, with what came after. A self-assessment
    stays on the day that it was begun."""
    begun = any(what == STARTED for _, what, _ in known)
    new = {key: n for key, n in present.items() if not (begun and key[1] in OF_ASSESSMENT)}
    return {key: max(known.get(key, 0), new.get(key, 0)) for key in {**known, **new}}


def day_row(talk: str, language: str, channel: str, key: Key, times: int) -> dict[str, Any]:
    """A count as a row of the table."""
    day, what, value = key
    own = {"conversation_id": talk, "day": day, "what": what, "value": value}
    return {**own, "language": language, "channel": channel, "times": times}


def count_days(left: Left) -> Counter[Key]:
    """How often what happened, by day, kind and value."""
    found: Counter[Key] = Counter()
    said = [row for row in left.inbox if row["kind"] != "opened" and row["text"]]
    days = {row["id"]: _day(row["at"]) for row in said}
    if said:
        found[_day(left.opened_at), OPENED, ""] = 1
    for row in said:
        found[days[row["id"]], SAID, ""] += 1
        found[days[row["id"]], TYPED, ""] += row["kind"] == "text"
    for row in left.unhandled:
        day = days.get(row["source_message_id"]) or _day(row["created_at"])
        found[day, row["outcome"], ""] += 1
    for row in left.outbox:
        if "faq" in row["content"]:
            found[_day(row["at"]), ANSWERED, row["content"]["faq"]["id"][:LONGEST]] += 1
    for row in left.assessments:
        found[_day(row["created_at"]), BAND, row["band"]] += 1
    return found + _assessed(left)


def _assessed(left: Left) -> Counter[Key]:
    """How far the self-assessment got, at its furthest."""
    begun = [row["at"] for row in left.outbox if row["content"].get("kind") == "question"]
    begun = begun or [row["created_at"] for row in left.assessments]
    if not begun:
        return Counter()
    day = _day(min(begun))
    reached = {*left.noted, *(question for row in left.assessments for question in row["answers"])}
    found = Counter({(day, STARTED, ""): 1})
    found.update((day, REACHED, question[:LONGEST]) for question in reached)
    if left.assessments:
        whole = any(row["total"] is not None for row in left.assessments)
        found[day, FINISHED, "whole" if whole else "early"] = 1
    return found


def _left(connection: Connection, talk: Row[Any]) -> Left:
    rows = {name: _rows(connection, talk, query) for name, query in _LEFT.items()}
    return Left(talk.created_at, **rows, noted=_noted(connection, talk))


def _rows(connection: Connection, talk: Row[Any], query: Select[Any]) -> list[Item]:
    return [row._mapping for row in connection.execute(query, {"own": talk.id})]


def _noted(connection: Connection, talk: Row[Any]) -> set[str]:
    """The questions whose answer was noted at any time, also when it was taken back since."""
    slots = map(json.loads, connection.execute(_NOTED, {"own": talk.id}).scalars())
    return {question for slot in slots for question in slot.get("value") or ()}


def _known(connection: Connection, talk: Row[Any]) -> list[Row[Any]]:
    rows = connection.execute(_KNOWN, {"own": talk.id}).all()
    return sorted(rows, key=lambda row: _key(row))


def _key(row: Row[Any]) -> Key:
    return row.day, row.what, row.value


def _order(row: Item) -> Key:
    return row["day"], row["what"], row["value"]


def _day(moment: datetime) -> str:
    return day_of(moment).isoformat()
