"""People of staff: accounts, roles, passwords, sessions. No HTTP.

A role holds the rights of those before it. Passwords are argon2id; five failures in a row lock an
account for a while, and whoever tries is told nothing of it: a wrong password, a locked account and
an unknown address look alike and take as long. What admins change is in mobilis/accounts.py.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from mobilis.content import LANGUAGES
from mobilis.errors import StaffError
from mobilis.models import staff, staff_sessions, staff_sign_ins
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
TOUCH_EVERY = timedelta(minutes=1)
SIGN_IN_LASTS = timedelta(minutes=10)  # from the password to the code
NAME_LENGTH = 120

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
    must_choose_password: bool = False

    def may(self, right: str) -> bool:
        """Whether the role holds a right; an unknown role or right holds nothing."""
        return self.active and right in RIGHTS.get(self.role, frozenset())


@dataclass(frozen=True)
class Account:
    """What an admin sees of someone's account."""

    person: Person
    created_at: datetime
    signed_in_at: datetime | None
    locked: bool
    provider: str | None
    sessions: int


@dataclass(frozen=True)
class Session:
    """A person's session; `csrf` must come back with every form."""

    id: str
    person: Person
    csrf: str = field(repr=False)
    last_at: datetime


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
    check_role(role)
    values = checked_profile(name, language)
    if find_by_email(connection, email):
        raise StaffError("taken")
    staff_id = str(uuid.uuid4())
    account = {
        "id": staff_id,
        "email": email,
        "role": role,
        **values,
        "password_hash": hash_password(password) if password is not None else None,
        "created_at": now(),
    }
    connection.execute(insert(staff).values(**account))
    return _required(connection, staff_id)


def check_role(role: str) -> None:
    """Raise `StaffError` for a role that there is not."""
    if role not in RIGHTS:
        raise StaffError("role")


def checked_profile(name: str, language: str) -> dict[str, str]:
    """What people may say of themselves, ready to be kept.

    Raises:
        StaffError: the name or the language will not do.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise StaffError("name")
    if language not in LANGUAGES:
        raise StaffError("language")
    return {"name": name, "language": language}


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


def known_hash(connection: Connection, email: str) -> str:
    """What a password for an address must match: for one that nobody has, what nothing matches."""
    query = select(staff.c.password_hash).where(staff.c.email == email.strip().lower())
    return connection.execute(query).scalar_one_or_none() or _nobodys_hash()


def is_password(known: str, password: str) -> bool:
    """Whether a password is the one of a hash. Takes its time and 64 MB, so no transaction should
    wait for it."""
    try:
        return _hasher().verify(known, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def settle_password(connection: Connection, email: str, proven: str | None) -> Person | None:
    """Whose address this is, once a password has matched the hash `proven`; None, and no hint why,
    when it matched none, the account is locked or closed, or the password has changed meanwhile.

    Counts the failure. They are forgotten when someone is in (`note_sign_in`), not before: who has
    the password must not get more tries for the code by it.
    """
    row = connection.execute(
        select(staff).where(staff.c.email == email.strip().lower()).with_for_update()
    ).one_or_none()
    if row is None or is_locked(row):
        return None
    right = proven is not None and proven == row.password_hash
    past = row.one_time_until is not None and row.one_time_until <= now()
    if not right or past or not row.active:
        count_failure(connection, row)
        return None
    return person_of(row)


def is_locked(row: Row[Any]) -> bool:
    """Whether an account refuses whatever comes, for a while."""
    return row.locked_until is not None and row.locked_until > now()


def count_failure(connection: Connection, row: Row[Any]) -> None:
    """Count a wrong password or code; the last one that is allowed locks the account."""
    values: dict[str, Any] = {"failures": row.failures + 1}
    if row.failures + 1 >= MOST_FAILURES:
        values = {"failures": 0, "locked_until": now() + LOCKED_FOR}
    connection.execute(update(staff).where(staff.c.id == row.id).values(**values))


def note_sign_in(connection: Connection, staff_id: str) -> None:
    """Somebody is in: earlier failures count no more."""
    values = {"failures": 0, "locked_until": None, "signed_in_at": now()}
    connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))


def open_session(connection: Connection, person: Person) -> str:
    """A new session; what the cookie is to hold. Only its hash is kept. Ended ones are swept."""
    token = secrets.token_urlsafe(32)
    moment = now()
    connection.execute(
        delete(staff_sessions).where(
            or_(
                staff_sessions.c.last_at <= moment - IDLE,
                staff_sessions.c.created_at <= moment - LONGEST,
            )
        )
    )
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
        .with_only_columns(
            staff_sessions.c.id.label("session_id"),
            staff_sessions.c.csrf,
            staff_sessions.c.last_at,
            *staff.c,
        )
    ).one_or_none()
    return Session(row.session_id, person_of(row), row.csrf, row.last_at) if row else None


def touch_session(connection: Connection, session: Session) -> None:
    """Note that a session is in use."""
    used = update(staff_sessions).where(staff_sessions.c.id == session.id)
    connection.execute(used.values(last_at=now()))


def end_session(connection: Connection, session_id: str) -> None:
    """End one session."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.id == session_id))


