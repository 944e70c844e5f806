"""What has been kept long enough: which conversations, and whether all goes or a lead stays.

A transcript goes so many days after the conversation's last message. A lead, that is a declaration
somebody consented to, is kept for so many days after the last contact, with what staff need to
answer it; then all goes, even a transcript that was to be kept longer. Called by the front door
once a day, by the console's page and by the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, false, func, not_, or_, select
from sqlalchemy.engine import Connection

from mobilis import audit
from mobilis.models import cases, conversations, leads
from mobilis.privacy import (
    ERASED,
    TRANSCRIPT,
    Counts,
    add,
    count_orphans,
    erase_expired,
    erase_orphans,
    erase_transcripts,
    of_conversations,
)
from mobilis.settings import Settings
from mobilis.store import Database, now

CHUNK = 200  # conversations of one transaction: others want to write too
APPLIED = "retention.applied"  # the entry of the audit log


@dataclass(frozen=True)
class Periods:
    """How many days transcripts and leads are kept; 0: until they are erased on request."""

    transcript_days: int
    lead_days: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Periods:
        return cls(settings.transcript_days, settings.lead_days)

    @property
    def any(self) -> bool:
        """Whether anything grows old."""
        return bool(self.transcript_days or self.lead_days)

    def orphans_before(self, moment: datetime) -> datetime:
        """How old what belongs to no conversation may become."""
        days = min(filter(None, (self.transcript_days, self.lead_days)))
        return moment - timedelta(days=days)


@dataclass(frozen=True)
class Preview:
    """What would be erased: whole conversations, transcripts whose lead stays, rows of each table,
    and the last day of the oldest."""

    conversations: int
    transcripts: int
    rows: Counts
    oldest: datetime | None


def preview(connection: Connection, periods: Periods, moment: datetime) -> Preview:
    """What `erase_due` would erase at that moment, and what of it."""
    whole = select(conversations.c.id).where(_whole(periods, moment))
    transcripts = select(conversations.c.id).where(_transcript_alone(periods, moment))
    rows: Counts = {}
    for tables, ids in ((ERASED, whole), (TRANSCRIPT, transcripts)):
        for table in tables:
            of_these = select(func.count()).where(of_conversations(table).in_(ids))
            add(rows, {table.name: connection.execute(of_these).scalar_one()})
    if periods.any:
        add(rows, count_orphans(connection, periods.orphans_before(moment)))
    due = or_(_whole(periods, moment), _transcript_alone(periods, moment))
    oldest = connection.execute(select(func.min(conversations.c.last_at)).where(due)).scalar_one()
    return Preview(_number(connection, whole), _number(connection, transcripts), rows, oldest)


def erase_due(database: Database, periods: Periods, actor: str = audit.SYSTEM) -> Counts:
    """Erase what is due, some at a time; the rows of each table. The audit log tells of it.

    Raises:
        StoreError: the database is unreachable or refuses; what was erased before stays erased.
    """
    moment, counts, more = now(), Counts(), True
    while more:
        with database.erase() as connection:
            found = erase_some(connection, periods, moment)
        more = any(found.values())
        add(counts, found)
    with database.write() as connection:
        erased = {name: count for name, count in counts.items() if count}
        audit.record(connection, actor, APPLIED, "database", {"rows": erased})
    return counts


def erase_some(connection: Connection, periods: Periods, moment: datetime) -> Counts:
    """Erase the oldest of what is due; no rows once nothing is."""
    if not periods.any:
        return {}
    whole = _oldest(connection, _whole(periods, moment))
    if whole:
        return erase_expired(connection, whole)
    transcripts = _oldest(connection, _transcript_alone(periods, moment))
    if transcripts:
        return erase_transcripts(connection, transcripts)
    return erase_orphans(connection, periods.orphans_before(moment))


def _oldest(connection: Connection, due: Any) -> Sequence[str]:
    query = select(conversations.c.id).where(due).order_by(conversations.c.last_at).limit(CHUNK)
    return list(connection.execute(query.with_for_update()).scalars())


def _number(connection: Connection, ids: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(ids.subquery())).scalar_one())


def _whole(periods: Periods, moment: datetime) -> Any:
    """The conversations of which nothing is to stay."""
    plain = and_(_silent(periods.transcript_days, moment), not_(_has_lead()))
    return or_(plain, and_(_has_lead(), _lead_ended(periods, moment)))


def _transcript_alone(periods: Periods, moment: datetime) -> Any:
    """The conversations whose lead stays when the transcript goes; not those it has left before."""
    erased_at = conversations.c.transcript_erased_at
    return and_(
        _silent(periods.transcript_days, moment),
        _has_lead(),
        not_(_lead_ended(periods, moment)),
        or_(erased_at.is_(None), erased_at < conversations.c.last_at),
    )


def _silent(days: int, moment: datetime) -> Any:
    return conversations.c.last_at < moment - timedelta(days=days) if days else false()


def _has_lead() -> Any:
    return exists().where(
        leads.c.conversation_id == conversations.c.id, leads.c.consent_at.is_not(None)
    )


def _lead_ended(periods: Periods, moment: datetime) -> Any:
    """Neither the visitor nor a person of staff has written to the other for so long."""
    if not periods.lead_days:
        return false()
    limit = moment - timedelta(days=periods.lead_days)
    answered = exists().where(
        cases.c.conversation_id == conversations.c.id, cases.c.last_answer_at >= limit
    )
    return and_(_silent(periods.lead_days, moment), not_(answered))
