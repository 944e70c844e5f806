"""People of staff: accounts, roles, passwords, sessions. No HTTP.

A role holds the rights of those before it. Passwords are argon2id; five failures in a row lock an
account for a while, and whoever tries is told nothing of it: a wrong password, a locked account and
an unknown address look alike and take as long.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from mobilis.content import LANGUAGES
from mobilis.errors import StaffError
from mobilis.models import staff, staff_sessions
from mobilis.store import now

# What each role may do. "read": the queue and cases, personal data masked; "act": everything about
# cases, personal data seen; "export": files; "admin": people, the audit log, erasing.
RIGHTS: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({"read"}),
    "triager": frozenset({"read", "act"}),
    "exporter": frozenset({"read", "act", "export"}),
    "admin": frozenset({"read", "act", "export", "admin"}),
}
PASSWORD_LENGTH = 12
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
IDLE = timedelta(hours=8)
LONGEST = timedelta(hours=24)

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Person:
    """Someone of staff who is signed in or looked at."""

    id: str
    email: str
    name: str
    role: str
    language: str
    active: bool = True
    has_password: bool = True
    has_second_factor: bool = False

    def may(self, right: str) -> bool:
        """Whether the role holds a right; an unknown role or right holds nothing."""
        return self.active and right in RIGHTS.get(self.role, frozenset())


@dataclass(frozen=True)
class Session:
    """A person's session; `csrf` must come back with every form."""

    id: str
    person: Person
    csrf: str


def add_person(
    connection: Connection,
    *,
    email: str,
    name: str,
    role: str,
    language: str = "fr",
    password: str | None = None,
) -> Person:
    """A new account; without a password, for a provider's sign-in only.

    Raises:
        StaffError: the address, the role, the language or the password will not do, or the
            address is taken.
    """
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise StaffError("email")
    if role not in RIGHTS:
        raise StaffError("role")
    if language not in LANGUAGES:
        raise StaffError("language")
    if not name.strip():
        raise StaffError("name")
    if find_by_email(connection, email):
        raise StaffError("taken")
    staff_id = str(uuid.uuid4())
    values = {
        "id": staff_id,
        "email": email,
        "name": name.strip(),
        "role": role,
        "language": language,
        "password_hash": hash_password(password) if password is not None else None,
        "created_at": now(),
    }
    connection.execute(insert(staff).values(**values))
    return _required(connection, staff_id)


def hash_password(password: str) -> str:
    """What is kept of a password.

    Raises:
        StaffError: it is too short.
    """
    if len(password) < PASSWORD_LENGTH:
        raise StaffError("password")
    return _hasher().hash(password)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the parameters of RFC 9106 for low memory


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe())


def check_password(connection: Connection, email: str, password: str) -> Person | None:
    """Whose address and password these are; None, and no hint why, when they are nobody's.

    Counts the failure. Must run in a writing transaction that is committed either way.
    """
    row = connection.execute(
        select(staff).where(staff.c.email == email.strip().lower()).with_for_update()
    ).one_or_none()
    known = row.password_hash if row and row.password_hash else _nobodys_hash()
    right = _matches(known, password)
    if row is None:
        return None
    moment = now()
    locked = row.locked_until is not None and row.locked_until > moment
    if not right or locked or not row.active or not row.password_hash:
        if not locked:
            _count_failure(connection, row, moment)
        return None
    _forget_failures(connection, row.id)
    return _person(row)


def _matches(known: str, password: str) -> bool:
    try:
        return _hasher().verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


def _count_failure(connection: Connection, row: Row[Any], moment: datetime) -> None:
    failures = row.failures + 1
    values: dict[str, Any] = {"failures": failures}
    if failures >= MOST_FAILURES:
        values = {"failures": 0, "locked_until": moment + LOCKED_FOR}
    connection.execute(update(staff).where(staff.c.id == row.id).values(**values))


def _forget_failures(connection: Connection, staff_id: str) -> None:
    values = {"failures": 0, "locked_until": None, "signed_in_at": now()}
    connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))


def open_session(connection: Connection, person: Person) -> str:
    """A new session; what the cookie is to hold. Only its hash is kept."""
    token = secrets.token_urlsafe(32)
    moment = now()
    connection.execute(
        insert(staff_sessions).values(
            id=hash_token(token),
            staff_id=person.id,
            csrf=secrets.token_urlsafe(32),
            created_at=moment,
            last_at=moment,
        )
    )
    return token


def hash_token(token: str) -> str:
    """What is stored of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find_session(connection: Connection, token: str) -> Session | None:
    """The session that a cookie opens, unless it has ended or its person may not come any more."""
    moment = now()
    row = connection.execute(
        select(staff_sessions, staff)
        .join(staff, staff.c.id == staff_sessions.c.staff_id)
        .where(
            staff_sessions.c.id == hash_token(token),
            staff_sessions.c.last_at > moment - IDLE,
            staff_sessions.c.created_at > moment - LONGEST,
            staff.c.active.is_(True),
        )
        .with_only_columns(staff_sessions.c.id.label("session_id"), staff_sessions.c.csrf, *staff.c)
    ).one_or_none()
    return Session(row.session_id, _person(row), row.csrf) if row else None


def touch_session(connection: Connection, session: Session) -> None:
    """Note that a session is in use."""
    used = update(staff_sessions).where(staff_sessions.c.id == session.id)
    connection.execute(used.values(last_at=now()))


def end_session(connection: Connection, session_id: str) -> None:
    """End one session."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.id == session_id))


def end_sessions(connection: Connection, staff_id: str) -> None:
    """End all sessions of a person: the password or the role has changed."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))


def find_by_email(connection: Connection, email: str) -> Person | None:
    """The person of that address."""
    query = select(staff).where(staff.c.email == email.strip().lower())
    row = connection.execute(query).one_or_none()
    return _person(row) if row else None


def find_person(connection: Connection, staff_id: str) -> Person | None:
    """The person of that id."""
    row = connection.execute(select(staff).where(staff.c.id == staff_id)).one_or_none()
    return _person(row) if row else None


def everyone(connection: Connection) -> list[Person]:
    """All of staff, those who left included, by name."""
    return [_person(row) for row in connection.execute(select(staff).order_by(staff.c.name))]


def _required(connection: Connection, staff_id: str) -> Person:
    person = find_person(connection, staff_id)
    assert person is not None
    return person


def _person(row: Row[Any]) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        language=row.language,
        active=row.active,
        has_password=row.password_hash is not None,
        has_second_factor=row.totp_secret is not None,
    )