def end_sessions(connection: Connection, staff_id: str) -> None:
    """End all sessions of a person, and sign-ins half-way: the password or the role has changed."""
    for table in (staff_sessions, staff_sign_ins):
        connection.execute(delete(table).where(table.c.staff_id == staff_id))


def begin_sign_in(connection: Connection, person: Person) -> str:
    """The password was right, the code is waited for; what the cookie is to hold meanwhile."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        delete(staff_sign_ins).where(staff_sign_ins.c.created_at <= now() - SIGN_IN_LASTS)
    )
    values = {"id": hash_token(token), "staff_id": person.id, "created_at": now()}
    connection.execute(insert(staff_sign_ins).values(**values))
    return token


def find_sign_in(connection: Connection, token: str) -> Person | None:
    """Whose sign-in waits for a code."""
    row = connection.execute(
        select(staff)
        .join(staff_sign_ins, staff_sign_ins.c.staff_id == staff.c.id)
        .where(
            staff_sign_ins.c.id == hash_token(token),
            staff_sign_ins.c.created_at > now() - SIGN_IN_LASTS,
            staff.c.active.is_(True),
        )
    ).one_or_none()
    return person_of(row) if row else None


def end_sign_in(connection: Connection, token: str) -> None:
    """The code was right, or the sign-in is given up."""
    connection.execute(delete(staff_sign_ins).where(staff_sign_ins.c.id == hash_token(token)))


def find_by_email(connection: Connection, email: str) -> Person | None:
    """The person of that address."""
    query = select(staff).where(staff.c.email == email.strip().lower())
    row = connection.execute(query).one_or_none()
    return person_of(row) if row else None


def find_person(connection: Connection, staff_id: str) -> Person | None:
    """The person of that id."""
    row = connection.execute(select(staff).where(staff.c.id == staff_id)).one_or_none()
    return person_of(row) if row else None


def everyone(connection: Connection) -> list[Person]:
    """All of staff, those who left included, by name."""
    return [person_of(row) for row in connection.execute(select(staff).order_by(staff.c.name))]


def all_accounts(connection: Connection) -> list[Account]:
    """The account of everyone, by name."""
    return [_account(row) for row in connection.execute(_accounts().order_by(staff.c.name))]


def find_account(connection: Connection, staff_id: str) -> Account | None:
    """The account of that id."""
    row = connection.execute(_accounts().where(staff.c.id == staff_id)).one_or_none()
    return _account(row) if row else None


def _accounts() -> Any:
    moment = now()
    sessions = (
        select(func.count())
        .select_from(staff_sessions)
        .where(
            staff_sessions.c.staff_id == staff.c.id,
            staff_sessions.c.last_at > moment - IDLE,
            staff_sessions.c.created_at > moment - LONGEST,
        )
        .scalar_subquery()
    )
    return select(*staff.c, sessions.label("sessions"))


def _account(row: Row[Any]) -> Account:
    return Account(
        person=person_of(row),
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
        locked=is_locked(row),
        provider=row.provider,
        sessions=row.sessions,
    )


def _required(connection: Connection, staff_id: str) -> Person:
    person = find_person(connection, staff_id)
    assert person is not None
    return person


def person_of(row: Row[Any]) -> Person:
    """The person of a row of the table."""
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        language=row.language,
        active=row.active,
        has_password=row.password_hash is not None,
        has_second_factor=row.totp_secret is not None,
        must_choose_password=row.one_time_until is not None,
    )
