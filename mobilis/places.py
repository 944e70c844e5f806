"""Places: where a conversation happens on a platform that messages are pushed to (Slack, Teams).

A place is a direct message, or a thread together with the person: no two of them share a
conversation. Its key says which; its reference is what the platform needs to be written to. Called
by the channels of the front door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import Connection, Row

from mobilis.conversations import open_conversation
from mobilis.models import conversations, places

KEY_LENGTH = 255


@dataclass(frozen=True)
class Place:
    """Where a conversation happens. `workspace` is Slack's team, or the tenant of Teams."""

    channel: str
    key: str
    workspace: str
    reference: Mapping[str, Any]


@dataclass(frozen=True)
class Meeting:
    """The conversation of a place; `is_new` when it has just been opened."""

    conversation_id: str
    language: str
    is_new: bool


def meet(connection: Connection, place: Place, language: str) -> Meeting:
    """The conversation of a place, opened in a language when there is none yet.

    A new one begins with a greeting, as everywhere. The reference that is given last is kept,
    since platforms change theirs. On PostgreSQL, two first messages at once are one after the
    other: the second waits for the first, and finds its conversation.

    Raises:
        ValueError: the key is too long.
    """
    if not 0 < len(place.key) <= KEY_LENGTH:
        raise ValueError("the key of a place has 1 to 255 characters")
    _wait_for_the_others(connection, place)
    known = find(connection, place.channel, place.key)
    if known is None:
        opened = open_conversation(connection, language, place.channel)
        connection.execute(
            insert(places).values(
                conversation_id=opened.conversation_id,
                channel=place.channel,
                key=place.key,
                workspace=place.workspace,
                reference=dict(place.reference),
            )
        )
        return Meeting(opened.conversation_id, language, True)
    if known.reference != place.reference:
        own = places.c.conversation_id == known.conversation_id
        connection.execute(update(places).where(own).values(reference=dict(place.reference)))
    return Meeting(known.conversation_id, known.language, False)


def find(connection: Connection, channel: str, key: str) -> Row[Any] | None:
    """The place of a key with its conversation's language; None when nothing was said there."""
    query = (
        select(places, conversations.c.language)
        .join(conversations, conversations.c.id == places.c.conversation_id)
        .where(places.c.channel == channel, places.c.key == key)
    )
    return connection.execute(query).one_or_none()


def place_of(connection: Connection, conversation_id: str) -> Place | None:
    """Where a conversation happens; None when it is on no such platform, or gone."""
    query = select(places).where(places.c.conversation_id == conversation_id)
    row = connection.execute(query).one_or_none()
    return Place(row.channel, row.key, row.workspace, row.reference) if row else None


def _wait_for_the_others(connection: Connection, place: Place) -> None:
    """(A writing transaction of SQLite is alone already.)"""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
        connection.execute(lock, {"name": f"mobilis.place.{place.channel}.{place.key}"})
