"""What is personal leaves a channel for a direct message: the assessment, details, a person.

Use cases, each inside a transaction of its caller.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from mobilis.content import LANGUAGES, fresh_content
from mobilis.conversations import Message, lock_conversation, receive_opening, receive_text
from mobilis.deliveries import press
from mobilis.errors import ChatError
from mobilis.models import choices, inbox, outbox
from mobilis.openings import Opening
from mobilis.places import Meeting, Place, find, meet
from mobilis.settings import ROOT
from mobilis.store import now
from mobilis.turns import Reply, say
from mobilis.web.slack.inbound import direct
from mobilis.wording import Sentences

# What a button may ask for that is nobody else's business. (An erasure is made where it is asked
# for: it is of what was said there.)
INTENTS = ("start_assessment", "resume", "start_over", "declare_interest", "request_human")
# What the assistant asks that is not to be answered before others.
KINDS = ("question", "form")
LEAVING = "leaving-"  # what begins the id of a message that only leaves a dialogue


def is_private(message: Message) -> bool:
    """Whether a message asks something that is not to be answered before others."""
    return message["kind"] in KINDS


def is_private_choice(payload: str) -> bool:
    """Whether a button asks for something that is nobody else's business."""
    return payload.lstrip("/").partition("{")[0] in INTENTS


def meet_directly(connection: Connection, place: Place, language: str) -> Meeting:
    """The conversation of the direct message with the person of a place."""
    workspace, user = place.workspace, str(place.reference["user"])
    there = direct(workspace, user, "")
    known = find(connection, there.channel, there.key)
    channel = known.reference.get("channel", "") if known else ""
    return meet(connection, direct(workspace, user, channel), language)


def ask_in_private(connection: Connection, place: Place, message: Message) -> bool:
    """Say again in a direct message what led to a message of a channel; whether that could be
    done."""
    query = (
        select(inbox)
        .join(outbox, outbox.c.in_reply_to == inbox.c.id)
        .where(outbox.c.id == message["id"], inbox.c.conversation_id == outbox.c.conversation_id)
    )
    asked = connection.execute(query).one_or_none()
    if asked is None:
        return False
    talk = meet_directly(connection, place, message["language"]).conversation_id
    if asked.payload is None:
        receive_text(connection, talk, asked.id, asked.text)
    else:
        title = dict.fromkeys(LANGUAGES, asked.text)
        receive_opening(connection, talk, asked.id, Opening(asked.payload, title))
    return True


def leave(connection: Connection, message_id: str) -> None:
    """Leave the dialogue of a message where it stands; what is answered to that is not shown.

    Raises:
        ChatError: unauthorized, when the conversation is gone.
    """
    query = select(outbox.c.conversation_id).where(outbox.c.id == message_id)
    conversation_id = connection.execute(query).scalar()
    if conversation_id is None:
        raise ChatError("unauthorized", 401)
    stop = Opening("/stop", fresh_content(ROOT).choices["stop"])
    receive_opening(connection, conversation_id, f"{LEAVING}{message_id}"[:64], stop)


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
