"""What is changed about accounts of staff: by themselves, by admins, by commands. No HTTP.

Every deed is in the audit log, in its own transaction. Nobody changes their own rights, and the
last admin stays.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from mobilis import audit, second_factor
from mobilis.errors import StaffError
from mobilis.models import staff
from mobilis.staff import (
    Person,
    add_person,
    check_role,
    checked_profile,
    end_sessions,
    find_person,
    hash_password,
    person_of,
)
from mobilis.store import now

ONE_TIME_LASTS = timedelta(days=7)
FIRST_ADMIN = "admin@mobilis.localhost"


def invite(
    connection: Connection,
    by: str,
    *,
    email: str,
    name: str,
    role: str,
    language: str = "fr",
    with_password: bool = True,
) -> tuple[Person, str]:
    """A new account, and its one-time password (empty: comes in through the provider alone).

    Args:
        by: the id of the admin, or `audit.COMMAND`.

    Raises:
        StaffError: something about it will not do.
    """
    person = add_person(connection, email=email, name=name, role=role, language=language)
    detail = {"role": role, "password": with_password}
    audit.record(connection, by, "staff.invited", _subject(person.id), detail)
    return person, _give_password(connection, person.id) if with_password else ""


def first_admin(connection: Connection) -> str | None:
    """On a database without staff: an admin; the one-time password. None where there are some."""
    if connection.execute(select(func.count()).select_from(staff)).scalar_one():
        return None
    _, password = invite(
        connection, audit.COMMAND, email=FIRST_ADMIN, name="Admin", role="admin", language="fr"
    )
    return password


def change_profile(connection: Connection, person: Person, name: str, language: str) -> None:
    """Their own name and language.

    Raises:
        StaffError: one will not do.
    """
    _set(connection, person.id, **checked_profile(name, language))
    audit.record(connection, person.id, "staff.profile", _subject(person.id))


def choose_password(connection: Connection, person: Person, hashed: str) -> None:
    """A password of their own (already hashed), in place of the one before. Ends all sessions."""
    _set(connection, person.id, password_hash=hashed, one_time_until=None)
    end_sessions(connection, person.id)
    audit.record(connection, person.id, "staff.password", _subject(person.id))


def change_role(connection: Connection, by: Person, staff_id: str, role: str) -> None:
    """Another role. Ends all sessions.

    Raises:
        StaffError: role, own, last_admin or unknown.
    """
    check_role(role)
    person = _another(connection, by, staff_id)
    if role != "admin":
        _leave_an_admin(connection, staff_id)
    _set(connection, staff_id, role=role)
    end_sessions(connection, staff_id)
    detail = {"from": person.role, "to": role}
    audit.record(connection, by.id, "staff.role", _subject(staff_id), detail)


def set_active(connection: Connection, by: Person, staff_id: str, active: bool) -> None:
    """Close an account, or open it again. Ends all sessions.

    Raises:
        StaffError: own, last_admin or unknown.
    """
    _another(connection, by, staff_id)
    if not active:
        _leave_an_admin(connection, staff_id)
    _set(connection, staff_id, active=active, failures=0, locked_until=None)
    end_sessions(connection, staff_id)
    action = "staff.opened" if active else "staff.closed"
    audit.record(connection, by.id, action, _subject(staff_id))


def reset_password(connection: Connection, by: Person | None, staff_id: str) -> str:
    """A one-time password in place of the one before; ends all sessions and a lock.

    Args:
        by: the admin; None: a command.

    Raises:
        StaffError: own or unknown.
    """
    if by is not None:
        _another(connection, by, staff_id)
    end_sessions(connection, staff_id)
    actor = by.id if by else audit.COMMAND
    audit.record(connection, actor, "staff.password_reset", _subject(staff_id))
    return _give_password(connection, staff_id)


def reset_second_factor(connection: Connection, by: Person | None, staff_id: str) -> None:
    """No second factor until they set it up again; ends all sessions.

    Raises:
        StaffError: own or unknown.
    """
    if by is not None:
        _another(connection, by, staff_id)
    second_factor.switch_off(connection, staff_id)
    end_sessions(connection, staff_id)
    actor = by.id if by else audit.COMMAND
    audit.record(connection, actor, "staff.second_factor_reset", _subject(staff_id))


def sign_out_everywhere(connection: Connection, by: Person, staff_id: str) -> None:
    """End all sessions of someone.

    Raises:
        StaffError: unknown.
    """
    _known(connection, staff_id)
    end_sessions(connection, staff_id)
    audit.record(connection, by.id, "staff.sessions_ended", _subject(staff_id))


def _give_password(connection: Connection, staff_id: str) -> str:
    password = secrets.token_urlsafe(15)
    _set(
        connection,
        staff_id,
        password_hash=hash_password(password),
        one_time_until=now() + ONE_TIME_LASTS,
        failures=0,
        locked_until=None,
    )
    return password


def _another(connection: Connection, by: Person, staff_id: str) -> Person:
    """Somebody else than who asks."""
    if by.id == staff_id:
        raise StaffError("own")
    return _known(connection, staff_id)


def _known(connection: Connection, staff_id: str) -> Person:
    person = find_person(connection, staff_id)
    if person is None:
        raise StaffError("unknown")
    return person


def _leave_an_admin(connection: Connection, staff_id: str) -> None:
    """Two admins who take each other's rights away at once wait for each other here."""
    admins = select(staff).where(staff.c.role == "admin", staff.c.active.is_(True))
    rows = connection.execute(admins.order_by(staff.c.id).with_for_update()).all()
    if {person_of(row).id for row in rows} <= {staff_id}:
        raise StaffError("last_admin")


def _set(connection: Connection, staff_id: str, **values: Any) -> None:
    connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))


def _subject(staff_id: str) -> str:
    return f"staff:{staff_id}"
