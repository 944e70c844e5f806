"""A person of staff takes over from the assistant in a running conversation, and hands it back.

While somebody has it, what the visitor says goes to no turn: the assistant is silent. All of it is
in the database, so that either side, or the front door, may drop and find it again. Who stays away
is relieved by `relieve`. The sentences are in content/takeover.yml. Called by the
console's pages and by the front door.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Row

from mobilis import audit, casework
from mobilis.cases import Weights, project
from mobilis.content import fresh_content
from mobilis.conversations import Conversation, lock_conversation
from mobilis.errors import CaseError, ChatError
from mobilis.leads import write_lead
from mobilis.models import conversations, inbox, outbox
from mobilis.settings import ROOT
from mobilis.staff import Person, find_person
from mobilis.store import now
from mobilis.turns import Reply, close_waiting, say

TEXT_LENGTH = 2000
SEEN_EVERY = timedelta(seconds=15)  # how often an open page is noted
ASKING = ("question", "form")  # kinds of messages that wait for an answer

Words = Mapping[str, Mapping[str, str]]

_MESSAGE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Held:
    """Who has a conversation, since when, and when their page was last seen; `name` is empty when
    their account is gone."""

    staff_id: str
    name: str
    since: datetime
    seen_at: datetime

    def is_due(self, person: Person) -> bool:
        """Whether it is to be noted that the person's page is open."""
        return self.staff_id == person.id and self.seen_at < now() - SEEN_EVERY


def held(connection: Connection, conversation_id: str) -> Held | None:
    """Who of staff has the conversation now, if anybody."""
    query = select(conversations).where(conversations.c.id == conversation_id)
    row = connection.execute(query).one_or_none()
    if row is None or row.held_since is None:
        return None
    person = find_person(connection, row.held_by)
    name = person.name if person else ""
    return Held(row.held_by, name, row.held_since, row.held_seen_at or row.held_since)


def join(
    connection: Connection,
    person: Person,
    conversation_id: str,
    holder: str,
    words: Words,
    weights: Weights,
) -> None:
    """Take a conversation over from the assistant, or from a colleague. The visitor is told.

    What still waited for the assistant is left to the person. Whoever has it already keeps it.

    Args:
        holder: the id of who was seen to have it; empty: nobody.

    Raises:
        CaseError: held, when somebody else has it by now.
        ChatError: not_found.
    """
    conversation = _lock(connection, conversation_id)
    present = held(connection, conversation_id)
    if present is not None and present.staff_id == person.id:
        return
    if (present.staff_id if present else "") != holder:
        raise CaseError("held")
    close_waiting(connection, conversation_id)
    _hold(connection, conversation_id, held_by=person.id, held_since=now(), held_seen_at=now())
    key = "relieved" if present else "joined"
    _tell(connection, conversation, words[key], "joined", person.name)
    project(connection, conversation_id, weights)
    case = casework.hold(connection, conversation_id)
    if not case.merged_into:
        casework.take_up(connection, person, case, "in_progress")
    casework.record(connection, person.id, "case.join", conversation_id, {"from": holder})


def speak(
    connection: Connection,
    person: Person,
    conversation_id: str,
    message_id: str,
    text: str,
    weights: Weights,
) -> bool:
    """Say something to the visitor; whether it is new. The id of a form sent twice is the same.

    Raises:
        CaseError: not_held, when the person has not (or no longer) the conversation; text_empty,
            text_long; message_id, when the id is none.
        ChatError: not_found.
    """
    conversation = _lock(connection, conversation_id)
    if not _MESSAGE_ID.fullmatch(message_id):
        raise CaseError("message_id")
    if connection.execute(select(outbox.c.id).where(outbox.c.id == message_id)).first():
        return False
    _must_hold(connection, person, conversation_id)
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise CaseError("text_empty")
    if len(text) > TEXT_LENGTH:
        raise CaseError("text_long")
    said = Reply(text, conversation.language, own={"staff": {"name": person.name}}, role="staff")
    say(connection, conversation, None, [said], ids=[message_id])
    _hold(connection, conversation_id, held_seen_at=now())
    casework.note_answer(connection, conversation_id, weights)
    casework.record(connection, person.id, "case.say", conversation_id, {"message": message_id})
    return True


def hand_back(
    connection: Connection,
    person: Person,
    conversation_id: str,
    summary: str,
    words: Words,
    weights: Weights,
) -> None:
    """Hand the conversation back to the assistant, which tells the visitor, with the summary.

    Raises:
        CaseError: not_held; text_long.
        ChatError: not_found.
    """
    conversation = _lock(connection, conversation_id)
    _must_hold(connection, person, conversation_id)
    summary = summary.replace("\r\n", "\n").replace("\0", "").strip()
    if len(summary) > TEXT_LENGTH:
        raise CaseError("text_long")
    sentence = words["left_with_summary" if summary else "left"]
    _release(connection, conversation, sentence, person.name, summary=summary)
    project(connection, conversation_id, weights)
    casework.record(connection, person.id, "case.hand_back", conversation_id)


