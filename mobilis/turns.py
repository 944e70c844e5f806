"""Turns: the messages that wait for the brain, and how each one ends.

A message ends answered or given up, once, in the transaction that also holds the answer. The
front door's worker calls this; the conversation it works on may be erased at any moment.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import Select, Update

from mobilis import news
from mobilis.conversations import Conversation, lock_conversation, new_id, speak, take_positions
from mobilis.deliveries import PUSHED, push, push_again, remote_id
from mobilis.errors import ChatError
from mobilis.models import choices, conversations, inbox, outbox
from mobilis.seeing.ids import trace_of
from mobilis.store import now
from mobilis.versions import UNKNOWN, Versions

LONGEST_WAIT_SECONDS = 60.0
BUSY_SECONDS = (3, 8)  # at least and at most, until one who was refused may come again
KINDS = ("text", "faq", "question", "result", "coaches", "form", "clarify", "notice")
# The one field that a message of a kind may have of its own.
FIELDS = {
    **{kind: kind for kind in ("faq", "question", "result", "coaches")},
    "text": "lead",  # that was kept
}


@dataclass(frozen=True)
class Turn:
    """One message on its way to the brain: `payload` when it has one, else `text`."""

    conversation_id: str
    message_id: str
    channel: str
    text: str
    payload: str | None
    attempts: int
    language: str = ""  # of the conversation
    received_at: datetime = field(default_factory=now)
    trace: str = ""  # what log lines call it; none of what was taken in by an earlier version


@dataclass(frozen=True)
class Reply:
    """One message to a visitor. `choices` are (title, payload); `own` is its kind's own field; `by`
    is what said it, of the assistant's."""

    text: str
    language: str | None
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    role: str = "assistant"
    by: Versions = UNKNOWN


def due_turns(connection: Connection, limit: int, busy: Collection[str] = ()) -> list[Turn]:
    """The oldest open message of each conversation, where it is due; none of a `busy` one."""
    moment = now()
    # What is due later than anything is put off was written before the clock was put back.
    never = moment + timedelta(seconds=LONGEST_WAIT_SECONDS)
    here = {"now": moment, "never": never, "busy": list(busy), "limit": limit}
    return [_turn(row) for row in connection.execute(_DUE, here)]


def next_turn(connection: Connection, conversation_id: str) -> Turn | None:
    """The oldest open message of a conversation, due or not; None when none is open."""
    found = connection.execute(_OPEN, {"own": conversation_id}).all()
    oldest = min(found, key=lambda row: row.position, default=None)
    return _turn(oldest) if oldest else None


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        row.id,
        row.message_id,
        row.channel,
        row.text,
        row.payload,
        row.attempts,
        row.language,
        row.at,
        row.trace or trace_of(row.message_id),
    )


def _open_messages() -> Select[Any]:
    """What a turn is made of, of conversations and their messages."""
    message = (
        inbox.c.id.label("message_id"),
        inbox.c.position,
        inbox.c.text,
        inbox.c.payload,
        inbox.c.attempts,
        inbox.c.at,
        inbox.c.trace,
    )
    own = (conversations.c.id, conversations.c.channel, conversations.c.language)
    return select(*own, *message).join_from(inbox, conversations)


def _due() -> Select[Any]:
    first = (
        select(inbox.c.conversation_id, func.min(inbox.c.position).label("position"))
        .where(inbox.c.state == "pending")
        .group_by(inbox.c.conversation_id)
        .subquery()
    )
    return (
        _open_messages()
        .join(
            first,
            (inbox.c.conversation_id == first.c.conversation_id)
            & (inbox.c.position == first.c.position),
        )
        .where(
            or_(inbox.c.due_at <= bindparam("now"), inbox.c.due_at > bindparam("never")),
            inbox.c.conversation_id.not_in(bindparam("busy", expanding=True)),
        )
        .order_by(inbox.c.due_at)
        .limit(bindparam("limit"))
    )


# What every turn asks, built once: to build a statement takes longer than to run it.
_DUE = _due()
_MESSAGE = (inbox.c.conversation_id == bindparam("own")) & (inbox.c.id == bindparam("message"))
_STATE = select(inbox.c.state, inbox.c.attempts).where(_MESSAGE)
# Not the oldest of them: SQLite would look for it among all messages of the conversation.
_OPEN = _open_messages().where(
    inbox.c.conversation_id == bindparam("own"), inbox.c.state == "pending"
)
_QUEUED = select(func.count()).select_from(
    select(inbox.c.id).where(inbox.c.state == "pending").limit(bindparam("most")).subquery()
)
_SAY, _OFFER = insert(outbox), insert(choices)


def check_queue(connection: Connection, most: int) -> None:
    """Of what was just taken in, in this transaction: whether so few messages wait that its turn
    comes soon. 0: no matter how many.

    Raises:
        ChatError: busy, with the seconds to wait, which differ, so that not all come back at once.
    """
    if most and connection.execute(_QUEUED, {"most": most + 1}).scalar_one() > most:
        raise ChatError("busy", 503, retry_after=random.randint(*BUSY_SECONDS))


def turn_state(
    connection: Connection, conversation_id: str, message_id: str
) -> tuple[str, int] | None:
    """The state of a message and how often it failed; None when it is unknown."""
    asked = {"own": conversation_id, "message": message_id}
    row = connection.execute(_STATE, asked).one_or_none()
    return (row.state, row.attempts) if row else None


