"""What staff do with a case: read it, say how it stands, whose it is, tag, note, put off, merge.

Each deed is written to the audit log in its transaction. A change of status, owner, follow-up or
merge says which state of the case it saw; when a colleague was faster it is refused, and nothing
is overwritten. What visitors said and did is mobilis/cases.py's. Called by the console's pages and
by the projector.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from mobilis import audit, mentions, staff
from mobilis.cases import CLOSE_REASONS, STATUSES, Weights, project
from mobilis.conversations import lock_conversation
from mobilis.dates import day_of, start_of
from mobilis.errors import CaseError, ChatError
from mobilis.models import (
    case_mentions,
    case_notes,
    case_reads,
    case_tags,
    cases,
    conversations,
    leads,
)
from mobilis.staff import Person
from mobilis.store import now

READ_AGAIN = timedelta(hours=1)  # a case read twice within it is one entry of the audit log
TAG_LENGTH = 40
NOTE_LENGTH = 4000
_KEY = re.compile(r"[0-9a-f-]{36}")
TAGS_SUGGESTED = 50
DUPLICATE = "duplicate"  # the close reason of what was merged


def stamp(changed_at: datetime | None) -> str:
    """The state of a case as a form carries it: when it was last changed."""
    return changed_at.isoformat() if changed_at else ""


def read_case(connection: Connection, person: Person, conversation_id: str, position: int) -> None:
    """Note that somebody has read a case up to a position; once an hour in the audit log too."""
    _lock(connection, conversation_id)
    moment = now()
    own = (
        case_reads.c.conversation_id == conversation_id,
        case_reads.c.staff_id == person.id,
    )
    known = connection.execute(select(case_reads).where(*own)).one_or_none()
    told = known is not None and known.at > moment - READ_AGAIN
    if known is None:
        mine = {"conversation_id": conversation_id, "staff_id": person.id}
        connection.execute(insert(case_reads).values(**mine, position=position, at=moment))
    else:
        values = {"position": max(position, known.position), "at": known.at if told else moment}
        connection.execute(update(case_reads).where(*own).values(**values))
    mentions.mark_seen(connection, person.id, conversation_id)
    if not told:
        record(connection, person.id, "case.read", conversation_id)


def set_status(
    connection: Connection,
    person: Person,
    conversation_id: str,
    seen: str,
    status: str,
    reason: str,
    weights: Weights,
) -> None:
    """Say how a case stands. `reason` is for closing; it counts for nothing else.

    Raises:
        CaseError: stale, merged, status, reason.
        ChatError: not_found.
    """
    case = _take(connection, conversation_id, seen)
    if status not in STATUSES:
        raise CaseError("status")
    if status == "closed" and reason not in CLOSE_REASONS:
        raise CaseError("reason")
    why = reason if status == "closed" else None
    _change(connection, person.id, conversation_id, status=status, close_reason=why)
    project(connection, conversation_id, weights)
    detail = {"from": case.status, "to": status, **({"reason": why} if why else {})}
    record(connection, person.id, "case.status", conversation_id, detail)


def set_owner(
    connection: Connection, person: Person, conversation_id: str, seen: str, owner_id: str
) -> None:
    """Say whose a case is; an empty id: nobody's.

    Raises:
        CaseError: stale, merged; owner, when that person may not act on cases.
        ChatError: not_found.
    """
    case = _take(connection, conversation_id, seen)
    owner = staff.find_person(connection, owner_id) if owner_id else None
    if owner_id and (owner is None or not owner.may("act")):
        raise CaseError("owner")
    _change(connection, person.id, conversation_id, owner_id=owner.id if owner else None)
    detail = {"from": case.owner_id or "", "to": owner.id if owner else ""}
    record(connection, person.id, "case.owner", conversation_id, detail)


def set_follow_up(
    connection: Connection, person: Person, conversation_id: str, seen: str, day: date | None
) -> None:
    """Have a case come back at the beginning of a day, Toronto's time; None: not at all.

    Raises:
        CaseError: stale, merged; day, when it is not after today.
        ChatError: not_found.
    """
    _take(connection, conversation_id, seen)
    if day is not None and not day_of(now()) < day <= day_of(now()) + timedelta(days=3660):
        raise CaseError("day")
    at = start_of(day) if day else None
    _change(connection, person.id, conversation_id, follow_up_at=at)
    detail = {"day": day.isoformat() if day else ""}
    record(connection, person.id, "case.follow_up", conversation_id, detail)


def add_tag(connection: Connection, person: Person, conversation_id: str, tag: str) -> None:
    """Tag a case, in lower case; a tag that it has already changes nothing.

    Raises:
        CaseError: tag.
        ChatError: not_found.
    """
    _lock(connection, conversation_id)
    tag = " ".join(tag.split()).lower()
    if not 0 < len(tag) <= TAG_LENGTH or not tag.isprintable():
        raise CaseError("tag")
    if tag in _tags(connection, conversation_id):
        return
    connection.execute(insert(case_tags).values(conversation_id=conversation_id, tag=tag))
    record(connection, person.id, "case.tag", conversation_id, {"tag": tag})


def remove_tag(connection: Connection, person: Person, conversation_id: str, tag: str) -> None:
    """Take a tag off a case; one that it has not changes nothing.

    Raises:
        ChatError: not_found.
    """
    _lock(connection, conversation_id)
    own = (case_tags.c.conversation_id == conversation_id, case_tags.c.tag == tag)
    if connection.execute(delete(case_tags).where(*own)).rowcount:
        record(connection, person.id, "case.untag", conversation_id, {"tag": tag})


def tags_in_use(connection: Connection) -> list[str]:
    """The tags that most cases have, in their order in the alphabet."""
    query = (
        select(case_tags.c.tag)
        .group_by(case_tags.c.tag)
        .order_by(func.count().desc(), case_tags.c.tag)
        .limit(TAGS_SUGGESTED)
    )
    return sorted(row.tag for row in connection.execute(query))


def add_note(
    connection: Connection, person: Person, conversation_id: str, text: str, key: str = ""
) -> str:
    """Keep an internal note; whom it mentions finds it among their mentions. Its id, which is the
    `key` of the form it was written in: the same form, sent again, adds nothing.

    Raises:
        CaseError: note, when it is empty or too long.
        ChatError: not_found.
    """
    _lock(connection, conversation_id)
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not 0 < len(text) <= NOTE_LENGTH:
        raise CaseError("note")
    same = select(case_notes.c.conversation_id, case_notes.c.author_id).where(
        case_notes.c.id == key
    )
    known = connection.execute(same).first()
    if known is not None and tuple(known) == (conversation_id, person.id):
        return key
    note_id = key if known is None and _KEY.fullmatch(key) else str(uuid.uuid4())
    values = {"id": note_id, "author_id": person.id, "text": text, "at": now()}
    connection.execute(insert(case_notes).values(conversation_id=conversation_id, **values))
    mentioned = [one.id for one in mentions.find(text, colleagues(connection))]
    for staff_id in mentioned:
        connection.execute(insert(case_mentions).values(note_id=note_id, staff_id=staff_id))
    detail = {"note": note_id, "mentions": mentioned}
    record(connection, person.id, "case.note", conversation_id, detail)
    return note_id


def colleagues(connection: Connection) -> list[Person]:
    """Who may own a case and be mentioned: those who may act on cases now."""
    return [person for person in staff.everyone(connection) if person.may("act")]


def merge(
    connection: Connection,
    person: Person,
    conversation_id: str,
    seen: str,
    into: str,
    weights: Weights,
) -> str:
    """Close a case as a duplicate of another, given by its reference or id; the other's id.

    Its notes are shown with the other's, which also gets its tags and its follow-up, if sooner.

    Raises:
        CaseError: stale, merged, merge_unknown, merge_itself, merge_merged.
        ChatError: not_found.
    """
    target_id = _find_target(connection, into)
    _lock_all(connection, (conversation_id, target_id))
    case, target = _take(connection, conversation_id, seen), _case(connection, target_id)
    if target_id == conversation_id:
        raise CaseError("merge_itself")
    if target is None or target.merged_into:
        raise CaseError("merge_merged")
    before = {
        "status": case.status,
        "close_reason": case.close_reason,
        "follow_up_at": stamp(case.follow_up_at),
    }
    closed = {"status": "closed", "close_reason": DUPLICATE, "follow_up_at": None}
    linked = {"merged_into": target_id, "before_merge": before}
    _change(connection, person.id, conversation_id, **closed, **linked)
    _bring_tags(connection, conversation_id, target_id)
    due = [at for at in (case.follow_up_at, target.follow_up_at) if at]
    _change(connection, person.id, target_id, follow_up_at=min(due, default=None))
    project(connection, conversation_id, weights)
    record(connection, person.id, "case.merge", conversation_id, {"into": target_id})
    return target_id


def unmerge(
    connection: Connection, person: Person, conversation_id: str, seen: str, weights: Weights
) -> None:
    """Undo a merge: the case is again what it was, and the other loses the tags that came with it.

    Raises:
        CaseError: stale, not_merged.
        ChatError: not_found.
    """
    case = _case(connection, conversation_id)
    target_id = case.merged_into if case else None
    _lock_all(connection, filter(None, (conversation_id, target_id)))
    case = _take(connection, conversation_id, seen, merged=True)
    if case.merged_into is None or case.merged_into != target_id:
        raise CaseError("not_merged")
    before = case.before_merge or {"status": "new", "close_reason": None, "follow_up_at": ""}
    at = before["follow_up_at"]
    values = {
        "status": before["status"],
        "close_reason": before["close_reason"],
        "follow_up_at": datetime.fromisoformat(at) if at else None,
    }
    unlinked = {"merged_into": None, "before_merge": None}
    _change(connection, person.id, conversation_id, **values, **unlinked)
    brought = (case_tags.c.conversation_id == target_id, case_tags.c.merged_from == conversation_id)
    connection.execute(delete(case_tags).where(*brought))
    project(connection, conversation_id, weights)
    record(connection, person.id, "case.unmerge", conversation_id, {"from": target_id})


def resurface(connection: Connection, weights: Weights, limit: int) -> int:
    """Bring the cases whose follow-up has come due back to the queue; how many.

    Those that were closed or waiting are in progress again, or new when they are nobody's; all of
    them are unread for everybody, and say since when until somebody changes them.
    """
    due = select(cases.c.conversation_id).where(cases.c.follow_up_at <= now())
    due = due.where(cases.c.merged_into.is_(None)).order_by(cases.c.follow_up_at).limit(limit)
    ids = [row.conversation_id for row in connection.execute(due)]
    # All locks first: each entry of the audit log holds another until the end.
    _lock_all(connection, ids)
    return sum(_resurface(connection, conversation_id, weights) for conversation_id in ids)


def _resurface(connection: Connection, conversation_id: str, weights: Weights) -> bool:
    case, moment = _case(connection, conversation_id), now()
    if case is None or case.follow_up_at is None or case.follow_up_at > moment:
        return False  # changed since
    status = case.status
    if status in ("waiting", "closed"):
        status = "in_progress" if case.owner_id else "new"
    values = {"status": status, "close_reason": None, "follow_up_at": None}
    _change(connection, audit.SYSTEM, conversation_id, **values, resurfaced_at=moment)
    own = case_reads.c.conversation_id == conversation_id
    connection.execute(delete(case_reads).where(own))
    project(connection, conversation_id, weights)
    detail = {"from": case.status, "to": status}
    record(connection, audit.SYSTEM, "case.resurface", conversation_id, detail)
    return True


# For what is said from a case: mobilis/mails.py and mobilis/takeover.py


def hold(connection: Connection, conversation_id: str) -> Row[Any]:
    """The case, held against other writers.

    Raises:
        ChatError: not_found.
    """
    return _lock(connection, conversation_id)


def hold_as_seen(connection: Connection, conversation_id: str, seen: str) -> Row[Any]:
    """The same, if it still is as it was seen.

    Raises:
        CaseError: stale, merged.
        ChatError: not_found.
    """
    return _take(connection, conversation_id, seen)


def take_up(connection: Connection, person: Person, case: Row[Any], status: str) -> None:
    """Somebody is at work on a case: it stands so now, and is theirs if it was nobody's."""
    values = {"status": status, "owner_id": case.owner_id or person.id}
    if status != "closed":
        values["close_reason"] = None
    _change(connection, person.id, case.conversation_id, **values)


