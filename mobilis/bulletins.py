"""The announcements to staff as messages, and their way out: what is to be shown where, and what
must be shown otherwise since somebody took or closed the case.

A `Board` is the queue of a sender (mobilis/web/sender.py). A message states facts: how urgent a
case is and why, never what a visitor said; a name only where the settings allow it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.engine import Connection, Row

from mobilis import staff
from mobilis.announcements import announce_waits
from mobilis.cases import Weights, facts_of
from mobilis.conversations import Message
from mobilis.dates import local
from mobilis.dead_letters import why
from mobilis.deliveries import LONGEST_WAIT, MOST_ATTEMPTS, SENDING_SECONDS, Delivery
from mobilis.models import announcements, cases, deliveries, slack_installations
from mobilis.numbers import whole
from mobilis.places import Place
from mobilis.priority import reasons
from mobilis.store import is_alone, is_due, now

KIND = "announcement"  # of the messages
WATCHED = timedelta(days=30)  # for which a message follows its case
SWEEP_EVERY = timedelta(minutes=1)
DETAILS = ("none", "name")
CASES, UNDELIVERED = "/console/cases/{id}", "/console/deliveries"

Words = Mapping[str, str]  # in the language of the announcements


@dataclass(frozen=True)
class Style:
    """How announcements are written: `words` of content/announcements.yml, `reasons` of the queue,
    `whys` of what cannot be delivered; `address` is of the front door."""

    language: str
    detail: str
    words: Words
    reasons: Words
    whys: Words
    weights: Weights
    address: str


class Board:
    """What `places` are told. `wait_hours`: after which a wait is told of; 0: never."""

    def __init__(self, places: Collection[Place], style: Style, wait_hours: float) -> None:
        self.places = {(place.channel, place.key): place for place in places}
        self._style = style
        self._wait_hours = wait_hours
        self._swept_at: datetime | None = None

    def take_due(
        self, connection: Connection, channels: Collection[str], limit: int, busy: Collection[str]
    ) -> list[Delivery]:
        """The first that is open of each place, where it is due, taken."""
        if not is_alone(connection, "announcements"):  # another front door is at it
            return []
        self._sweep(connection)
        taken: list[Delivery] = []
        for (channel, key), place in self.places.items():
            if channel in channels and _name(channel, key) not in busy and len(taken) < limit:
                row = _first(connection, channel, key)
                if row is not None and row.is_due and _take(connection, row):
                    taken.append(self._delivery(connection, row, place))
        return taken

    def note_sent(self, connection: Connection, number: int, remote: str) -> None:
        """It is shown; `remote` is how the platform calls it."""
        _set(connection, number, state="sent", remote_id=remote, attempts=0, error=None)

    def put_off(
        self, connection: Connection, delivery: Delivery, why: str, due_at: datetime
    ) -> bool:
        """Try again later; False when it has been tried often enough, and is given up."""
        attempts = delivery.attempts + 1
        if attempts >= MOST_ATTEMPTS:
            self.give_up(connection, delivery.number, why)
            return False
        values = {"state": "pending", "attempts": attempts, "due_at": due_at, "error": why}
        _set(connection, delivery.number, **values)
        return True

    def give_up(self, connection: Connection, number: int, why: str) -> None:
        """It will never be shown, or not as it is now; the console says so."""
        _set(connection, number, state="failed", error=why)

    def _sweep(self, connection: Connection) -> None:
        for channel, key in self.places:
            _mark_changed(connection, channel, key)
        if self._swept_at is None or self._swept_at < now() - SWEEP_EVERY:
            announce_waits(connection, self._wait_hours)
            self._swept_at = now()

    def _delivery(self, connection: Connection, row: Row[Any], place: Place) -> Delivery:
        case = _case(connection, row.conversation_id)
        owner, status = _state(case)
        claimed_at = row.claimed_at if owner == row.shown_owner else None
        if owner and claimed_at is None and case is not None:
            claimed_at = case.changed_at
        shown = {"shown_owner": owner, "shown_status": status, "claimed_at": claimed_at}
        _set(connection, row.number, **shown)
        return Delivery(
            number=row.number,
            conversation_id=_name(row.channel, row.target),  # one at a time there
            place=place,
            message=write(connection, row, case, claimed_at, self._style),
            kind="update" if row.remote_id else "send",
            attempts=row.attempts,
            remote_id=row.remote_id or "",
            was_cut=row.state == "sending",
        )


def write(
    connection: Connection,
    row: Row[Any],
    case: Row[Any] | None,
    claimed_at: datetime | None,
    style: Style,
) -> Message:
    """The message of an announcement, as its case is now."""
    words = style.words
    title = words[_title(row, case)]
    facts = [*_about(connection, row, style), *(_facts(row, case, style) if case else ())]
    settled = _settled(connection, case, claimed_at, style) if case else ""
    path = CASES.format(id=row.conversation_id) if row.conversation_id else UNDELIVERED
    link = words["open_case" if row.conversation_id else "open_undelivered"]
    return {
        "id": row.id,
        "at": row.created_at.isoformat(),
        "language": style.language,
        "role": "assistant",
        "kind": KIND,
        "text": "\n".join(filter(None, (title, *facts, settled))),
        KIND: {
            "title": title,
            "facts": facts,
            "settled": settled,
            "claim": words["claim"] if case and not settled else "",
            "link": link,
            "url": style.address + path,
        },
    }


def _title(row: Row[Any], case: Row[Any] | None) -> str:
    if row.kind == "lead":
        return f"title_{(case and case.lead_kind) or 'interest'}"
    return f"title_{row.kind}"


def _about(connection: Connection, row: Row[Any], style: Style) -> list[str]:
    """What is to be said of the cause itself."""
    if row.kind == "undelivered":
        own = select(deliveries.c.error).where(deliveries.c.number == int(row.cause))
        return [style.whys[f"why_{why(connection.execute(own).scalar() or '')}"]]
    if row.kind == "gone":
        return [style.words["gone_from"].format(name=_name_of_gone(connection, row.cause))]
    return []


def _name_of_gone(connection: Connection, cause: str) -> str:
    """Slack's workspace by its name; what Teams has is an id."""
    channel, workspace = cause.split(":")[:2]
    own = slack_installations.c.workspace == workspace
    name = connection.execute(select(slack_installations.c.name).where(own)).scalar()
    return f"{channel.capitalize()}, {(channel == 'slack' and name) or workspace}"


