"""Finished assessments and messages that were not understood, kept for staff."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update

from mobilis.assessment import Answers, Result, answers_to_dict
from mobilis.models import assessments, unhandled
from mobilis.store import Database, now

NONE_OF_THESE = "none"  # picked: none of what a "did you mean" offered
FOLLOWS_WITHIN = timedelta(minutes=10)


def keep_result(
    database: Database,
    *,
    conversation_id: str,
    message_id: str,
    language: str,
    version: str,
    answers: Answers,
    result: Result,
) -> None:
    """Store a finished assessment with its answers; the same message stores it once."""
    values = {
        "language": language,
        "version": version,
        "answers": answers_to_dict(answers),
        "band": result.band,
        "variant": result.variant,
        "total": result.total,
        "gaps": list(result.gaps),
    }
    _once(database, assessments, conversation_id, message_id, values)


def keep_unhandled(
    database: Database,
    *,
    conversation_id: str,
    message_id: str,
    language: str,
    text: str,
    outcome: str,
    guesses: Sequence[Mapping[str, Any]],
    question: str | None = None,
) -> None:
    """Store a message that was not understood (`lost`) or asked about (`clarified`).

    `text` must already be masked. `question` is the question of the assessment that was open.
    """
    values = {
        "language": language,
        "text": text,
        "outcome": outcome,
        "guesses": [dict(guess) for guess in guesses],
        "question": question,
    }
    _once(database, unhandled, conversation_id, message_id, values)


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
    database: Database,
    table: Any,
    conversation_id: str,
    message_id: str,
    values: Mapping[str, Any],
) -> None:
    own = (table.c.conversation_id == conversation_id, table.c.source_message_id == message_id)
    with database.write() as connection:
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
