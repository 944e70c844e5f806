"""The views of the queue that a person of staff has given a name: each a query of its address.

Nobody sees those of others. Called by the queue's page.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection

from mobilis import audit
from mobilis.errors import StaffError
from mobilis.models import saved_views
from mobilis.staff import Person
from mobilis.store import now

LONGEST_NAME = 80
MOST = 30  # of one person


@dataclass(frozen=True)
class View:
    """A named query of the queue's address."""

    id: str
    name: str
    query: str


def views_of(connection: Connection, person: Person) -> list[View]:
    """The views of a person, by name."""
    query = select(saved_views).where(saved_views.c.staff_id == person.id)
    rows = connection.execute(query.order_by(func.lower(saved_views.c.name)))
    return [View(row.id, row.name, row.query) for row in rows]


def save_view(connection: Connection, person: Person, name: str, query: str) -> None:
    """Keep a view; one of the same name gets the new query.

    Raises:
        StaffError: view_unnamed, view_too_many.
    """
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > LONGEST_NAME:
        raise StaffError("view_unnamed")
    known = {view.name: view.id for view in views_of(connection, person)}
    if name in known:
        own = saved_views.c.id == known[name]
        connection.execute(update(saved_views).where(own).values(query=query, at=now()))
    elif len(known) >= MOST:
        raise StaffError("view_too_many")
    view_id = known.get(name, str(uuid.uuid4()))
    if name not in known:
        row = {"id": view_id, "staff_id": person.id, "name": name, "query": query, "at": now()}
        connection.execute(insert(saved_views).values(**row))
    audit.record(connection, person.id, "view.saved", f"view:{view_id}")


def delete_view(connection: Connection, person: Person, view_id: str) -> bool:
    """Forget a view of the person's; False when there is none of that id."""
    own = (saved_views.c.id == view_id, saved_views.c.staff_id == person.id)
    if not connection.execute(delete(saved_views).where(*own)).rowcount:
        return False
    audit.record(connection, person.id, "view.deleted", f"view:{view_id}")
    return True
