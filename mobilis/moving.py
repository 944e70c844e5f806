"""What is personal leaves a public place for a private one: the assessment, somebody's details.

On Slack and Teams others read along in channels and groups. What is asked there is answered there,
but a question of the assessment or a form is asked in a direct message, by saying again there what
led to it; where it began, it is ended unseen. Use cases, each inside a transaction of its caller.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from mobilis.content import LANGUAGES, fresh_content
from mobilis.conversations import Message, receive_opening, receive_text
from mobilis.models import inbox, outbox
from mobilis.openings import Opening
from mobilis.places import Place, find, meet
from mobilis.settings import ROOT

LONGEST_ID = 64  # characters
KINDS = ("question", "form")  # of messages that are not to be answered before others
MOVED = "moved-"  # what begins the id of a message that is said again
LEAVING = "leaving-"  # what begins the id of a message that only ends a dialogue


@dataclass(frozen=True)
class Said:
    """How a message came to be said: the id and the kind of what it answers, whether something
    personal follows it in the same answer, and whether anything was said before it."""

    in_reply_to: str = ""
    kind: str = ""
    leads_on: bool = False
    is_first: bool = True


def is_personal(message: Message) -> bool:
    """Whether a message asks something that is not to be answered before others."""
    return message["kind"] in KINDS


def is_greeting(said: Said) -> bool:
    """Whether a message only greets."""
    return said.kind == "opened"


def is_late_greeting(said: Said) -> bool:
    """Whether it greets somebody who was already told something, such as that a form arrived."""
    return is_greeting(said) and not said.is_first


def is_unseen(message: Message, said: Said) -> bool:
    """Whether a message has no place before others: the answer to what only ends a dialogue, and
    what leads to something personal, with which it moves."""
    introduces = said.leads_on and message["kind"] == "text" and "lead" not in message
    return said.in_reply_to.startswith(LEAVING) or introduces


def how_said(connection: Connection, message_id: str) -> Said:
    """How a message to a visitor came to be said."""
    row, asked = _answer_to(connection, message_id)
    if asked is None:
        return Said()
    later = select(outbox.c.content).where(
        outbox.c.conversation_id == row.conversation_id,
        outbox.c.in_reply_to == asked.id,
        outbox.c.position > row.position,
    )
    kinds = [content["kind"] for content in connection.scalars(later)]
    earlier = select(outbox.c.id).where(
        outbox.c.conversation_id == row.conversation_id, outbox.c.position < row.position
    )
    is_first = connection.execute(earlier.limit(1)).first() is None
    return Said(asked.id, asked.kind, any(kind in KINDS for kind in kinds), is_first)


def move(connection: Connection, message_id: str, personal: Place) -> list[str]:
    """Say again in a private place what led to a message in public, and end it there, unseen.

    Returns:
        The two conversations; none when what was asked is erased, or nobody asked.
    """
    row, asked = _answer_to(connection, message_id)
    if asked is None:
        return []
    meeting = meet(connection, as_known(connection, personal), asked.language)
    again = _derived(MOVED, asked.id)
    if asked.payload:
        opening = Opening(asked.payload, dict.fromkeys(LANGUAGES, asked.text))
        receive_opening(connection, meeting.conversation_id, again, opening)
    else:
        receive_text(connection, meeting.conversation_id, again, asked.text)
    leave(connection, message_id)
    return [meeting.conversation_id, row.conversation_id]


def leave(connection: Connection, message_id: str) -> None:
    """End what a message in public belongs to; what is answered to that is not shown."""
    row, asked = _answer_to(connection, message_id)
    if asked is not None:
        stop = Opening("/stop", fresh_content(ROOT).choices["stop"])
        receive_opening(connection, row.conversation_id, _derived(LEAVING, asked.id), stop)


def as_known(connection: Connection, place: Place) -> Place:
    """A place; one that is known keeps what was last told of it."""
    known = find(connection, place.channel, place.key)
    return replace(place, reference=known.reference) if known else place


def _derived(prefix: str, message_id: str) -> str:
    """An id that is always the same for a message, of at most 64 characters as all are."""
    if len(prefix) + len(message_id) > LONGEST_ID:
        message_id = hashlib.sha256(message_id.encode()).hexdigest()[:40]
    return prefix + message_id


def _answer_to(connection: Connection, message_id: str) -> tuple[Any, Any]:
    """The row of a message to a visitor, and of what it answers; None where there is none."""
    row = connection.execute(select(outbox).where(outbox.c.id == message_id)).one_or_none()
    if row is None:
        return None, None
    query = select(inbox).where(
        inbox.c.conversation_id == row.conversation_id, inbox.c.id == row.in_reply_to
    )
    return row, connection.execute(query).one_or_none()