def _facts(row: Row[Any], case: Row[Any], style: Style) -> list[str]:
    words = style.words
    found = reasons(facts_of(case._mapping), style.weights, now())
    points = sum(points for _, points in found)
    told = [words["priority"].format(points=whole(points, style.language))]
    told += [
        words["reason"].format(reason=style.reasons[f"reason_{name}"], points=worth)
        for name, worth in found
    ]
    if row.kind == "waiting" and case.waiting_since:
        told.append(words["since"].format(when=local(case.waiting_since, style.language)))
    if style.detail == "name" and case.name:
        told.append(words["name"].format(name=" ".join(case.name.split())))
    return [*told, words[f"language_{case.language}"]]


def _settled(
    connection: Connection, case: Row[Any], claimed_at: datetime | None, style: Style
) -> str:
    """Who has the case, or that it is closed; empty while it is anybody's."""
    if case.status == "closed":
        return style.words["closed"]
    if not case.owner_id:
        return ""
    owner = staff.find_person(connection, case.owner_id)
    when = local(claimed_at or now(), style.language)
    return style.words["taken"].format(name=owner.name if owner else "", when=when)


def _mark_changed(connection: Connection, channel: str, target: str) -> None:
    """Have those of a place shown again whose case changed hands, or was closed or opened."""
    owner = func.coalesce(cases.c.owner_id, "")
    is_closed, was_closed = cases.c.status == "closed", announcements.c.shown_status == "closed"
    otherwise = or_(
        owner != announcements.c.shown_owner,
        and_(is_closed, ~was_closed),
        and_(~is_closed, was_closed),
    )
    changed = (
        select(announcements.c.number)
        .join(cases, cases.c.conversation_id == announcements.c.conversation_id)
        .where(
            announcements.c.channel == channel,
            announcements.c.target == target,
            announcements.c.state == "sent",
            announcements.c.created_at > now() - WATCHED,
            otherwise,
        )
    )
    numbers = list(connection.execute(changed).scalars())
    if numbers:
        own = announcements.c.number.in_(numbers)
        again = {"state": "pending", "attempts": 0, "due_at": now()}
        connection.execute(update(announcements).where(own).values(**again))


def _first(connection: Connection, channel: str, target: str) -> Row[Any] | None:
    here = (announcements.c.channel == channel, announcements.c.target == target)
    is_open = announcements.c.state.in_(("pending", "sending"))
    due = is_due(announcements.c.due_at, LONGEST_WAIT).label("is_due")
    query = (
        select(announcements, due).where(*here, is_open).order_by(announcements.c.number).limit(1)
    )
    return connection.execute(query).one_or_none()


def _take(connection: Connection, row: Row[Any]) -> bool:
    same = (announcements.c.state == row.state, announcements.c.due_at == row.due_at)
    until = now() + timedelta(seconds=SENDING_SECONDS)
    taken = update(announcements).where(announcements.c.number == row.number, *same)
    values = {"state": "sending", "due_at": until}
    return bool(connection.execute(taken.values(**values)).rowcount)


def _case(connection: Connection, conversation_id: str | None) -> Row[Any] | None:
    query = select(cases).where(cases.c.conversation_id == conversation_id)
    return connection.execute(query).one_or_none() if conversation_id else None


def _state(case: Row[Any] | None) -> Sequence[str]:
    return (case.owner_id or "", case.status) if case is not None else ("", "")


def _name(channel: str, target: str) -> str:
    return f"{channel} {target}"


def _set(connection: Connection, number: int, **values: Any) -> None:
    own = announcements.c.number == number
    connection.execute(update(announcements).where(own).values(**values))
