"""What an activity changes in the database: a message taken in, a button pressed, the app added or
removed. Each is a use case, safe to run again for an activity that is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from mobilis.announcements import announce
from mobilis.conversations import (
    Message,
    lock_conversation,
    message_of,
    receive_text,
)
from mobilis.deliveries import press
from mobilis.errors import ChatError
from mobilis.models import choices, outbox, places
from mobilis.places import Place, find, meet
from mobilis.store import now
from mobilis.turns import Reply, say
from mobilis.web.teams.activities import CHANNEL, Activity
from mobilis.wording import DEFAULT_LANGUAGE, Sentences


@dataclass(frozen=True)
class Arrival:
    """The conversation of an activity, and whether the assistant has something to do."""

    conversation_id: str
    is_new: bool


def take_text(
    connection: Connection, activity: Activity, limit: int, errors: Sentences, words: Sentences
) -> Arrival:
    """Take in what somebody wrote, or tell them why it will not do."""
    meeting = meet(connection, activity.place, activity.language or DEFAULT_LANGUAGE)
    one, text = meeting.conversation_id, activity.text
    if text and len(text) <= limit:
        return Arrival(one, receive_text(connection, one, activity.message_id, text))
    sentence = errors["text_too_long"] if text else words["empty"]
    tell(connection, one, activity.message_id, sentence, limit=limit)
    return Arrival(one, False)


def take_choice(connection: Connection, activity: Activity) -> tuple[Arrival, Message]:
    """Take in a button that was pressed, once; its message as it is then.

    Raises:
        ChatError: choice_unknown, when it is no button of this conversation.
    """
    place = find(connection, CHANNEL, activity.place.key)
    if place is None:
        raise ChatError("choice_unknown", 404)
    one = place.conversation_id
    try:
        new = press(connection, one, activity.message_id, activity.choice)
    except ChatError as error:
        if error.code != "choice_used":
            raise
        new = False
    offered = select(choices.c.message_id).where(
        choices.c.id == activity.choice, choices.c.conversation_id == one
    )
    query = select(outbox).where(outbox.c.id == offered.scalar_subquery())
    row = connection.execute(query).one_or_none()
    if row is None:  # erased since
        raise ChatError("choice_unknown", 404)
    return Arrival(one, new), message_of(connection, row)


def tell_choice_is_gone(connection: Connection, activity: Activity, errors: Sentences) -> None:
    """Say so where somebody pressed a button of theirs that means nothing any more."""
    place = find(connection, CHANNEL, activity.place.key)
    if place is not None:
        sentence = errors["choice_unknown"]
        tell(connection, place.conversation_id, activity.message_id, sentence)


def welcome(connection: Connection, activity: Activity, words: Sentences) -> Arrival | None:
    """Greet where the app was added; where it comes back, say that it goes on.

    Returns:
        None when it was removed again since: the activity is an old one, sent again.
    """
    gone = [row for row in _places_of(connection, activity.place) if "removed" in row.reference]
    if any(activity.place.reference["at"] < row.reference["removed"] for row in gone):
        return None
    for row in gone:
        kept = {name: value for name, value in row.reference.items() if name != "removed"}
        _refer(connection, row, kept)
    meeting = meet(connection, activity.place, activity.language or DEFAULT_LANGUAGE)
    if meeting.conversation_id in [row.conversation_id for row in gone]:
        tell(connection, meeting.conversation_id, activity.message_id, words["welcome_back"])
    return Arrival(meeting.conversation_id, meeting.is_new)


def remove(connection: Connection, activity: Activity) -> int:
    """Send nothing any more to where the app was removed; what was said is kept, and staff
    are told. How many places.

    One that was written from after that is left alone: the app is back.
    """
    removed = str(activity.place.reference["at"])
    found = 0
    for row in _places_of(connection, activity.place):
        if not removed or row.reference.get("at", "") <= removed:
            _refer(connection, row, {**row.reference, "removed": removed})
            found += 1
    if found:
        cause = f"teams:{activity.place.workspace}:{activity.message_id}"
        announce(connection, "gone", cause, now())
    return found


def _places_of(connection: Connection, place: Place) -> list[Any]:
    """A personal chat's own place, or all places of a group."""
    here = (places.c.channel == CHANNEL, places.c.workspace == place.workspace)
    group = place.reference["group"]
    if not group:
        own = select(places).where(*here, places.c.key == place.key)
        return list(connection.execute(own).all())
    rows = connection.execute(select(places).where(*here)).all()
    return [row for row in rows if row.reference.get("group") == group]


def _refer(connection: Connection, row: Any, reference: dict[str, Any]) -> None:
    own = places.c.conversation_id == row.conversation_id
    connection.execute(update(places).where(own).values(reference=reference))


def tell(
    connection: Connection, conversation_id: str, message_id: str, sentence: Any, **values: Any
) -> None:
    """Say a sentence of ours in a conversation, once for a message id."""
    conversation = lock_conversation(connection, conversation_id)
    if (
        conversation is None
        or connection.execute(select(outbox.c.id).where(outbox.c.id == message_id)).first()
    ):
        return
    text = sentence[conversation.language].format(**values)
    reply = Reply(text, conversation.language, kind="notice")
    say(connection, conversation, None, [reply], [message_id])
