"""What leaves a channel for a direct message, as use cases on the database."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from mobilis.conversations import lock_conversation, receive_choice, receive_text
from mobilis.errors import ChatError
from mobilis.models import choices, inbox, places
from mobilis.places import meet
from mobilis.turns import Reply, say
from mobilis.web.slack.inbound import thread
from mobilis.web.slack.privately import (
    INTENTS,
    ask_in_private,
    is_private,
    is_private_choice,
    leave,
    meet_directly,
)

HERE = thread("T1", "C1", "1.1", "U1")
ASKED = {"id": "asked", "kind": "form", "language": "fr"}


@pytest.fixture
def connection(database):
    with database.write() as connection:
        yield connection


@pytest.fixture
def talk(connection) -> str:
    return meet(connection, HERE, "fr").conversation_id


def answer(connection, talk: str, message_id: str | None) -> None:
    conversation = lock_conversation(connection, talk)
    assert conversation
    say(connection, conversation, message_id, [Reply("?", "fr", "form", (("a", "/b"),))], ["asked"])


def told_directly(connection) -> list[tuple[str, str | None]]:
    own = places.c.key == "T1/U1"
    talk = select(places.c.conversation_id).where(own).scalar_subquery()
    query = select(inbox).where(inbox.c.conversation_id == talk, inbox.c.kind != "opened")
    return [(row.text, row.payload) for row in connection.execute(query)]


def test_what_was_typed_is_said_again_in_a_direct_message_once(connection, talk):
    receive_text(connection, talk, "message-1", "contacter Ann")
    answer(connection, talk, "message-1")
    for _ in range(2):
        assert ask_in_private(connection, HERE, ASKED)
    assert told_directly(connection) == [("contacter Ann", None)]


def test_what_was_pressed_is_pressed_again_in_a_direct_message(connection, talk):
    conversation = lock_conversation(connection, talk)
    assert conversation
    say(connection, conversation, None, [Reply("?", "fr", choices=(("Suite", "/next"),))])
    choice = connection.execute(select(choices.c.id)).scalar_one()
    receive_choice(connection, talk, "message-1", choice)
    answer(connection, talk, "message-1")
    assert ask_in_private(connection, HERE, ASKED)
    assert told_directly(connection) == [("Suite", "/next")]


def test_what_answers_nobody_cannot_be_moved(connection, talk):
    answer(connection, talk, None)
    assert not ask_in_private(connection, HERE, ASKED)
    assert told_directly(connection) == []


def test_a_dialogue_of_a_conversation_that_is_gone_is_not_left(connection):
    with pytest.raises(ChatError) as refused:
        leave(connection, "unknown")
    assert refused.value.code == "unauthorized"


def test_the_direct_message_keeps_its_channel_once_it_is_known(connection):
    from mobilis.web.slack.inbound import direct

    first = meet(connection, direct("T1", "U1", "D1"), "fr")
    again = meet_directly(connection, HERE, "fr")
    assert again.conversation_id == first.conversation_id
    [reference] = connection.execute(select(places.c.reference)).scalars()
    assert reference == {"user": "U1", "channel": "D1"}
    connection.execute(delete(places))


@pytest.mark.parametrize("intent", INTENTS)
def test_a_button_that_asks_for_something_personal_is_private(intent):
    assert is_private_choice(f"/{intent}")
    assert is_private_choice(f'/{intent}{{"coach_id": "ann"}}')
    assert not is_private_choice(f"/{intent}_else")


def test_an_erasure_stays_where_it_is_asked_for():
    assert not is_private_choice("/delete_my_data")


@pytest.mark.parametrize("kind", ["text", "faq", "coaches", "clarify", "notice", "result"])
def test_what_asks_nothing_personal_stays(kind):
    assert not is_private({"kind": kind})
