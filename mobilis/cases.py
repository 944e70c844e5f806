"""Cases: what staff see of each conversation, projected from it by its id.

A projection repeats what the other tables hold, so that a queue is one query; making it twice
makes the same, and `mobilis console rebuild` makes all of them again. What staff add (status,
owner, tags, notes) stands beside it and is never projected. Called by the projector of the front
door, by the console's pages and by the command line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from mobilis import answer_uses
from mobilis.announcements import announce_leads
from mobilis.case_days import project_days
from mobilis.models import (
    assessments,
    case_facets,
    cases,
    conversations,
    inbox,
    leads,
    tracker_events,
    unhandled,
)
from mobilis.priority import WAITS, Facts, priority
from mobilis.search import keep_words
from mobilis.store import Database, now, own

STATUSES = ("new", "in_progress", "waiting", "closed")
CLOSE_REASONS = ("answered", "referred", "duplicate", "no_answer", "not_for_us", "spam")
FACETS = ("topic", "region", "language", "level")  # of a coach search
AT_ONCE = 200  # cases made again in one transaction
UNHEARD = ("conversation_opened",)  # what no visitor said

Weights = Mapping[str, int]

_TALK = select(conversations).where(conversations.c.id == bindparam("own")).with_for_update()
_KNOWN, _REPEAT = select(cases).where(own(cases)), update(cases).where(own(cases))
_SAID = select(func.count()).where(own(inbox), inbox.c.kind != "opened", inbox.c.text != "")
_MISSED = (
    select(unhandled.c.outcome, func.count()).where(own(unhandled)).group_by(unhandled.c.outcome)
)
_ASSESSED = (
    select(assessments.c.band, assessments.c.created_at)
    .where(own(assessments))
    .order_by(assessments.c.created_at.desc())
    .limit(1)
)
_ASKED = select(leads).where(own(leads)).order_by(leads.c.created_at)
_LABELLED = select(case_facets).where(own(case_facets))
_TAKEN = (
    select(tracker_events.c.message_id, tracker_events.c.data)
    .where(
        own(tracker_events),
        tracker_events.c.name == "user",
        tracker_events.c.snapshot.is_(False),
    )
    .order_by(tracker_events.c.position)
)
_WISHED = (
    select(tracker_events.c.data)
    .where(
        own(tracker_events),
        tracker_events.c.name == "slot",
        tracker_events.c.snapshot.is_(False),
        tracker_events.c.data.like('%"coach_wishes"%'),
    )
    .order_by(tracker_events.c.position.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Heard:
    """What one message of a visitor was taken for."""

    message_id: str
    label: str
    confidence: float


def behind(connection: Connection, limit: int, since: datetime | None = None) -> list[str]:
    """Conversations whose case is missing or older than they are, the oldest first.

    Args:
        since: nothing was said before in what is missing; with many conversations, it takes long
            to look at all of them.
    """
    left = select(cases.c.conversation_id).where(cases.c.position < 0).limit(limit)
    query = (
        select(conversations.c.id)
        .outerjoin(cases, cases.c.conversation_id == conversations.c.id)
        .where(
            conversations.c.position > 0,
            or_(cases.c.position.is_(None), cases.c.position < conversations.c.position),
        )
        .order_by(conversations.c.last_at)
        .limit(limit)
    )
    if since is not None:
        query = query.where(conversations.c.last_at >= since)
    found = [*connection.execute(left).scalars(), *connection.execute(query).scalars()]
    return list(dict.fromkeys(found))[:limit]


def project(connection: Connection, conversation_id: str, weights: Weights) -> bool:
    """Make the case of a conversation, or make it again; False when the conversation is gone.

    What staff added stays.
    """
    here = {"own": conversation_id}
    talk = connection.execute(_TALK, here).one_or_none()
    if talk is None:
        return False
    known = connection.execute(_KNOWN, here).one_or_none()
    led = _leads(connection, conversation_id)
    values = {
        "channel": talk.channel,
        "language": talk.language,
        "opened_at": talk.created_at,
        "last_at": talk.last_at,
        "position": talk.position,
        "number": keep_words(connection, conversation_id),
        **_counts(connection, conversation_id),
        **_assessed(connection, conversation_id),
        **_led(led),
    }
    if known is not None and talk.transcript_erased_at:
        # The lead stays without what was said, and so do the counts of it.
        for name in ("messages", "not_understood", "clarified"):
            values[name] = max(values[name], known._mapping[name])
    asked = [row.created_at for row in led]
    if known is not None and _asks_again(asked, known):
        values |= {"status": "new", "close_reason": None, "resurfaced_at": now()}
    values["waiting_since"] = _waiting_since(asked, known)
    values["priority"] = priority(facts_of(values), weights, now())
    if known is None:
        connection.execute(insert(cases), {"conversation_id": conversation_id, **values})
    else:
        connection.execute(_REPEAT, {**here, **values})
    taken = heard(connection, conversation_id)
    labels = {one.message_id: one.label for one in taken}
    _project_facets(connection, conversation_id, labels.values(), bool(talk.transcript_erased_at))
    answer_uses.project(connection, conversation_id, labels)
    project_days(connection, talk, keep=bool(talk.transcript_erased_at))
    announce_leads(connection, conversation_id, led)
    return True


def rebuild(database: Database, weights: Weights) -> Iterator[int]:
    """Make every case again, some in each transaction, so that others can write meanwhile.

    Yields how many are made, now and then.
    """
    done, after = 0, ""
    query = select(conversations.c.id).order_by(conversations.c.id).limit(AT_ONCE)
    while True:
        with database.write() as connection:
            ids = connection.execute(query.where(conversations.c.id > after)).scalars().all()
            done += sum(project(connection, one, weights) for one in ids)
        if not ids:
            return
        after = ids[-1]
        yield done


def grow_older(connection: Connection, weights: Weights, limit: int) -> int:
    """Give the cases that have waited longer meanwhile the priority they have now; how many."""
    moment = now()
    waiting = (
        select(cases)
        .where(cases.c.waiting_since.is_not(None), cases.c.waiting_since < moment - WAITS[-1][1])
        .order_by(cases.c.waiting_since.desc())
        .limit(limit)
    )
    changed = 0
    for row in connection.execute(waiting).all():
        present = priority(facts_of(row._mapping), weights, moment)
        if present != row.priority:
            own = cases.c.conversation_id == row.conversation_id
            connection.execute(update(cases).where(own).values(priority=present))
            changed += 1
    return changed


def facts_of(case: Mapping[str, Any]) -> Facts:
    """What the priority of a case is made of."""
    return Facts(
        person_asked=case["person_at"] is not None,
        lead_kind=case["lead_kind"],
        band=case["band"],
        waiting_since=case["waiting_since"],
    )


def person_key(email: str) -> str:
    """The same for every conversation of one e-mail address, and not the address itself."""
    return hashlib.sha256(email.strip().casefold().encode()).hexdigest()


def heard(connection: Connection, conversation_id: str) -> list[Heard]:
    """What each message of the visitor was taken for, in their order."""
    rows = connection.execute(_TAKEN, {"own": conversation_id})
    found = [_heard(row.message_id, json.loads(row.data).get("parse_data") or {}) for row in rows]
    return [one for one in found if one is not None and one.label not in UNHEARD]


def _heard(message_id: str | None, parsed: Mapping[str, Any]) -> Heard | None:
    intent = parsed.get("intent") or {}
    if not message_id or not intent.get("name"):
        return None
    entities = {e.get("entity"): e.get("value") for e in parsed.get("entities") or []}
    label = (parsed.get("mobilis") or {}).get("label") or intent["name"]
    if entities.get("faq_id"):
        label = f"faq/{entities['faq_id']}"
    return Heard(message_id, str(label), float(intent.get("confidence") or 0.0))


def _counts(connection: Connection, conversation_id: str) -> dict[str, Any]:
    here = {"own": conversation_id}
    missed = dict(connection.execute(_MISSED, here).all())
    return {
        "messages": connection.execute(_SAID, here).scalar_one(),
        "not_understood": missed.get("lost", 0),
        "clarified": missed.get("clarified", 0),
    }


def _assessed(connection: Connection, conversation_id: str) -> dict[str, Any]:
    last = connection.execute(_ASSESSED, {"own": conversation_id}).one_or_none()
    return {"band": last.band if last else None, "assessed_at": last.created_at if last else None}


def _leads(connection: Connection, conversation_id: str) -> Sequence[Row[Any]]:
    """What was asked of staff, oldest first."""
    return list(connection.execute(_ASKED, {"own": conversation_id}))


def _led(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    asked = [row for row in rows if row.kind == "person"]
    given: Row[Any] | None = next((row for row in reversed(rows) if row.kind != "person"), None)
    last = given or (rows[-1] if rows else None)
    email = given.email if given else None
    return {
        "person_at": asked[0].created_at if asked else None,
        "lead_at": given.created_at if given else None,
        "lead_kind": given.kind if given else None,
        "reference": last.reference if last else None,
        "coach_id": given.coach_id if given else None,
        "consent_at": given.consent_at if given else None,
        "name": given.name if given else None,
        "organization": given.organization if given else None,
        "email": email,
        "person": person_key(email) if email else None,
    }


def _asks_again(asked: Sequence[datetime], known: Row[Any]) -> bool:
    """Whether the visitor of a closed case has asked for something since it was closed."""
    closed = known.changed_at if known.status == "closed" else None
    return closed is not None and any(moment > closed for moment in asked)


def _waiting_since(asked: Sequence[datetime], known: Row[Any] | None) -> datetime | None:
    """Since when staff are waited for: the first thing asked after they last answered, or closed
    the case."""
    if known is None:
        return next(iter(asked), None)
    since = [known.last_answer_at, known.changed_at if known.status == "closed" else None]
    last = max(filter(None, since), default=None)
    return next((moment for moment in asked if not last or moment > last), None)


def _project_facets(
    connection: Connection, conversation_id: str, labels: Iterable[str], keep: bool
) -> None:
    present = {("label", label) for label in labels}
    wishes = _last_wishes(connection, conversation_id)
    present |= {(facet, value) for facet in FACETS for value in wishes.get(facet) or ()}
    here = {"own": conversation_id}
    known = {(row.facet, row.value) for row in connection.execute(_LABELLED, here)}
    for facet, value in set() if keep else known - present:
        one = (case_facets.c.facet == facet, case_facets.c.value == value)
        connection.execute(delete(case_facets).where(own(case_facets), *one), here)
    _add_facets(connection, conversation_id, present - known)


def _add_facets(
    connection: Connection, conversation_id: str, new: Iterable[tuple[str, str]]
) -> None:
    rows = [
        {"conversation_id": conversation_id, "facet": facet, "value": value}
        for facet, value in sorted(new)
    ]
    if rows:
        connection.execute(insert(case_facets), rows)


def _last_wishes(connection: Connection, conversation_id: str) -> Mapping[str, list[str]]:
    """What was last wished of a coach."""
    row = connection.execute(_WISHED, {"own": conversation_id}).one_or_none()
    return (json.loads(row.data).get("value") or {}) if row else {}
