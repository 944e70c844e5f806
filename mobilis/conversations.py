"""Conversations as visitors see them: opened, spoken in, read back, written out.

Pure use cases on the database: no HTTP, no waiting. The front door calls them inside a
transaction of `mobilis.store`; what the brain then does with a message is in mobilis/turns.py.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection, Row

from mobilis import news
from mobilis.errors import ChatError
from mobilis.models import choices, conversations, inbox, outbox, ratings
from mobilis.openings import Opening
from mobilis.seeing.ids import trace_for, tracing
from mobilis.seeing.logs import tell
from mobilis.store import now

logger = logging.getLogger(__name__)

Message = dict[str, Any]  # a message of the chat API
Words = Mapping[str, Mapping[str, str]]  # {key: {"fr": …, "en": …}}

# Choosing twice among these would answer one question twice; other choices are links of a kind.
ONCE_ONLY = ("question", "form", "clarify")


# What every turn asks, built once: to build a statement takes longer than to run it.
_HERE, _THIS = bindparam("conversation_id"), bindparam("message_id")
_CONVERSATION = select(conversations).where(conversations.c.id == _HERE)
_LOCKED = _CONVERSATION.with_for_update()
_KNOWN = select(inbox.c.id).where(inbox.c.conversation_id == _HERE, inbox.c.id == _THIS)
_TAKE_IN = insert(inbox)
_TAKE_POSITIONS = (
    update(conversations)
    .where(conversations.c.id == _HERE)
    .values(position=bindparam("newest"), last_at=bindparam("moment"))
)
_SAID = select(inbox).where(
    inbox.c.conversation_id == _HERE,
    inbox.c.position > bindparam("after"),
    inbox.c.kind != "opened",
    inbox.c.text != "",  # blanked by an erasure
)
_ANSWERED = select(outbox).where(
    outbox.c.conversation_id == _HERE, outbox.c.position > bindparam("after")
)
_ANSWERS = (
    select(outbox)
    .where(outbox.c.conversation_id == _HERE, outbox.c.in_reply_to == _THIS)
    .order_by(outbox.c.position)
)
_USED = (
    select(choices.c.id)
    .join(inbox, inbox.c.choice_id == choices.c.id)
    .where(
        choices.c.conversation_id == _HERE,
        inbox.c.conversation_id == _HERE,
        inbox.c.state != "failed",
        choices.c.used_at.is_not(None),
    )
)
_RATED = select(ratings.c.message_id, ratings.c.helpful).where(ratings.c.conversation_id == _HERE)


@dataclass(frozen=True)
class Opened:
    """A conversation just opened. `token` is shown once; only its hash is kept."""

    conversation_id: str
    token: str = field(repr=False)
    message_id: str


@dataclass(frozen=True)
class Conversation:
    """What the front door needs to know of a conversation."""

    id: str
    channel: str
    language: str
    position: int
    held: bool = False  # a person of staff answers in place of the assistant


def new_id() -> str:
    """An opaque id that cannot be guessed."""
    return secrets.token_hex(16)


def open_conversation(
    connection: Connection, language: str, channel: str = "web", page: str | None = None
) -> Opened:
    """Open a conversation and leave its first turn, the greeting, for the brain."""
    opened = Opened(new_id(), secrets.token_urlsafe(32), new_id())
    moment = now()
    connection.execute(
        insert(conversations).values(
            id=opened.conversation_id,
            token_hash=hash_token(opened.token),
            channel=channel,
            language=language,
            page=page,
            position=0,
            created_at=moment,
            last_at=moment,
        )
    )
    conversation = Conversation(opened.conversation_id, channel, language, 0)
    payload = f'/conversation_opened{{"language": "{language}"}}'
    _append(connection, conversation, opened.message_id, kind="opened", text="", payload=payload)
    return opened


def hash_token(token: str) -> str:
    """What is stored of a token: 256 random bits need no salt and no stretching."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def authenticate(connection: Connection, conversation_id: str, token: str) -> Conversation:
    """The conversation that `token` opens; compared in constant time.

    Raises:
        ChatError: unauthorized, whether the conversation is unknown or the token another's.
    """
    row = connection.execute(_CONVERSATION, {"conversation_id": conversation_id}).one_or_none()
    expected = row.token_hash if row else ""
    if not hmac.compare_digest(expected, hash_token(token)) or row is None:
        raise ChatError("unauthorized", 401)
    return _conversation(row)


