"""Erasing: on request, in the middle of a conversation, and when a conversation has grown old.

What remains of an erasure is that it happened, when, and on which channel. Called by the front
door, by actions and by the command line, each inside its own transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from mobilis.models import (
    assessments,
    case_facets,
    case_notes,
    case_reads,
    case_tags,
    case_texts,
    cases,
    choices,
    conversations,
    erasures,
    inbox,
    leads,
    outbox,
    tracker_events,
    unhandled,
)
from mobilis.search import forget_erased
from mobilis.store import now

Counts = dict[str, int]  # {table: rows deleted}

# Children before parents.
SPOKEN = (choices, outbox)
LEFT_BY_TURNS = (tracker_events, assessments, leads, unhandled)
OF_STAFF = (case_texts, case_facets, case_tags, case_notes, case_reads, cases)
CHUNK = 200


def erase_conversation(connection: Connection, conversation_id: str, channel: str) -> Counts:
    """Delete everything of a conversation; note that it happened, if there was anything."""
    counts = _erase_all(connection, [conversation_id])
    _forget_words(connection, counts)
    if any(counts.values()):
        _note_erasure(connection, channel)
    return counts


def erase_content(connection: Connection, conversation_id: str, keep_message_id: str) -> Counts:
    """Delete what was said in a conversation whose visitor is still there.

    For an erasure asked in the conversation itself: the message that asks is in flight, so its
    row stays, blanked, as does the conversation's, for the last answer to be delivered. The brain
    must still forget the tracker that it saves at the end of the turn.
    """
    query = select(conversations.c.channel).where(conversations.c.id == conversation_id)
    channel = connection.execute(query.with_for_update()).scalar_one_or_none()
    counts = {
        table.name: _delete(connection, table, [conversation_id])
        for table in (*SPOKEN, *LEFT_BY_TURNS, *OF_STAFF)
    }
    _forget_words(connection, counts)
    mine = inbox.c.conversation_id == conversation_id
    others = delete(inbox).where(mine, inbox.c.id != keep_message_id)
    counts["inbox"] = connection.execute(others).rowcount
    kept = update(inbox).where(mine, inbox.c.id == keep_message_id)
    connection.execute(kept.values(text="", error=None))
    connection.execute(
        update(conversations).where(conversations.c.id == conversation_id).values(page=None)
    )
    _note_erasure(connection, channel or "unknown")
    return counts


def erase_result(connection: Connection, page_id: str) -> bool:
    """Delete the assessment that a page shows; whether there was one. Its conversation stays."""
    shown = assessments.c.page_id == page_id
    talk = select(assessments.c.conversation_id).where(shown).scalar_subquery()
    query = select(conversations.c.channel).where(conversations.c.id == talk)
    channel = connection.execute(query).scalar_one_or_none()
    if not connection.execute(delete(assessments).where(shown)).rowcount:
        return False
    _note_erasure(connection, channel or "unknown")
    return True


def erase_left_behind(connection: Connection, conversation_id: str) -> Counts:
    """Delete what a turn wrote after its conversation had been erased."""
    return {table.name: _delete(connection, table, [conversation_id]) for table in LEFT_BY_TURNS}


def purge_expired(connection: Connection, before: datetime) -> Counts:
    """Delete every conversation in which nothing was said since `before`.

    Also what belongs to no conversation any more and is as old.
    """
    query = select(conversations.c.id).where(conversations.c.last_at < before)
    expired = [row.id for row in connection.execute(query.with_for_update())]
    counts: Counts = {}
    for start in range(0, len(expired), CHUNK):
        _add(counts, _erase_all(connection, expired[start : start + CHUNK]))
    _add(counts, _purge_orphans(connection, before))
    _forget_words(connection, counts)
    return counts


def _purge_orphans(connection: Connection, before: datetime) -> Counts:
    alive = select(conversations.c.id)
    counts = {}
    for table in LEFT_BY_TURNS:
        written_at = table.c.at if table is tracker_events else table.c.created_at
        orphans = delete(table).where(written_at < before, table.c.conversation_id.not_in(alive))
        counts[table.name] = connection.execute(orphans).rowcount
    return counts


def _erase_all(connection: Connection, conversation_ids: Sequence[str]) -> Counts:
    # In the order in which a turn locks, lest the two wait for each other.
    mine = select(conversations.c.id).where(conversations.c.id.in_(conversation_ids))
    connection.execute(mine.with_for_update())
    tables = (*SPOKEN, inbox, *LEFT_BY_TURNS, *OF_STAFF, conversations)
    return {table.name: _delete(connection, table, conversation_ids) for table in tables}


def _delete(connection: Connection, table: Any, conversation_ids: Sequence[str]) -> int:
    column = table.c.id if table is conversations else table.c.conversation_id
    return int(connection.execute(delete(table).where(column.in_(conversation_ids))).rowcount)


def _forget_words(connection: Connection, counts: Counts) -> None:
    """Words that a search found leave its index too, and not only what it finds."""
    if counts.get(case_texts.name):
        forget_erased(connection)


def _add(counts: Counts, more: Counts) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _note_erasure(connection: Connection, channel: str) -> None:
    connection.execute(insert(erasures).values(id=str(uuid.uuid4()), channel=channel, at=now()))
