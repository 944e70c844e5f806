"""Finished assessments, with how a result is told, and messages that were not understood.

Kept for staff; a result also for its visitor, on a page of its own (mobilis/web/results.py).
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.engine import Connection

from mobilis.assessment import Answers, Assessment, Result, answers_from_dict, answers_to_dict
from mobilis.content import Content
from mobilis.conversations import lock_conversation
from mobilis.likeness import key_of
from mobilis.masking import tell_missed
from mobilis.models import assessments, inbox, unhandled
from mobilis.store import Database, now

NONE_OF_THESE = "none"  # picked: none of what a "did you mean" offered
FOLLOWS_WITHIN = timedelta(minutes=10)
PAGE_ID_BYTES = 18  # of randomness
PAGE_ID = re.compile(r"[A-Za-z0-9_-]{24}")


def keep_result(
    database: Database,
    *,
    conversation_id: str,
    message_id: str,
    language: str,
    version: str,
    answers: Answers,
    result: Result,
    days: int,
) -> str:
    """Store a finished assessment with its answers; the same message stores it once.

    Returns:
        The id of its page, readable for so many days; 0: as long as the conversation is kept.
        The same message gets the same id again.
    """
    values = {
        "language": language,
        "version": version,
        "answers": answers_to_dict(answers),
        "band": result.band,
        "variant": result.variant,
        "total": result.total,
        "gaps": list(result.gaps),
    }
    with database.write() as connection:
        _once(connection, assessments, conversation_id, message_id, values)
        return _give_page(connection, conversation_id, message_id, days)


def _give_page(connection: Connection, conversation_id: str, message_id: str, days: int) -> str:
    """The id of a kept result's page; it gets one unless it has one."""
    own = (
        assessments.c.conversation_id == conversation_id,
        assessments.c.source_message_id == message_id,
    )
    page = {
        "page_id": secrets.token_urlsafe(PAGE_ID_BYTES),
        "page_until": now() + timedelta(days=days) if days else None,
    }
    without = update(assessments).where(*own, assessments.c.page_id.is_(None))
    connection.execute(without.values(page))
    return str(connection.execute(select(assessments.c.page_id).where(*own)).scalar_one())


def page_path(page_id: str) -> str:
    """Where the page of a result is, below the front door."""
    return f"/r/{page_id}"


@dataclass(frozen=True)
class KeptResult:
    """A result as its page needs it. `until` is when the page ends, if not with the conversation.

    Of the answers only the options: what was typed is not read.
    """

    page_id: str
    language: str
    at: datetime
    until: datetime | None
    answers: Answers
    band: str
    variant: str | None
    total: int | None
    gaps: tuple[str, ...]


def read_page(connection: Connection, page_id: str) -> KeptResult | None:
    """The result on a page; None when there never was such a page or it cannot be read any more."""
    if not PAGE_ID.fullmatch(page_id):
        return None
    still = or_(assessments.c.page_until.is_(None), assessments.c.page_until > now())
    query = select(assessments).where(assessments.c.page_id == page_id, still)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    options = {question: {"option": data["option"]} for question, data in row.answers.items()}
    return KeptResult(
        page_id=page_id,
        language=row.language,
        at=row.created_at,
        until=row.page_until,
        answers=answers_from_dict(options),
        band=row.band,
        variant=row.variant,
        total=row.total,
        gaps=tuple(row.gaps),
    )


def list_answers(assessment: Assessment, answers: Answers, language: str) -> list[dict[str, Any]]:
    """The answers that count, each with the question's subject, the option and its points."""
    return [
        {
            "question": question.id,
            "title": question.gap[language],
            "answer": option.title[language],
            "points": option.points,
            "of": question.most,
        }
        for question, option in assessment.answered(answers)
    ]


@dataclass(frozen=True)
class Explanation:
    """A result in words, in one language; texts may hold Markdown."""

    title: str
    texts: tuple[str, ...]  # what the band means
    gaps: tuple[tuple[str, str], ...]  # what needs work, and a tip
    notices: tuple[str, ...]  # what the result is not


def explain(assessment: Assessment, content: Content, result: Result, language: str) -> Explanation:
    """What a result means, what needs work, and what it is not."""
    band = assessment.bands[result.band]
    texts = [band.words(result.variant)]
    if result.coalition_hint and band.coalition_hint:
        texts.append(band.coalition_hint)
    gaps = [assessment.question(question_id) for question_id in result.gaps]
    return Explanation(
        title=band.title[language],
        texts=tuple(text[language] for text in texts),
        gaps=tuple((gap.gap[language], gap.tip[language]) for gap in gaps),
        notices=(assessment.indicative[language], *content.said(band.notices, language)),
    )


def keep_unhandled(
    database: Database,
    *,
    conversation_id: str,
    message_id: str,
    language: str,
    outcome: str,
    guesses: Sequence[Mapping[str, Any]],
    question: str | None = None,
) -> None:
    """Store a message that was not understood (`lost`) or asked about (`clarified`), without what
    it says: that comes once its personal details are masked (mobilis/masking.py).

    `question` is the question of the assessment that was open.
    """
    values = {
        "language": language,
        "text": "",
        "outcome": outcome,
        "guesses": [dict(guess) for guess in guesses],
        "question": question,
        "key": key_of(language, question, ""),
    }
    own = (inbox.c.conversation_id == conversation_id, inbox.c.id == message_id)
    with database.write() as connection:
        _once(connection, unhandled, conversation_id, message_id, values)
        masked = connection.execute(select(inbox.c.masked).where(*own)).scalar()
        if masked is not None:
            tell_missed(connection, conversation_id, message_id, masked)


def note_choice(database: Database, conversation_id: str, message_id: str, label: str) -> None:
    """Record what the visitor picked after a "did you mean" about a message: a label, or
    `NONE_OF_THESE`. The first pick stays."""
    _note(database, conversation_id, message_id, "chosen", label)


def note_next(database: Database, conversation_id: str, message_id: str, label: str) -> None:
    """Record what the visitor's next message was understood as, unless it came much later."""
    recent = unhandled.c.created_at >= now() - FOLLOWS_WITHIN
    _note(database, conversation_id, message_id, "followed_by", label, recent)


def _note(
    database: Database, conversation_id: str, message_id: str, column: str, label: str, *where: Any
) -> None:
    own = (
        unhandled.c.conversation_id == conversation_id,
        unhandled.c.source_message_id == message_id,
    )
    with database.write() as connection:
        connection.execute(
            update(unhandled)
            .where(*own, unhandled.c[column].is_(None), *where)
            .values({column: label})
        )


def _once(
    connection: Connection,
    table: Any,
    conversation_id: str,
    message_id: str,
    values: Mapping[str, Any],
) -> None:
    lock_conversation(connection, conversation_id)  # two brains may be at the same message
    own = (table.c.conversation_id == conversation_id, table.c.source_message_id == message_id)
    if connection.execute(select(table.c.id).where(*own)).first():
        return
    connection.execute(
        insert(table).values(
            id=str(uuid.uuid4()),
            conversation_id=conversation_id,
            source_message_id=message_id,
            created_at=now(),
            **values,
        )
    )
