"""Leads: who wants to be contacted, about what, and with which consent.

Checks what a person gives, and keeps it under a short reference. Called by the actions.
"""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, false, func, insert, not_, select
from sqlalchemy.engine import Connection

from mobilis.conversations import lock_conversation
from mobilis.models import cases, leads
from mobilis.store import Database, now

KINDS = ("interest", "coach", "person")
FIELDS = ("name", "organization", "email", "message")
LIMITS = {"name": 120, "organization": 200, "email": 254, "message": 2000}

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0/O, 1/I/L, U
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_LEADS_IN = re.compile(
    r"^(?:bonjour|allo|allô|hi|hello)?[\s,]*(?:moi[\s,]*)?"
    r"(?:c'est|je m'appelle|mon nom,? (?:est|c'est)|je suis|on est|nous sommes"
    r"|notre organisme,? (?:est|c'est)|je travaille (?:à|pour|chez)"
    r"|my name(?: is|'s)|i'm|i am|this is|it's|we are|we're"
    r"|our organization is|i work (?:at|for|with))\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Details:
    """What a person gave of themselves; empty strings where nothing was given."""

    name: str = ""
    organization: str = ""
    email: str = ""
    message: str = ""


def tidy(field: str, text: str) -> str | None:
    """`text` as the value of `field`, or None when it cannot be one.

    An e-mail address is found in a sentence; a name or an organization loses its lead-in
    (« je m'appelle … »).
    """
    text = _CONTROL.sub("", text).strip()
    if field == "email":
        found = _EMAIL.search(text)
        return found.group(0) if found and len(found.group(0)) <= LIMITS[field] else None
    if field != "message":
        text = " ".join(_LEADS_IN.sub("", text.replace("\u2019", "'")).split()).strip(" .,;!")
        if not any(character.isalpha() for character in text) or "@" in text:
            return None
    return text if 0 < len(text) <= LIMITS[field] else None


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing else."""
    return len(text) <= LIMITS["email"] and bool(_EMAIL.fullmatch(text))


def split_details(text: str, persons: list[str], organizations: list[str]) -> Details | None:
    """Name, organization and address given in one message, or None when there is no address.

    `persons` and `organizations` are those found in the text; without them, the order of a
    signature is assumed: name, organization, address.
    """
    found = _EMAIL.search(text)
    if not found or len(found.group(0)) > LIMITS["email"]:
        return None
    rest = (text[: found.start()] + "," + text[found.end() :]).replace("\n", ",")
    parts = [tidy("organization", part) for part in re.split(r"[,;]| - ", rest)]
    kept = [part for part in parts if part]
    name = next((person for person in persons if "@" not in person), kept[0] if kept else "")
    others = [part for part in kept if part != name and name not in part]
    organization = next(iter(organizations), others[0] if others else "")
    return Details(
        tidy("name", name) or "", tidy("organization", organization) or "", found.group(0)
    )


def keep_lead(
    database: Database,
    *,
    kind: str,
    conversation_id: str,
    message_id: str,
    language: str,
    details: Details | None = None,
    coach_id: str | None = None,
    consented: bool = False,
    coach_consented: bool = False,
) -> str:
    """Store a lead and return its reference; the same message gives the same lead.

    `coach_consented`: the visitor agreed that the coach of `coach_id` gets the details too.

    Raises:
        StoreError: the database is unreachable or refuses.
    """
    with database.write() as connection:
        return write_lead(
            connection,
            kind=kind,
            conversation_id=conversation_id,
            message_id=message_id,
            language=language,
            details=details or Details(),
            coach_id=coach_id,
            consented=consented,
            coach_consented=coach_consented,
        )


def write_lead(
    connection: Connection,
    *,
    kind: str,
    conversation_id: str,
    message_id: str,
    language: str,
    details: Details = Details(),
    coach_id: str | None = None,
    consented: bool = False,
    coach_consented: bool = False,
) -> str:
    """The same within a transaction."""
    lock_conversation(connection, conversation_id)  # two brains may be at the same message
    own = (leads.c.conversation_id == conversation_id, leads.c.source_message_id == message_id)
    known = connection.execute(select(leads.c.reference).where(*own)).scalar()
    if known:
        return str(known)
    reference = _reference()
    while connection.execute(select(leads.c.id).where(leads.c.reference == reference)).first():
        reference = _reference()
    row: dict[str, Any] = {field: getattr(details, field) or None for field in FIELDS}
    connection.execute(
        insert(leads).values(
            id=str(uuid.uuid4()),
            reference=reference,
            kind=kind,
            status="new",
            conversation_id=conversation_id,
            source_message_id=message_id,
            language=language,
            coach_id=coach_id,
            coach_consent=coach_consented,
            consent_at=now() if consented else None,
            created_at=now(),
            **row,
        )
    )
    return reference


def open_case(database: Database, conversation_id: str, message_id: str = "") -> str | None:
    """The reference of the conversation's request for a person that nobody has answered yet, nor
    closed, if there is one. What the message itself has asked for is left out: its turn may be
    taken twice."""
    answered = cases.c.last_answer_at > leads.c.created_at
    closed = and_(cases.c.status == "closed", cases.c.changed_at > leads.c.created_at)
    query = (
        select(leads.c.reference)
        .outerjoin(cases, cases.c.conversation_id == leads.c.conversation_id)
        .where(
            leads.c.conversation_id == conversation_id,
            leads.c.kind == "person",
            leads.c.source_message_id != message_id,
            not_(func.coalesce(answered, false())),
            not_(func.coalesce(closed, false())),
        )
        .order_by(leads.c.created_at)
    )
    with database.read() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def is_reachable(database: Database, conversation_id: str) -> bool:
    """Whether staff were left an address to write to."""
    given = (leads.c.conversation_id == conversation_id, leads.c.email.is_not(None))
    with database.read() as connection:
        return connection.execute(select(leads.c.id).where(*given).limit(1)).first() is not None


def _reference() -> str:
    return "M-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
