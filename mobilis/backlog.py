"""What waits to be done, for how long, and what was given up: the queues of the database.

Counts alone. Called for metrics (mobilis/web/gauges.py) and by `mobilis doctor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.expression import FromClause

from mobilis.models import announcements, deliveries, inbox, mails, outbox
from mobilis.store import now

OPEN = ("pending", "sending")


@dataclass(frozen=True)
class Waiting:
    """What waits in one queue; `oldest` is the seconds since the first of it came."""

    queue: str  # messages | deliveries | announcements | mails
    count: int
    oldest: float


def read_waiting(connection: Connection) -> list[Waiting]:
    """Every queue: messages for the brain, deliveries, announcements to staff, e-mails."""
    said = deliveries.join(outbox, outbox.c.id == deliveries.c.message_id)
    return [
        _waiting(connection, "messages", inbox, inbox.c.at, inbox.c.state == "pending"),
        _waiting(connection, "deliveries", said, outbox.c.at, deliveries.c.state.in_(OPEN)),
        _waiting(
            connection,
            "announcements",
            announcements,
            announcements.c.created_at,
            announcements.c.state.in_(OPEN),
        ),
        _waiting(
            connection, "mails", mails, mails.c.created_at, mails.c.state.in_(("queued", "sending"))
        ),
    ]


def read_dead(connection: Connection) -> dict[str, int]:
    """How many were given up in each queue, and that nobody has set aside."""
    asked = {
        "deliveries": deliveries.c.state == "failed",
        "announcements": announcements.c.state == "failed",
        "mails": mails.c.state == "failed",
    }
    return {name: _count(connection, failed) for name, failed in asked.items()}


def _waiting(
    connection: Connection,
    queue: str,
    source: FromClause,
    since: Column[Any],
    is_open: ColumnElement[Any],
) -> Waiting:
    query = select(func.count(), func.min(since)).select_from(source).where(is_open)
    count, first = connection.execute(query).one()
    return Waiting(queue, count, _age(first))


def _age(moment: datetime | None) -> float:
    return max(0.0, (now() - moment).total_seconds()) if moment else 0.0


def _count(connection: Connection, condition: ColumnElement[Any]) -> int:
    return int(connection.execute(select(func.count()).where(condition)).scalar_one())
