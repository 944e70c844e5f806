"""Leads: who wants to be contacted, about what, and with which consent.

Keeps what a person gave under a short reference. Called by the actions.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from sqlalchemy import and_, false, func, insert, not_, select
from sqlalchemy.engine import Connection

from mobilis.contact_details import FIELDS, Details
from mobilis.conversations import lock_conversation
from mobilis.models import cases, leads
from mobilis.store import Database, now

KINDS = ("interest", "coach", "person")
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0/O, 1/I/L, U


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
            details=details,
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
    details: Details | None = None,
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
    row: dict[str, Any] = {field: getattr(details or Details(), field) or None for field in FIELDS}
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
