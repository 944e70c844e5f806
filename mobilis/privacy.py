"""Erasing: on request, in the middle of a conversation, and when something has grown old
(mobilis/retention.py says when).

What remains of an erasure is that it happened, when, on which channel, and a fingerprint of what it
was of, by which a restored backup is erased again. Called by the front door, by actions and by the
command line, each inside its own transaction.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from mobilis import news
from mobilis.models import (
    announcements,
    answer_uses,
    assessments,
    case_days,
    case_facets,
    case_notes,
    case_reads,
    case_tags,
    case_texts,
    cases,
    choices,
    conversations,
    deliveries,
    erasures,
    inbox,
    leads,
    mails,
    missed_decisions,
    outbox,
    places,
    ratings,
    tracker_events,
    unhandled,
)
from mobilis.search import forget_erased
from mobilis.store import now

Counts = dict[str, int]  # {table: rows deleted}

# Children before parents, and in the order in which a turn locks, lest the two wait for each other.
SPOKEN = (deliveries, ratings, choices, outbox)
LEFT_BY_TURNS = (tracker_events, assessments, leads, unhandled)
OF_STAFF = (
    *(case_texts, answer_uses, case_facets, case_days, case_tags, case_notes, case_reads, mails),
    *(announcements, cases),
)
# All that there is of one.
ERASED = (*SPOKEN, inbox, *LEFT_BY_TURNS, *OF_STAFF, places, conversations)
# What goes before a lead does; of the words that a search finds, the projector makes those again
# that stay.
TRANSCRIPT = (*SPOKEN, inbox, tracker_events, unhandled, case_texts, answer_uses)


def erase_conversation(connection: Connection, conversation_id: str, channel: str) -> Counts:
    """Delete everything of a conversation; note that it happened, if there was anything."""
    counts = _erase_all(connection, [conversation_id])
    _forget_derived(connection, counts)
    if any(counts.values()):
        _note_erasure(connection, channel, conversation_id)
    news.tell(connection, conversation_id)
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
    _forget_derived(connection, counts)
    mine = inbox.c.conversation_id == conversation_id
    others = delete(inbox).where(mine, inbox.c.id != keep_message_id)
    counts["inbox"] = connection.execute(others).rowcount
    kept = update(inbox).where(mine, inbox.c.id == keep_message_id)
    connection.execute(kept.values(text="", masked=None, error=None))
    connection.execute(
        update(conversations).where(conversations.c.id == conversation_id).values(page=None)
    )
    _note_erasure(connection, channel or "unknown", conversation_id)
    return counts


def erase_result(connection: Connection, page_id: str) -> bool:
    """Delete the assessment that a page shows; whether there was one. Its conversation stays."""
    found = _erase_page(connection, page_id)
    if found is None:
        return False
    _note_erasure(connection, found.channel or "unknown", page_id)
    return True


def _erase_page(connection: Connection, page_id: str) -> Any:
    """Delete the assessment that a page shows; whose it was, or None."""
    shown = assessments.c.page_id == page_id
    same = conversations.c.id == assessments.c.conversation_id
    query = select(assessments.c.conversation_id, conversations.c.channel).where(shown)
    found = connection.execute(query.outerjoin(conversations, same)).one_or_none()
    if not found or not connection.execute(delete(assessments).where(shown)).rowcount:
        return None
    _leave_behind(connection, [found.conversation_id])
    return found


def erase_left_behind(connection: Connection, conversation_id: str) -> Counts:
    """Delete what a turn wrote after its conversation had been erased."""
    counts = {table.name: _delete(connection, table, [conversation_id]) for table in LEFT_BY_TURNS}
    _forget_derived(connection, counts)
    return counts


def erase_expired(connection: Connection, conversation_ids: Sequence[str]) -> Counts:
    """Delete everything of conversations that have been kept long enough; it is not noted."""
    counts = _erase_all(connection, conversation_ids)
    _forget_derived(connection, counts)
    return counts


def erase_transcripts(connection: Connection, conversation_ids: Sequence[str]) -> Counts:
    """Delete what was said in conversations and keep what their leads need.

    The declaration, its consent and its reference stay, the finished assessments without what was
    typed in them, and what staff added. The conversation's row stays too, since its token is how
    the visitor can still erase the rest.
    """
    counts = {table.name: _delete(connection, table, conversation_ids) for table in TRANSCRIPT}
    finished = select(assessments).where(assessments.c.conversation_id.in_(conversation_ids))
    for row in connection.execute(finished).all():
        options = {question: {**data, "text": None} for question, data in row.answers.items()}
        own = update(assessments).where(assessments.c.id == row.id)
        connection.execute(own.values(answers=options))
    own = update(conversations).where(conversations.c.id.in_(conversation_ids))
    connection.execute(own.values(page=None, transcript_erased_at=now()))
    _leave_behind(connection, conversation_ids)
    _forget_derived(connection, counts)
    return counts


def erase_orphans(connection: Connection, before: datetime) -> Counts:
    """Delete what belongs to no conversation any more and is older than that."""
    counts = {
        table.name: connection.execute(delete(table).where(orphaned)).rowcount
        for table, orphaned in _orphaned(before)
    }
    _forget_derived(connection, counts)
    return counts


def count_orphans(connection: Connection, before: datetime) -> Counts:
    """How many rows of each table that would delete."""
    return {
        table.name: connection.execute(select(func.count()).where(orphaned)).scalar_one()
        for table, orphaned in _orphaned(before)
    }


def _orphaned(before: datetime) -> Iterator[tuple[Any, Any]]:
    alive = select(conversations.c.id)
    for table in LEFT_BY_TURNS:
        written_at = table.c.at if table is tracker_events else table.c.created_at
        yield table, and_(written_at < before, table.c.conversation_id.not_in(alive))


def of_conversations(table: Any) -> Any:
    """The column of a table that says of which conversation a row is."""
    return table.c.id if table is conversations else table.c.conversation_id


def _erase_all(connection: Connection, conversation_ids: Sequence[str]) -> Counts:
    mine = select(conversations.c.id).where(conversations.c.id.in_(conversation_ids))
    connection.execute(mine.with_for_update())
    return {table.name: _delete(connection, table, conversation_ids) for table in ERASED}


def _delete(connection: Connection, table: Any, conversation_ids: Sequence[str]) -> int:
    own = delete(table).where(of_conversations(table).in_(conversation_ids))
    return int(connection.execute(own).rowcount)


def _leave_behind(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Cases that are behind what there is now: the projector makes them again from it."""
    behind = update(cases).where(cases.c.conversation_id.in_(conversation_ids))
    connection.execute(behind.values(position=-1))


