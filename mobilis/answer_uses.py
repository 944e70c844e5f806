"""How the answers of the FAQ are received: who got them, what was said next, who was helped.

A table holds one row for each time that an answer was given; it is projected with the case of its
conversation (mobilis/cases.py), so that a report over years is one query. Called by the projector,
by the console's pages and by the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, insert, select
from sqlalchemy.engine import Connection

from mobilis.models import answer_uses, inbox, outbox, ratings, unhandled
from mobilis.store import own

# What makes of the next message a sign that the answer did not do.
REFUSED, PERSON, MISSED = "refused", "person", "missed"
SIGNS = (REFUSED, PERSON, MISSED)
TOLD_BY = {"deny": REFUSED, "request_human": PERSON}
LISTED = 100  # of the uses of one answer

_FORGET = delete(answer_uses).where(own(answer_uses))
_GIVEN = (
    select(outbox)
    .where(own(outbox), outbox.c.content["kind"].as_string() == "faq")
    .order_by(outbox.c.position)
)
_MISSED = select(unhandled.c.source_message_id).where(own(unhandled))
_SAID = (
    select(inbox.c.id, inbox.c.position)
    .where(own(inbox), inbox.c.kind != "opened")
    .order_by(inbox.c.position)
)


@dataclass(frozen=True)
class Received:
    """How an answer was received in a period."""

    faq: str
    visits: int
    helpful: int
    unhelpful: int
    refused: int
    person: int
    missed: int


@dataclass(frozen=True)
class Use:
    """An answer as it was given once."""

    conversation_id: str
    at: datetime
    language: str
    followed_by: str
    helpful: bool | None


@dataclass(frozen=True)
class Period:
    """From a moment until before another, in one language or in both."""

    since: datetime | None = None
    until: datetime | None = None
    language: str = ""

    def conditions(self) -> list[Any]:
        """The rows that are in it."""
        c = answer_uses.c
        found = [c.at >= self.since] if self.since else []
        found += [c.at < self.until] if self.until else []
        return [*found, *([c.language == self.language] if self.language else [])]


def project(connection: Connection, conversation_id: str, labels: Mapping[str, str]) -> None:
    """Make the rows of a conversation again. `labels` says what each message was taken for."""
    here = {"own": conversation_id}
    connection.execute(_FORGET, here)
    given = connection.execute(_GIVEN, here).all()
    if not given:
        return
    said = _said(connection, conversation_id, labels)
    rows = [
        {
            "conversation_id": conversation_id,
            "message_id": row.id,
            "faq": row.content["faq"]["id"],
            "language": row.language,
            "at": row.at,
            "followed_by": next((sign for at, sign in said if at > row.position), None),
        }
        for row in given
        if row.content.get("faq")
    ]
    if rows:
        connection.execute(insert(answer_uses), rows)


def _said(
    connection: Connection, conversation_id: str, labels: Mapping[str, str]
) -> list[tuple[int, str | None]]:
    """Where each message of the visitor stands, and what it says of the answer before it."""
    here = {"own": conversation_id}
    missed = set(connection.execute(_MISSED, here).scalars())
    rows = connection.execute(_SAID, here)
    return [
        (row.position, MISSED if row.id in missed else TOLD_BY.get(labels.get(row.id, "")))
        for row in rows
    ]


def received(connection: Connection, period: Period, faqs: Iterable[str]) -> list[Received]:
    """How each answer was received, those that were given most at the head; those that nobody got
    too, as long as they are among `faqs`."""
    c = answer_uses.c
    signs = [func.sum(case((c.followed_by == sign, 1), else_=0)).label(sign) for sign in SIGNS]
    counted = connection.execute(
        select(c.faq, func.count().label("visits"), *signs)
        .where(*period.conditions())
        .group_by(c.faq)
    )
    found = {row.faq: dict(row._mapping) for row in counted}
    thumbs = connection.execute(
        select(c.faq, ratings.c.helpful, func.count().label("times"))
        .join(ratings, _same_message())
        .where(*period.conditions())
        .group_by(c.faq, ratings.c.helpful)
    )
    votes = {(row.faq, row.helpful): row.times for row in thumbs}
    none = {"visits": 0, **dict.fromkeys(SIGNS, 0)}
    return sorted(
        (
            Received(
                **{**none, **found.get(faq, {}), "faq": faq},
                helpful=votes.get((faq, True), 0),
                unhelpful=votes.get((faq, False), 0),
            )
            for faq in {*faqs, *found}
        ),
        key=lambda one: (-one.visits, one.faq),
    )


def uses(connection: Connection, period: Period, faq: str, kind: str) -> list[Use]:
    """Times that an answer was given, the last ones first.

    `kind` is one of `SIGNS`, "helpful", "unhelpful", or empty for all.
    """
    c = answer_uses.c
    where = [*period.conditions(), c.faq == faq]
    if kind in SIGNS:
        where.append(c.followed_by == kind)
    elif kind:
        where.append(ratings.c.helpful.is_(kind == "helpful"))
    rows = connection.execute(
        select(answer_uses, ratings.c.helpful)
        .outerjoin(ratings, _same_message())
        .where(*where)
        .order_by(c.at.desc(), c.message_id)
        .limit(LISTED)
    )
    return [
        Use(row.conversation_id, row.at, row.language, row.followed_by or "", row.helpful)
        for row in rows
    ]


def _same_message() -> Any:
    return and_(
        ratings.c.conversation_id == answer_uses.c.conversation_id,
        ratings.c.message_id == answer_uses.c.message_id,
    )