def note_answer(
    connection: Connection, conversation_id: str, weights: Weights, at: datetime | None = None
) -> None:
    """The visitor was answered by a person, now or `at` a moment: what was asked before waits no
    more."""
    case, at = _case(connection, conversation_id), at or now()
    if case is None:
        return
    values = {
        "answered_at": min(filter(None, (case.answered_at, at))),
        "last_answer_at": max(filter(None, (case.last_answer_at, at))),
    }
    own = cases.c.conversation_id == conversation_id
    connection.execute(update(cases).where(own).values(**values))
    project(connection, conversation_id, weights)


def bring_back(connection: Connection, conversation_id: str, weights: Weights) -> None:
    """What was sent did not arrive: a case that waits is in progress again, and unread."""
    case = _case(connection, conversation_id)
    if case is None:
        return
    if case.status == "waiting":
        _change(connection, audit.SYSTEM, conversation_id, status="in_progress")
    connection.execute(delete(case_reads).where(case_reads.c.conversation_id == conversation_id))
    project(connection, conversation_id, weights)


def _case(connection: Connection, conversation_id: str) -> Row[Any] | None:
    query = select(cases).where(cases.c.conversation_id == conversation_id)
    return connection.execute(query).one_or_none()


def _lock(connection: Connection, conversation_id: str) -> Row[Any]:
    """The case, held against other writers. As a projection does, it locks the conversation.

    Raises:
        ChatError: not_found.
    """
    gone = lock_conversation(connection, conversation_id) is None
    case = None if gone else _case(connection, conversation_id)
    if case is None:
        raise ChatError("not_found", 404)
    return case


