"""Finished assessments and messages that were not understood, kept for staff."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update

from mobilis.assessment import Answers, Result, answers_to_dict
from mobilis.models import assessments, unhandled
from mobilis.store import Database, now


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
) -> None:
    """Store a message that was not understood (`lost`) or asked about (`clarified`).

    `text` must already be masked.
    """
    values = {
        "language": language,
        "text": text,
        "outcome": outcome,
        "guesses": [dict(guess) for guess in guesses],
    }
    _once(database, unhandled, conversation_id, message_id, values)


def choose_label(database: Database, conversation_id: str, label: str) -> None:
    """Record what the visitor picked after the newest "did you mean" of the conversation."""
    newest = (
        select(unhandled.c.id)
        .where(unhandled.c.conversation_id == conversation_id, unhandled.c.outcome == "clarified")
        .order_by(unhandled.c.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    with database.write() as connection:
        connection.execute(
            update(unhandled)
            .where(unhandled.c.id == newest, unhandled.c.chosen.is_(None))
            .values(chosen=label)
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