def find_conversation(connection: Connection, conversation_id: str) -> Conversation | None:
    """A conversation by its id alone, for callers who need no token."""
    row = connection.execute(_CONVERSATION, {"conversation_id": conversation_id}).one_or_none()
    return _conversation(row) if row else None


def lock_conversation(connection: Connection, conversation_id: str) -> Conversation | None:
    """The same, held against other writers until the transaction ends.

    (SQLite has no row lock: there the writing transaction itself keeps the others out.)
    """
    row = connection.execute(_LOCKED, {"conversation_id": conversation_id}).one_or_none()
    return _conversation(row) if row else None


def receive_text(connection: Connection, conversation_id: str, message_id: str, text: str) -> bool:
    """Take in what a visitor typed. A message id that is known already changes nothing.

    Returns:
        Whether the message is new.

    Raises:
        ChatError: unauthorized, when the conversation is gone.
    """
    conversation = _lock_or_refuse(connection, conversation_id)
    if _known(connection, conversation_id, message_id):
        return False
    _append(connection, conversation, message_id, kind="text", text=text)
    return True


def receive_choice(
    connection: Connection,
    conversation_id: str,
    message_id: str,
    choice_id: str,
    once: bool = False,
) -> bool:
    """Take in the button a visitor pressed. A message id that is known already changes nothing.

    Args:
        once: close it and those beside it, whatever the message: where a second press is a slip.

    Returns:
        Whether the message is new.

    Raises:
        ChatError: choice_unknown, choice_used; unauthorized, when the conversation is gone.
    """
    conversation = _lock_or_refuse(connection, conversation_id)
    if _known(connection, conversation_id, message_id):
        return False
    choice = _find_choice(connection, conversation_id, choice_id)
    if not conversation.held:  # a person cannot press on; the assistant will want it later
        _use_choice(connection, choice, once)
    _append(
        connection,
        conversation,
        message_id,
        kind="choice",
        text=choice.title,
        payload=choice.payload,
        choice_id=choice_id,
    )
    return True


def receive_opening(
    connection: Connection, conversation_id: str, message_id: str, opening: Opening
) -> bool:
    """Take in what a button of the website asks for. A known message id changes nothing.

    Returns:
        Whether the message is new.

    Raises:
        ChatError: unauthorized, when the conversation is gone.
    """
    conversation = _lock_or_refuse(connection, conversation_id)
    if _known(connection, conversation_id, message_id):
        return False
    language = opening.language or conversation.language
    if conversation.held and language != conversation.language:  # no turn will change it
        speak(connection, conversation_id, language)
    _append(
        connection,
        conversation,
        message_id,
        kind="choice",
        text=opening.title[language],
        payload=opening.payload,
        language=language,
    )
    return True


def _lock_or_refuse(connection: Connection, conversation_id: str) -> Conversation:
    conversation = lock_conversation(connection, conversation_id)
    if conversation is None:
        raise ChatError("unauthorized", 401)
    return conversation


def _known(connection: Connection, conversation_id: str, message_id: str) -> bool:
    asked = {"conversation_id": conversation_id, "message_id": message_id}
    return connection.execute(_KNOWN, asked).first() is not None


def _find_choice(connection: Connection, conversation_id: str, choice_id: str) -> Row[Any]:
    choice = connection.execute(
        select(choices, outbox.c.content)
        .join(outbox, outbox.c.id == choices.c.message_id)
        .where(choices.c.id == choice_id, choices.c.conversation_id == conversation_id)
    ).one_or_none()
    if choice is None:
        raise ChatError("choice_unknown", 404)
    if choice.used_at is not None:
        raise ChatError("choice_used", 409)
    return choice


def _use_choice(connection: Connection, choice: Row[Any], once: bool) -> None:
    if once or choice.content["kind"] in ONCE_ONLY:
        siblings = choices.c.message_id == choice.message_id
        connection.execute(update(choices).where(siblings).values(used_at=now()))


def _append(
    connection: Connection, conversation: Conversation, message_id: str, **values: Any
) -> None:
    moment = now()
    row = {
        "conversation_id": conversation.id,
        "id": message_id,
        "position": take_positions(connection, conversation, 1),
        "at": moment,
        "due_at": moment,
        "language": conversation.language,
        "state": "done" if conversation.held else "pending",
        "done_at": moment if conversation.held else None,
        "attempts": 0,
        "trace": trace_for(message_id),
    }
    connection.execute(_TAKE_IN, {**row, **values})
    with tracing(str(row["trace"])):
        channel, language = conversation.channel, conversation.language
        tell(logger, "turn_received", channel=channel, language=language)