def _lock_all(connection: Connection, ids: Iterable[str]) -> None:
    """The same for several, always in one order, lest two wait for each other."""
    mine = select(conversations.c.id).where(conversations.c.id.in_(sorted(ids)))
    connection.execute(mine.order_by(conversations.c.id).with_for_update()).all()


def _take(
    connection: Connection, conversation_id: str, seen: str, merged: bool = False
) -> Row[Any]:
    """The case for a change, if it still is as it was seen.

    Raises:
        CaseError: stale; merged, unless a merged one is wanted.
        ChatError: not_found.
    """
    case = _lock(connection, conversation_id)
    if stamp(case.changed_at) != seen:
        raise CaseError("stale")
    if case.merged_into and not merged:
        raise CaseError("merged")
    return case


def _change(connection: Connection, actor: str, conversation_id: str, **values: Any) -> None:
    own = cases.c.conversation_id == conversation_id
    usual = {"changed_at": now(), "changed_by": actor, "resurfaced_at": None}
    connection.execute(update(cases).where(own).values(**{**usual, **values}))


def record(
    connection: Connection,
    actor: str,
    action: str,
    conversation_id: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Note in the audit log what was done to a case."""
    audit.record(connection, actor, action, f"case:{conversation_id}", detail)


def _tags(connection: Connection, conversation_id: str) -> Sequence[str]:
    query = select(case_tags.c.tag).where(case_tags.c.conversation_id == conversation_id)
    return [row.tag for row in connection.execute(query)]


def _find_target(connection: Connection, given: str) -> str:
    """The id of the case that somebody named by its reference or its id.

    Raises:
        CaseError: merge_unknown.
    """
    referred = select(leads.c.conversation_id).where(leads.c.reference == given.upper())
    named = (cases.c.conversation_id == given) | cases.c.conversation_id.in_(referred)
    row = connection.execute(select(cases.c.conversation_id).where(named)).first()
    if row is None:
        raise CaseError("merge_unknown")
    return str(row.conversation_id)


def _bring_tags(connection: Connection, conversation_id: str, target_id: str) -> None:
    """Give the other case the tags that it has not, with where they came from."""
    new = set(_tags(connection, conversation_id)) - set(_tags(connection, target_id))
    for tag in sorted(new):
        values = {"conversation_id": target_id, "tag": tag, "merged_from": conversation_id}
        connection.execute(insert(case_tags).values(**values))
