"""Buttons of a channel that ask for something personal: it goes on in a direct message.

Use cases, each inside a transaction of its caller.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from mobilis.content import LANGUAGES
from mobilis.conversations import lock_conversation, receive_opening
from mobilis.deliveries import press
from mobilis.errors import ChatError
from mobilis.models import choices, inbox
from mobilis.moving import as_known
from mobilis.openings import Opening
from mobilis.places import Meeting, Place, meet
from mobilis.store import now
from mobilis.turns import Reply, say
from mobilis.web.slack.inbound import direct
from mobilis.wording import Sentences

# What a button may ask for that is nobody else's business. (An erasure is made where it is asked
# for: it is of what was said there.)
INTENTS = ("start_assessment", "resume", "start_over", "declare_interest", "request_human")


def is_private_choice(payload: str) -> bool:
    """Whether a button asks for something that is nobody else's business."""
    return payload.lstrip("/").partition("{")[0] in INTENTS


def personally(place: Place) -> Place:
    """The direct message with the person of a place; its channel may not be known."""
    return direct(place.workspace, str(place.reference["user"]), "")


def meet_directly(connection: Connection, place: Place, language: str) -> Meeting:
    """The conversation of the direct message with the person of a place."""
    return meet(connection, as_known(connection, personally(place)), language)


def press_in_private(
    connection: Connection,
    place: Place,
    message_id: str,
    choice_id: str,
    sentences: Sentences,
) -> bool:
    """Take in a button that was pressed in a channel, and go on in a direct message.

    Returns:
        Whether the message is new.

    Raises:
        ChatError: choice_unknown, choice_used; unauthorized, when the conversation is gone.
    """
    choice = connection.execute(select(choices).where(choices.c.id == choice_id)).one()
    here = choice.conversation_id
    if not press(connection, here, message_id, choice_id):
        return False
    # It is not for the assistant, here.
    own = (inbox.c.conversation_id == here, inbox.c.id == message_id)
    connection.execute(update(inbox).where(*own).values(state="done", done_at=now()))
    conversation = lock_conversation(connection, here)
    if conversation is None:
        raise ChatError("unauthorized", 401)
    language = conversation.language
    told = Reply(sentences["continue_direct"][language], language, kind="notice")
    say(connection, conversation, message_id, [told])
    meeting = meet_directly(connection, place, language)
    opening = Opening(choice.payload, dict.fromkeys(LANGUAGES, choice.title))
    receive_opening(connection, meeting.conversation_id, message_id, opening)
    return True
