"""The case before and the case after one, in the queue that somebody came from.

Found by where the case stands in the order, not by its page, so that they are there too when the
case has left the tab meanwhile. Called by the page of a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, literal, or_, select
from sqlalchemy.engine import Connection

from mobilis.models import cases
from mobilis.queue import Condition, Filters, conditions, in_tab, order
from mobilis.staff import Person


@dataclass(frozen=True)
class Neighbours:
    """The ids of two cases; empty: there is none."""

    previous: str = ""
    next: str = ""


def neighbours(
    connection: Connection, filters: Filters, person: Person, conversation_id: str
) -> Neighbours:
    """Whose cases stand beside a case under these filters."""
    keys = order(filters.sort)
    here = select(*(column for column, _ in keys)).where(cases.c.conversation_id == conversation_id)
    place = connection.execute(here).one_or_none()
    if place is None:
        return Neighbours()
    found = [*conditions(connection, filters, person), in_tab(filters.tab, person)]
    previous = _nearest(connection, found, [(key, not rises) for key, rises in keys], place)
    return Neighbours(previous, _nearest(connection, found, keys, place))


def _nearest(
    connection: Connection,
    found: Sequence[Condition],
    keys: Sequence[tuple[Any, bool]],
    place: Sequence[Any],
) -> str:
    """The first case after a place, in the order of `keys`."""
    after = []
    same: list[Condition] = []
    for (key, rises), value in zip(keys, place, strict=True):
        beyond = _beyond(key, rises, value)
        if beyond is not None:
            after.append(and_(*same, beyond))
        same.append(key.is_(None) if value is None else key == value)
    sort = [key if rises else key.desc() for key, rises in keys]
    query = select(cases.c.conversation_id).where(*found, or_(*after)).order_by(*sort).limit(1)
    return connection.execute(query).scalar() or ""


def _beyond(key: Any, rises: bool, value: Any) -> Condition | None:
    """What a key must be to stand after a value; None: it cannot. A key that has none, as of what
    is not waited for, is the same for all that stand beside it."""
    if value is None:
        return None
    if isinstance(value, bool):  # whether something is not there: false comes before true
        return key if rises and not value else None if rises or not value else ~key
    return key > literal(value, key.type) if rises else key < literal(value, key.type)
