"""Whom an OpenID Connect provider has signed in: the account that is theirs. No HTTP.

The provider's name for someone (`sub`) decides; their address does so once, the first time, and
only when the provider vouches for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Row

from mobilis import audit
from mobilis.content import LANGUAGES
from mobilis.errors import StaffError
from mobilis.models import staff
from mobilis.staff import NAME_LENGTH, Person, add_person, find_person, person_of

GOOGLE = "https://accounts.google.com"


@dataclass(frozen=True)
class Identity:
    """What a provider's ID token says of someone."""

    issuer: str
    subject: str
    email: str
    vouched: bool  # the provider has checked that the address is theirs
    name: str
    language: str
    hosted: str  # the domain whose member they are, where the provider says so (Google's `hd`)

    @property
    def domain(self) -> str:
        """The domain that lets a newcomer in. Google vouches for the addresses of its own Workspace
        domains for good, and for others only as they were when the account was made."""
        return self.hosted if self.issuer == GOOGLE else self.email.rpartition("@")[2]


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The identity in checked claims.

    Entra says `xms_edov` (the domain of the address is the tenant's own, verified) where others say
    `email_verified`.
    """
    email = _text(claims, "email").lower()
    language = _text(claims, "locale")[:2].lower()
    hosted = _text(claims, "hd").lower()
    return Identity(
        issuer=_text(claims, "iss"),
        subject=_text(claims, "sub"),
        email=email,
        vouched=any(_is_true(claims.get(name)) for name in ("email_verified", "xms_edov")),
        name=_text(claims, "name")[:NAME_LENGTH] or email.partition("@")[0],
        language=language if language in LANGUAGES else "fr",
        hosted=hosted if email.endswith(f"@{hosted}") else "",
    )


def admit(
    connection: Connection, identity: Identity, domains: tuple[str, ...], role: str
) -> Person:
    """The person whose identity this is; a newcomer of an allowed domain gets an account.

    Raises:
        StaffError: "provider", when nobody may come in by it.
    """
    known = _known(connection, identity)
    if known is not None:
        if not known.active:
            raise StaffError("provider")
        return person_of(known)
    if not identity.vouched or not identity.email:
        raise StaffError("provider")
    row = connection.execute(
        select(staff).where(staff.c.email == identity.email).with_for_update()
    ).one_or_none()
    if row is None:
        return _welcome(connection, identity, domains, role)
    if not row.active or row.provider_subject is not None:
        raise StaffError("provider")
    return _tie(connection, row.id, identity)


def _known(connection: Connection, identity: Identity) -> Row[Any] | None:
    return connection.execute(
        select(staff).where(
            staff.c.provider == identity.issuer, staff.c.provider_subject == identity.subject
        )
    ).one_or_none()


def _welcome(
    connection: Connection, identity: Identity, domains: tuple[str, ...], role: str
) -> Person:
    if identity.domain not in {domain.lower() for domain in domains}:
        raise StaffError("provider")
    person = add_person(
        connection,
        email=identity.email,
        name=identity.name,
        role=role,
        language=identity.language,
    )
    detail = {"role": role, "provider": identity.issuer}
    audit.record(connection, audit.SYSTEM, "staff.welcomed", f"staff:{person.id}", detail)
    return _tie(connection, person.id, identity)


def _tie(connection: Connection, staff_id: str, identity: Identity) -> Person:
    """The account is the provider's from now on. A one-time password that waits is taken back: who
    comes in this way needs none."""
    theirs = staff.c.id == staff_id
    waiting = staff.c.one_time_until.is_not(None)
    values = {"provider": identity.issuer, "provider_subject": identity.subject}
    connection.execute(update(staff).where(theirs).values(**values))
    no_password = {"password_hash": None, "one_time_until": None}
    connection.execute(update(staff).where(theirs, waiting).values(**no_password))
    detail = {"provider": identity.issuer}
    audit.record(connection, audit.SYSTEM, "staff.tied", f"staff:{staff_id}", detail)
    person = find_person(connection, staff_id)
    assert person is not None
    return person


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""


def _is_true(value: Any) -> bool:
    """Entra writes booleans as numbers or words too."""
    return value is True or str(value).lower() in ("1", "true")
