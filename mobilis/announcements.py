"""What staff are told on Slack or Teams: a new lead, a request for a person, a wait that lasts,
what could not be delivered, an app that is gone.

Each is made in the transaction of its cause, once for each place that is told of them. What is
older than the switching on of a place is not told there. mobilis/bulletins.py shows them;
mobilis/claims.py has what their button does.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, insert, or_, select, tuple_
from sqlalchemy.engine import Connection, Row

from mobilis.models import announcement_targets, announcements, cases
from mobilis.store import now

KINDS = ("lead", "person", "waiting", "undelivered", "mail", "gone")
QUIET_HOURS = 24.0  # a conversation's messages that cannot be delivered are told once in so long

Key = tuple[str, str]  # a channel, and a place in it


def set_targets(connection: Connection, keys: Collection[Key]) -> None:
    """Tell these places, from now on or still, and no others; what those wait for is dropped."""
    key = tuple_(announcement_targets.c.channel, announcement_targets.c.target)
    known = {(row.channel, row.target) for row in connection.execute(select(announcement_targets))}
    gone = known - set(keys)
    if gone:
        connection.execute(delete(announcement_targets).where(key.in_(gone)))
        of_gone = tuple_(announcements.c.channel, announcements.c.target).in_(gone)
        connection.execute(delete(announcements).where(of_gone, announcements.c.state != "sent"))
    for channel, target in sorted(set(keys) - known):
        values = {"channel": channel, "target": target, "since": now()}
        connection.execute(insert(announcement_targets).values(**values))


def is_target(connection: Connection, key: Key) -> bool:
    """Whether a place is told of such things."""
    same = (announcement_targets.c.channel == key[0], announcement_targets.c.target == key[1])
    return connection.execute(select(announcement_targets.c.since).where(*same)).first() is not None


def announce(
    connection: Connection, kind: str, cause: str, at: datetime, conversation_id: str | None = None
) -> None:
    """Tell staff of something that happened at a moment, once for each place."""
    asked = (announcements.c.kind == kind, announcements.c.cause == cause)
    told = select(announcements.c.channel, announcements.c.target).where(*asked)
    known = {(row.channel, row.target) for row in connection.execute(told)}
    since = select(announcement_targets).where(announcement_targets.c.since <= at)
    for row in connection.execute(since).all():
        if (row.channel, row.target) not in known:
            _add(connection, (row.channel, row.target), kind, cause, conversation_id)


def announce_leads(connection: Connection, conversation_id: str, rows: Iterable[Row[Any]]) -> None:
    """Tell of what the visitor of a conversation asked of staff."""
    for row in rows:
        kind = "person" if row.kind == "person" else "lead"
        announce(connection, kind, row.id, row.created_at, conversation_id)


def announce_undelivered(connection: Connection, conversation_id: str, number: int) -> None:
    """Tell that a message could not be delivered; not of each one, where there are many."""
    lately = now() - timedelta(hours=QUIET_HOURS)
    own = (
        announcements.c.conversation_id == conversation_id,
        announcements.c.kind == "undelivered",
    )
    told = select(announcements.c.id).where(*own, announcements.c.created_at > lately)
    if connection.execute(told.limit(1)).first() is None:
        announce(connection, "undelivered", str(number), now(), conversation_id)


def announce_waits(connection: Connection, hours: float) -> None:
    """Tell of the visitors who have waited for longer than that, once each time that they wait."""
    if not hours:
        return
    first = select(announcement_targets.c.since).order_by(announcement_targets.c.since).limit(1)
    since = connection.execute(first).scalar()
    if since is None:
        return
    waiting = select(cases.c.conversation_id, cases.c.waiting_since).where(
        cases.c.waiting_since >= since,
        cases.c.waiting_since <= now() - timedelta(hours=hours),
        cases.c.status != "closed",
        cases.c.merged_into.is_(None),
        or_(cases.c.follow_up_at.is_(None), cases.c.follow_up_at <= now()),  # else it is put off
    )
    for row in connection.execute(waiting).all():
        cause = f"{row.conversation_id}:{row.waiting_since.isoformat()}"
        announce(connection, "waiting", cause, row.waiting_since, row.conversation_id)


def find(connection: Connection, key: Key, announcement_id: str) -> Row[Any] | None:
    """What was told in a place."""
    own = and_(announcements.c.channel == key[0], announcements.c.target == key[1])
    query = select(announcements).where(own, announcements.c.id == announcement_id)
    return connection.execute(query).one_or_none()


def _add(
    connection: Connection, key: Key, kind: str, cause: str, conversation_id: str | None
) -> None:
    moment = now()
    connection.execute(
        insert(announcements).values(
            id=secrets.token_hex(16),
            conversation_id=conversation_id,
            kind=kind,
            cause=cause,
            channel=key[0],
            target=key[1],
            state="pending",
            attempts=0,
            created_at=moment,
            due_at=moment,
            shown_owner="",
            shown_status="",
        )
    )