def _forget_derived(connection: Connection, counts: Counts) -> None:
    """What was made of several conversations forgets what was erased.

    Words that a search found leave its index too, and not only what it finds. A decision about a
    text goes with the last message that said it.
    """
    if counts.get(case_texts.name):
        forget_erased(connection)
    if counts.get(unhandled.name):
        left = select(unhandled.c.key)
        connection.execute(delete(missed_decisions).where(missed_decisions.c.key.not_in(left)))


def add(counts: Counts, more: Counts) -> None:
    """Add to what was counted."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _note_erasure(connection: Connection, channel: str, subject: str) -> None:
    values = {"channel": channel, "at": now(), "subject": _fingerprint(subject)}
    connection.execute(insert(erasures).values(id=str(uuid.uuid4()), **values))


def _fingerprint(subject: str) -> str:
    """What is kept of the id of an erased conversation, or of the page of an erased result: both
    are long and drawn by lot, so that nobody finds them by trying."""
    return hashlib.sha256(subject.encode()).hexdigest()


def list_erasures(connection: Connection) -> list[dict[str, Any]]:
    """Every erasure that says what it was of, as data that can be written as JSON."""
    known = select(erasures).where(erasures.c.subject.is_not(None)).order_by(erasures.c.at)
    return [{**row._mapping, "at": row.at.isoformat()} for row in connection.execute(known)]


def erase_again(connection: Connection, noted: Sequence[Mapping[str, Any]]) -> int:
    """Erase what `list_erasures` told elsewhere and what is not known here to be erased: a backup
    was restored that is older than that. How many erasures were new here.

    A conversation that was erased and went on is erased whole: what is here is from before.
    """
    known = set(connection.execute(select(erasures.c.id)).scalars())
    missing = {row["id"]: row for row in noted if row["id"] not in known}
    subjects = {row["subject"] for row in missing.values()}
    talks = connection.execute(select(conversations.c.id)).scalars()
    gone = [talk for talk in talks if _fingerprint(talk) in subjects]
    pages = connection.execute(select(assessments.c.page_id)).scalars()
    results = [page for page in pages if page and _fingerprint(page) in subjects]
    for talk in gone:
        erase_expired(connection, [talk])
    for page in results:
        _erase_page(connection, page)
    for row in missing.values():
        values = {**row, "at": datetime.fromisoformat(row["at"])}
        connection.execute(insert(erasures).values(**values))
    return len(missing)
