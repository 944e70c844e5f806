"""The history of what admins edit in the console: who changed what, when, and undoing it.

What can be edited is a `Kind`; its state is a flat JSON object, or none where there is nothing.
mobilis/coaches.py and mobilis/notices.py have their kinds, and go through `change`. Each change is
noted in the audit log too, without what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.engine import Connection, Row

from mobilis import audit
from mobilis.errors import EditError
from mobilis.models import edits
from mobilis.store import now

State = Mapping[str, Any]
Difference = tuple[str, Any, Any]  # a field, its value before, and after


@dataclass(frozen=True)
class Kind:
    """Something that can be edited.

    `read` gives the state of what a key names, `write` makes it so; `check` raises `EditError` for
    a state that may not come back by undoing.
    """

    name: str
    read: Callable[[Connection, str], State | None]
    write: Callable[[Connection, str, State | None], None]
    check: Callable[[Connection, str, State | None], None]


@dataclass(frozen=True)
class Edit:
    """One change. `before` and `after` are none where there was nothing."""

    id: int
    kind: str
    key: str
    before: State | None
    after: State | None
    at: datetime
    actor: str  # the id of someone of staff, or "command"
    undoes: int | None = None

    @property
    def deed(self) -> str:
        """What was done: added, removed or changed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def differences(self) -> list[Difference]:
        """The fields that the change gave another value."""
        return compare(self.before, self.after)


def compare(before: State | None, after: State | None) -> list[Difference]:
    """The fields in which two states differ."""
    before, after = before or {}, after or {}
    return [
        (field, before.get(field), after.get(field))
        for field in dict.fromkeys((*before, *after))
        if before.get(field) != after.get(field)
    ]


def hold(connection: Connection) -> None:
    """Have one edit follow the other. (A writing transaction of SQLite is alone already.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('mobilis.edits'))"))


def revision(connection: Connection, kind: str, key: str) -> int:
    """The number of the last change of something, which a form carries as `seen`; 0: none yet."""
    query = select(func.max(edits.c.id)).where(edits.c.kind == kind, edits.c.key == key)
    return int(connection.execute(query).scalar() or 0)


def newest(connection: Connection, kind: str) -> int:
    """The number of the last change of anything of a kind; 0: none yet."""
    query = select(func.max(edits.c.id)).where(edits.c.kind == kind)
    return int(connection.execute(query).scalar() or 0)


def check_seen(connection: Connection, kind: str, key: str, seen: str) -> None:
    """Refuse a change made to an older state than the present one.

    Raises:
        EditError: stale.
    """
    hold(connection)
    if seen != str(revision(connection, kind, key)):
        raise EditError("stale")


def change(
    connection: Connection,
    kind: Kind,
    actor: str,
    key: str,
    after: State | None,
    undoes: int | None = None,
) -> int | None:
    """Make a state so, and note it here and in the audit log.

    Returns:
        The number of the change; None when everything was so already.
    """
    edit = keep(connection, kind, actor, key, after, undoes)
    if edit is not None:
        detail = {"edit": edit, **({"undoes": undoes} if undoes else {})}
        audit.record(connection, actor, f"{kind.name}.edited", f"{kind.name}:{key}", detail)
    return edit


def keep(
    connection: Connection,
    kind: Kind,
    actor: str,
    key: str,
    after: State | None,
    undoes: int | None = None,
) -> int | None:
    """The same without the audit log, for whoever notes many changes there as one deed."""
    hold(connection)
    before = kind.read(connection, key)
    if before == after:
        return None
    kind.write(connection, key, after)
    values = {"kind": kind.name, "key": key, "before": before, "after": after, "undoes": undoes}
    added = connection.execute(insert(edits).values(**values, actor=actor, at=now()))
    return int(added.inserted_primary_key[0])


def undo(connection: Connection, kinds: Mapping[str, Kind], actor: str, edit_id: int) -> Edit:
    """Give what a change altered its earlier values again, as a change of its own; the undone one.

    Raises:
        EditError: unknown; changed_since, when a field that it altered has another value by now;
            or what the kind's `check` says.
    """
    hold(connection)
    row = connection.execute(select(edits).where(edits.c.id == edit_id)).one_or_none()
    if row is None or row.kind not in kinds:
        raise EditError("unknown")
    edit, kind = _from_row(row), kinds[row.kind]
    state = restored(edit, kind.read(connection, edit.key))
    kind.check(connection, edit.key, state)
    change(connection, kind, actor, edit.key, state, undoes=edit.id)
    return edit


def restored(edit: Edit, current: State | None) -> State | None:
    """What undoing a change makes of the present state: other fields stay as they are.

    Raises:
        EditError: changed_since.
    """
    if edit.before is None or edit.after is None or current is None:
        if current != edit.after:
            raise EditError("changed_since")
        return edit.before
    if any(current.get(field) != after for field, _, after in edit.differences):
        raise EditError("changed_since")
    return {**current, **{field: before for field, before, _ in edit.differences}}


def find(
    connection: Connection, most: int, kind: str = "", key: str = "", before: int = 0
) -> list[Edit]:
    """The newest changes, all or of a kind or of one key; with numbers below `before`, if given."""
    query = select(edits).order_by(edits.c.id.desc()).limit(most)
    conditions = (
        (kind, edits.c.kind == kind),
        (key, edits.c.key == key),
        (before, edits.c.id < before),
    )
    for asked, condition in conditions:
        if asked:
            query = query.where(condition)
    return [_from_row(row) for row in connection.execute(query)]


def forget(connection: Connection, kind: str, key: str) -> int:
    """Erase all changes of something; how many there were."""
    own = (edits.c.kind == kind, edits.c.key == key)
    return int(connection.execute(delete(edits).where(*own)).rowcount)


def _from_row(row: Row[Any]) -> Edit:
    return Edit(**row._mapping)
