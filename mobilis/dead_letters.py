"""Messages that could not be shown on Slack or Teams: which, why, and what staff do about them.

Nothing of what they say is in here. Called by the console's page and by the announcements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Row

from mobilis.casework import record
from mobilis.conversations import lock_conversation
from mobilis.errors import ChatError
from mobilis.models import announcements, deliveries, places, slack_installations
from mobilis.staff import Person
from mobilis.store import now

MOST = 200  # that one page shows
LATELY = timedelta(days=30)
# What the platforms and the channels say, by what it means; the first that fits counts.
WHYS = (
    ("gone", r"no working app|app was removed|token_revoked|account_inactive|invalid_auth"),
    ("too_large", r"larger than|msg_too_long|invalid_blocks|answered 413"),
    ("place", r"channel_not_found|is_archived|not_in_channel|message_not_found|answered 404"),
    ("busy", r"rate_?limited|answered 429"),
    ("unreachable", r"does not answer|no answer|no token|answered 5|refuses: 5|unavailable|_error"),
    ("refused", r"refuses|answered 4"),
)


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be delivered; `why` keys a sentence, `error` is for who knows."""

    number: int
    conversation_id: str
    channel: str
    kind: str  # send | update
    at: datetime
    attempts: int
    why: str
    error: str


@dataclass(frozen=True)
class Unsent:
    """An announcement to staff that could not be shown."""

    kind: str
    channel: str
    at: datetime
    why: str
    error: str


@dataclass(frozen=True)
class Removed:
    """A workspace of Slack that has removed the app, or whose token is worth nothing any more."""

    name: str
    at: datetime


def why(error: str) -> str:
    """What the words of a failure mean."""
    return next((name for name, fits in WHYS if re.search(fits, error)), "other")


def read_dead_letters(connection: Connection) -> list[DeadLetter]:
    """Those that nobody has set aside, the newest first."""
    query = (
        select(deliveries, places.c.channel)
        .join(places, places.c.conversation_id == deliveries.c.conversation_id)
        .where(deliveries.c.state == "failed")
        .order_by(deliveries.c.done_at.desc(), deliveries.c.number.desc())
        .limit(MOST)
    )
    return [_dead_letter(row) for row in connection.execute(query)]


def read_unsent(connection: Connection) -> list[Unsent]:
    """The announcements to staff that failed lately, the newest first."""
    failed = select(announcements).where(
        announcements.c.state == "failed", announcements.c.created_at > now() - LATELY
    )
    rows = connection.execute(failed.order_by(announcements.c.number.desc()).limit(MOST))
    return [
        Unsent(row.kind, row.channel, row.created_at, why(row.error or ""), row.error or "")
        for row in rows
    ]


def read_removed(connection: Connection) -> list[Removed]:
    """The workspaces that nothing is sent to any more."""
    gone = select(slack_installations).where(slack_installations.c.gone_at.is_not(None))
    rows: Sequence[Row[Any]] = connection.execute(gone).all()
    return [Removed(row.name, row.gone_at) for row in rows]


def try_again(connection: Connection, person: Person, number: int) -> None:
    """Have it delivered after all, if it can be; one that did not fail stays as it is.

    Raises:
        ChatError: not_found.
    """
    anew = {"state": "pending", "attempts": 0, "due_at": now(), "done_at": None}
    _settle(connection, person, number, "delivery.again", anew)


def set_aside(connection: Connection, person: Person, number: int) -> None:
    """Take it off the list for good; one that did not fail stays as it is.

    Raises:
        ChatError: not_found.
    """
    _settle(connection, person, number, "delivery.set_aside", {"state": "set_aside"})


def _settle(
    connection: Connection, person: Person, number: int, action: str, values: dict[str, Any]
) -> None:
    own = deliveries.c.number == number
    known = connection.execute(select(deliveries).where(own)).one_or_none()
    if known is None or lock_conversation(connection, known.conversation_id) is None:
        raise ChatError("not_found", 404)
    failed = update(deliveries).where(own, deliveries.c.state == "failed")
    if connection.execute(failed.values(**values)).rowcount:
        record(connection, person.id, action, known.conversation_id, {"delivery": number})


def _dead_letter(row: Row[Any]) -> DeadLetter:
    error = row.error or ""
    return DeadLetter(
        number=row.number,
        conversation_id=row.conversation_id,
        channel=row.channel,
        kind=row.kind,
        at=row.done_at or row.due_at,
        attempts=row.attempts,
        why=why(error),
        error=error,
    )