def complete_turn(connection: Connection, turn: Turn, replies: list[Reply]) -> bool:
    """Close a message with its answer.

    Returns:
        False when the conversation or the message was erased meanwhile: nothing is stored then.
        A message that is closed already keeps its first answer.
    """
    conversation = lock_conversation(connection, turn.conversation_id)
    state = turn_state(connection, turn.conversation_id, turn.message_id)
    if conversation is None or state is None:
        return False
    if state[0] == "pending":
        say(connection, conversation, turn.message_id, replies)
        _close(connection, turn, state="done")
    return True


def fail_turn(
    connection: Connection,
    turn: Turn,
    error: str,
    attempts: int,
    backoff: float,
    notice: Mapping[str, str],
) -> bool:
    """Put a message off for another try, or give it up after `attempts` with a notice.

    Args:
        error: what went wrong, for staff; must hold nothing that the visitor said.
        attempts: how many failures are too many; 1 gives up at once.
        backoff: seconds before the second try; doubles each time.
        notice: what the visitor reads when the message is given up, in each language.

    Returns:
        False when the conversation or the message was erased meanwhile.
    """
    conversation = lock_conversation(connection, turn.conversation_id)
    state = turn_state(connection, turn.conversation_id, turn.message_id)
    if conversation is None or state is None:
        return False
    if state[0] != "pending":
        return True
    failures = state[1] + 1
    if failures < attempts:
        due_at = next_try(failures, backoff)
        _update(connection, turn, attempts=failures, due_at=due_at, error=error)
        news.tell(connection, turn.conversation_id)
        return True
    _reopen_choices(connection, turn.conversation_id, turn.message_id)
    reply = Reply(notice[conversation.language], conversation.language, kind="notice")
    say(connection, conversation, turn.message_id, [reply])
    _close(connection, turn, state="failed", attempts=failures, error=error)
    return True


def next_try(failures: int, backoff: float) -> datetime:
    """When to try again; spread out, so that a thousand messages do not return together."""
    wait = min(backoff * 2 ** (failures - 1), LONGEST_WAIT_SECONDS)
    return now() + timedelta(seconds=wait * random.uniform(0.5, 1.0))


def say(
    connection: Connection,
    conversation: Conversation,
    message_id: str | None,
    replies: list[Reply],
    ids: Sequence[str] = (),
) -> None:
    """Say something in a conversation, which must be locked; in answer to a message, or to none.

    Args:
        ids: of the new messages, where it matters; else they are made.
    """
    if not replies:
        return
    position = take_positions(connection, conversation, len(replies))
    language = conversation.language
    said: list[dict[str, Any]] = []
    offered: list[dict[str, Any]] = []
    for offset, reply in enumerate(replies):
        language = reply.language or language
        row = {
            "id": ids[offset] if ids else new_id(),
            "conversation_id": conversation.id,
            "position": position + offset,
            "in_reply_to": message_id,
            "at": now(),
            "language": language,
            "by_model": reply.by.model,
            "by_content": reply.by.content,
            "by_code": reply.by.code,
        }
        choices_of_reply = _offer(reply, row)
        said.append({**row, "content": _content(reply, choices_of_reply)})
        offered += choices_of_reply
    connection.execute(_SAY, said)
    if offered:
        connection.execute(_OFFER, offered)
    if conversation.channel in PUSHED:
        push(connection, conversation.id, [row["id"] for row in said])
    if language != conversation.language:
        speak(connection, conversation.id, language)


def _offer(reply: Reply, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The choices of a reply, as rows of their own."""
    own = {"conversation_id": row["conversation_id"], "message_id": row["id"]}
    return [
        {**own, "id": new_id(), "title": title, "payload": payload}
        for title, payload in reply.choices
    ]


def _content(reply: Reply, offered: list[dict[str, Any]]) -> dict[str, Any]:
    content = {"role": reply.role, "kind": reply.kind, "text": reply.text, **reply.own}
    if offered:
        content["choices"] = [{"id": item["id"], "title": item["title"]} for item in offered]
    return content


def close_waiting(connection: Connection, conversation_id: str) -> None:
    """Close what waits for the assistant without an answer: a person has it now."""
    own = (inbox.c.conversation_id == conversation_id, inbox.c.state == "pending")
    for message_id in connection.execute(select(inbox.c.id).where(*own)).scalars().all():
        _reopen_choices(connection, conversation_id, message_id)
    connection.execute(update(inbox).where(*own).values(state="done", done_at=now()))


def _reopen_choices(connection: Connection, conversation_id: str, message_id: str) -> None:
    """Nothing came of the button that was pressed: it must work again."""
    chosen = select(inbox.c.choice_id).where(
        inbox.c.conversation_id == conversation_id, inbox.c.id == message_id
    )
    query = select(choices.c.message_id).where(choices.c.id == chosen.scalar_subquery())
    message = connection.execute(query).scalar()
    if message is None:
        return
    own = choices.c.message_id == message
    connection.execute(update(choices).where(own).values(used_at=None))
    if remote_id(connection, message):  # it is shown without its buttons
        push_again(connection, conversation_id, message)


def _close(connection: Connection, turn: Turn, **values: Any) -> None:
    _update(connection, turn, done_at=now(), **values)


def _update(connection: Connection, turn: Turn, **values: Any) -> None:
    own = {"own": turn.conversation_id, "message": turn.message_id}
    new = {f"new_{name}": value for name, value in values.items()}
    connection.execute(_updating(*sorted(values)), {**own, **new})


@lru_cache(maxsize=8)
def _updating(*names: str) -> Update:
    """The statement that gives columns of a message their new values, built once."""
    return update(inbox).where(_MESSAGE).values({name: bindparam(f"new_{name}") for name in names})
