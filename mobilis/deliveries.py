"""Deliveries: what is still to be shown on a platform that messages are pushed to.

Each message to such a conversation has one, written in the transaction that says it; so has each
message that must be shown otherwise after one of its buttons was pressed. They are made one after
the other within a conversation. Called by mobilis/turns.py, the channels and the front door's
sender.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from mobilis.announcements import announce_undelivered
from mobilis.conversations import Message, message_of, receive_choice
from mobilis.models import choices, deliveries, inbox, outbox
from mobilis.places import Place, place_of
from mobilis.store import is_due, now

PUSHED = ("slack", "teams")  # channels whose messages are pushed
SENDING_SECONDS = 60.0  # after which a delivery under way is taken to be lost with its process
MOST_ATTEMPTS = 10
LONGEST_WAIT = timedelta(hours=2)  # for another try, whatever the platform says


@dataclass(frozen=True)
class Delivery:
    """Something to show. `remote_id` is how the platform calls the message that is to be updated;
    `was_cut` when it may have been sent by a process that ended before it could note so."""

    number: int
    conversation_id: str
    place: Place
    message: Message
    kind: str  # send | update
    attempts: int
    remote_id: str
    was_cut: bool
    trace: str = ""  # of the message that it answers


def push(connection: Connection, conversation_id: str, message_ids: Sequence[str]) -> None:
    """Have messages shown, in their order."""
    _add(connection, conversation_id, message_ids, "send")


def push_again(connection: Connection, conversation_id: str, message_id: str) -> None:
    """Have a message shown as it is now, in place of how it was."""
    _add(connection, conversation_id, [message_id], "update")


def press(connection: Connection, conversation_id: str, message_id: str, choice_id: str) -> bool:
    """Take in a button that was pressed on such a platform, and have its message show it.

    Returns:
        Whether the message is new.

    Raises:
        ChatError: choice_unknown, choice_used; unauthorized, when the conversation is gone.
    """
    if not receive_choice(connection, conversation_id, message_id, choice_id, once=True):
        return False
    query = select(choices.c.message_id).where(choices.c.id == choice_id)
    push_again(connection, conversation_id, connection.execute(query).scalar_one())
    return True


def _add(
    connection: Connection, conversation_id: str, message_ids: Sequence[str], kind: str
) -> None:
    rows = [
        {
            "conversation_id": conversation_id,
            "message_id": message_id,
            "kind": kind,
            "state": "pending",
            "attempts": 0,
            "due_at": now(),
        }
        for message_id in message_ids
    ]
    if rows:
        connection.execute(insert(deliveries), rows)


def take_due(
    connection: Connection, channels: Collection[str], limit: int, busy: Collection[str] = ()
) -> list[Delivery]:
    """The first open delivery of each conversation, where it is due, taken: nobody else gets it.

    One that has been under way for a minute is due again, since its process is gone.
    """
    open_ones = deliveries.c.state.in_(("pending", "sending"))
    first = (
        select(func.min(deliveries.c.number).label("number"))
        .where(open_ones, deliveries.c.conversation_id.not_in(list(busy)))
        .group_by(deliveries.c.conversation_id)
        .subquery()
    )
    query = (
        select(deliveries)
        .join(first, first.c.number == deliveries.c.number)
        .where(is_due(deliveries.c.due_at, LONGEST_WAIT))
        .order_by(deliveries.c.due_at)
        .limit(limit)
    )
    return [
        delivery
        for row in connection.execute(query).all()
        if (delivery := _take(connection, row, channels)) is not None
    ]


def _take(connection: Connection, row: Any, channels: Collection[str]) -> Delivery | None:
    own = deliveries.c.number == row.number
    same = (deliveries.c.state == row.state, deliveries.c.due_at == row.due_at)
    place = place_of(connection, row.conversation_id)
    if place is None or place.channel not in channels:
        return None
    until = now() + timedelta(seconds=SENDING_SECONDS)
    taken = update(deliveries).where(own, *same).values(state="sending", due_at=until)
    if not connection.execute(taken).rowcount:
        return None
    said = connection.execute(select(outbox).where(outbox.c.id == row.message_id)).one()
    return Delivery(
        number=row.number,
        conversation_id=row.conversation_id,
        place=place,
        message=message_of(connection, said),
        kind=row.kind,
        attempts=row.attempts,
        remote_id=remote_id(connection, row.message_id) or "",
        was_cut=row.state == "sending",
        trace=_trace_of(connection, said),
    )


def _trace_of(connection: Connection, said: Any) -> str:
    query = select(inbox.c.trace).where(
        inbox.c.conversation_id == said.conversation_id, inbox.c.id == said.in_reply_to
    )
    return connection.execute(query).scalar() or ""


def remote_id(connection: Connection, message_id: str) -> str | None:
    """How the platform calls a message that was sent; None when it was not."""
    query = select(deliveries.c.remote_id).where(
        deliveries.c.message_id == message_id,
        deliveries.c.kind == "send",
        deliveries.c.state == "sent",
    )
    found: str | None = connection.execute(query).scalar()
    return found


def note_sent(connection: Connection, number: int, remote: str) -> None:
    """It is shown; `remote` is how the platform calls it."""
    _set(connection, number, state="sent", done_at=now(), remote_id=remote, error=None)


def put_off(connection: Connection, delivery: Delivery, why: str, due_at: datetime) -> bool:
    """Try again later; False when it has been tried often enough, and is given up."""
    attempts = delivery.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        give_up(connection, delivery.number, why)
        return False
    _set(connection, delivery.number, state="pending", attempts=attempts, due_at=due_at, error=why)
    return True


def give_up(connection: Connection, number: int, why: str) -> None:
    """It will never be shown: staff see it among the dead letters, and are told.

    Args:
        why: for staff; must hold nothing that was said.
    """
    _set(connection, number, state="failed", done_at=now(), error=why)
    own = select(deliveries.c.conversation_id).where(deliveries.c.number == number)
    conversation_id = connection.execute(own).scalar()
    if conversation_id is not None:  # else it was erased meanwhile
        announce_undelivered(connection, conversation_id, number)


def _set(connection: Connection, number: int, **values: Any) -> None:
    own = deliveries.c.number == number
    connection.execute(update(deliveries).where(own).values(**values))