def note_seen(connection: Connection, person: Person, conversation_id: str) -> None:
    """The person's page of a conversation that they have is open."""
    own = conversations.c.id == conversation_id, conversations.c.held_by == person.id
    connection.execute(update(conversations).where(*own).values(held_seen_at=now()))


def held_conversations(connection: Connection) -> list[str]:
    """The conversations that a person has."""
    query = select(conversations.c.id).where(conversations.c.held_since.is_not(None))
    return list(connection.execute(query).scalars())


def relieve(
    connection: Connection, conversation_id: str, after: timedelta, words: Words, weights: Weights
) -> bool:
    """Hand back what a person left: their page is closed, or the visitor is unanswered, for so
    long. What was not answered then waits for staff as a request for a person.

    Returns:
        Whether it was handed back.
    """
    conversation = lock_conversation(connection, conversation_id)
    present = held(connection, conversation_id)
    if conversation is None or present is None:
        return False
    waiting = _unanswered(connection, conversation_id, present.since)
    limit = now() - after
    gone = present.seen_at < limit or not present.name
    if not gone and (waiting is None or waiting.at >= limit):
        return False
    if waiting is not None:
        asked = {"conversation_id": conversation_id, "message_id": waiting.id}
        write_lead(connection, kind="person", language=conversation.language, **asked)
    sentence = words["forsaken_waiting" if waiting else "forsaken"]
    choices = ("declare_interest",) if waiting else ()
    _release(connection, conversation, sentence, present.name, choices)
    project(connection, conversation_id, weights)
    detail = {"person": present.staff_id, "unanswered": waiting is not None}
    casework.record(connection, audit.SYSTEM, "case.relieved", conversation_id, detail)
    return True


def _unanswered(connection: Connection, conversation_id: str, since: datetime) -> Row[Any] | None:
    """The first thing that the visitor said since staff last did."""
    spoken = 0
    own = (outbox.c.conversation_id == conversation_id, outbox.c.at >= since)
    for row in connection.execute(select(outbox.c.position, outbox.c.content).where(*own)):
        if row.content["role"] == "staff" or "staff" in row.content:
            spoken = max(spoken, row.position)
    query = select(inbox.c.id, inbox.c.at).where(
        inbox.c.conversation_id == conversation_id,
        inbox.c.position > spoken,
        inbox.c.at >= since,
    )
    return connection.execute(query.order_by(inbox.c.position).limit(1)).one_or_none()


def _release(
    connection: Connection,
    conversation: Conversation,
    sentence: Mapping[str, str],
    name: str,
    choices: Sequence[str] = (),
    **more: str,
) -> None:
    _hold(connection, conversation.id, held_by=None, held_since=None, held_seen_at=None)
    if _was_asking(connection, conversation.id):
        choices = ("resume", *choices)
    _tell(connection, conversation, sentence, "left", name, choices, **more)


def _was_asking(connection: Connection, conversation_id: str) -> bool:
    """Whether the assistant had last asked something, which it may ask again."""
    query = select(outbox.c.content).where(outbox.c.conversation_id == conversation_id)
    for content in connection.execute(query.order_by(outbox.c.position.desc())).scalars():
        if content["role"] == "assistant" and "staff" not in content:
            return content["kind"] in ASKING
    return False


def _tell(
    connection: Connection,
    conversation: Conversation,
    sentence: Mapping[str, str],
    state: str,
    name: str,
    choices: Sequence[str] = (),
    **more: str,
) -> None:
    """The assistant tells the visitor that a person has come or gone."""
    language = conversation.language
    titles = fresh_content(ROOT).choices
    notice = Reply(
        sentence[language].format(name=name, **more),
        language,
        kind="notice",
        choices=tuple((titles[key][language], f"/{key}") for key in choices),
        own={"staff": {"name": name, "state": state}},
    )
    say(connection, conversation, None, [notice])


def _lock(connection: Connection, conversation_id: str) -> Conversation:
    conversation = lock_conversation(connection, conversation_id)
    if conversation is None:
        raise ChatError("not_found", 404)
    return conversation


def _must_hold(connection: Connection, person: Person, conversation_id: str) -> None:
    present = held(connection, conversation_id)
    if present is None or present.staff_id != person.id:
        raise CaseError("not_held")


def _hold(connection: Connection, conversation_id: str, **values: Any) -> None:
    own = conversations.c.id == conversation_id
    connection.execute(update(conversations).where(own).values(**values))