def take_positions(connection: Connection, conversation: Conversation, count: int) -> int:
    """The first of `count` new positions. The conversation must be locked."""
    newest = conversation.position + count
    taken = {"conversation_id": conversation.id, "newest": newest, "moment": now()}
    connection.execute(_TAKE_POSITIONS, taken)
    news.tell(connection, conversation.id)
    return conversation.position + 1


def speak(connection: Connection, conversation_id: str, language: str) -> None:
    """Go on in a language."""
    own = conversations.c.id == conversation_id
    connection.execute(update(conversations).where(own).values(language=language))


def position_of(connection: Connection, conversation_id: str, message_id: str) -> int:
    """Where a message stands in its conversation; 0, before all others, when it is unknown."""
    for table in (inbox, outbox):
        query = select(table.c.position).where(
            table.c.conversation_id == conversation_id, table.c.id == message_id
        )
        row = connection.execute(query).first()
        if row is not None:
            return int(row.position)
    return 0


def history(
    connection: Connection, conversation_id: str, after: int = 0
) -> list[tuple[int, Message]]:
    """What was said after a position, oldest first, each with its position."""
    here = {"conversation_id": conversation_id, "after": after}
    found = [(row.position, _visitor_message(row)) for row in connection.execute(_SAID, here)]
    answered = list(connection.execute(_ANSWERED, here))
    used = _used_choices(connection, conversation_id, answered)
    rated = _rated(connection, conversation_id, answered)
    found += [(row.position, {**_answer(row, used), **rated.get(row.id, {})}) for row in answered]
    return sorted(found, key=lambda pair: pair[0])


def answers(connection: Connection, conversation_id: str, message_id: str) -> list[Message]:
    """What the assistant answered to one message of the visitor."""
    asked = {"conversation_id": conversation_id, "message_id": message_id}
    rows = list(connection.execute(_ANSWERS, asked))
    used = _used_choices(connection, conversation_id, rows)
    return [_answer(row, used) for row in rows]


def transcript(connection: Connection, conversation: Conversation, words: Words) -> str:
    """What was said, as plain text for the visitor, in the conversation's language."""
    said = {key: sentence[conversation.language] for key, sentence in words.items()}
    lines = [said["transcript"]]
    for _, message in history(connection, conversation.id):
        at = message["at"][:16].replace("T", " ")
        who = said[message["role"]]
        lines.append(said["transcript_line"].format(at=at, who=who, text=message["text"]))
    return "\n\n".join(lines) + "\n"


def message_of(connection: Connection, row: Row[Any]) -> Message:
    """A message to the visitor as it is now, from its row of the outbox."""
    return _answer(row, _used_choices(connection, row.conversation_id, [row]))


def _used_choices(
    connection: Connection, conversation_id: str, answered: Iterable[Row[Any]]
) -> set[str]:
    """The choices of a conversation that were made; nobody looks when none were `answered`."""
    if not any("choices" in row.content for row in answered):
        return set()
    return {row.id for row in connection.execute(_USED, {"conversation_id": conversation_id})}


def _rated(
    connection: Connection, conversation_id: str, answered: Iterable[Row[Any]]
) -> dict[str, Message]:
    """What the visitor said of answers, as a field of each; nobody looks when there are none."""
    if not any(row.content["kind"] == "faq" for row in answered):
        return {}
    rows = connection.execute(_RATED, {"conversation_id": conversation_id})
    return {row.message_id: {"helpful": row.helpful} for row in rows}


def _visitor_message(row: Row[Any]) -> Message:
    message = {
        "id": row.id,
        "role": "visitor",
        "at": _timestamp(row.at),
        "language": row.language,
        "kind": "text",
        "text": row.text,
    }
    return {**message, "choice": row.choice_id} if row.choice_id else message


def _answer(row: Row[Any], used: Iterable[str]) -> Message:
    message = {"id": row.id, "at": _timestamp(row.at), "language": row.language, **row.content}
    if "choices" in message:
        message["choices"] = [
            {**choice, "used": True} if choice["id"] in used else choice
            for choice in message["choices"]
        ]
    return message


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _conversation(row: Row[Any]) -> Conversation:
    held = row.held_since is not None
    return Conversation(row.id, row.channel, row.language, row.position, held)
