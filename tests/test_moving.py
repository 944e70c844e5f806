"""What leaves a public place for a private one, as use cases on the database."""

from __future__ import annotations

import filled
import pytest
from sqlalchemy import select

from mobilis.conversations import lock_conversation, receive_choice, receive_text
from mobilis.models import choices, inbox, places
from mobilis.moving import (
    KINDS,
    LEAVING,
    Said,
    how_said,
    is_greeting,
    is_late_greeting,
    is_personal,
    is_unseen,
    leave,
    move,
)
from mobilis.places import Place, meet
from mobilis.turns import Reply, say

HERE = Place("slack", "T1/C1/1.1/U1", "T1", {"user": "U1", "channel": "C1", "thread": "1.1"})
DIRECT = Place("slack", "T1/U1", "T1", {"user": "U1", "channel": ""})


@pytest.fixture(params=filled.KINDS)
def connection(request, tmp_path):
    with filled.database_of(request.param, request, tmp_path) as database:
        with database.write() as connection:
            yield connection


@pytest.fixture
def talk(connection) -> str:
    return meet(connection, HERE, "fr").conversation_id


def answer(connection, talk: str, message_id: str | None) -> None:
    conversation = lock_conversation(connection, talk)
    assert conversation
    replies = [Reply("Voici.", "fr"), Reply("?", "fr", "form", (("a", "/b"),))]
    say(connection, conversation, message_id, replies, ["introduced", "asked"])


def told(connection, key: str) -> list[tuple[str, str | None]]:
    """What somebody said at a place."""
    talk = select(places.c.conversation_id).where(places.c.key == key).scalar_subquery()
    query = select(inbox).where(inbox.c.conversation_id == talk, inbox.c.kind != "opened")
    return [(row.text, row.payload) for row in connection.execute(query)]


def test_what_was_typed_is_said_again_in_private_once_and_ended_here(connection, talk):
    receive_text(connection, talk, "message-1", "contacter Ann")
    answer(connection, talk, "message-1")
    for _ in range(2):
        assert len(move(connection, "asked", DIRECT)) == 2
    assert told(connection, DIRECT.key) == [("contacter Ann", None)]
    assert [payload for _, payload in told(connection, HERE.key)] == [None, "/stop"]


def test_what_was_pressed_is_pressed_again_in_private(connection, talk):
    conversation = lock_conversation(connection, talk)
    assert conversation
    say(connection, conversation, None, [Reply("?", "fr", choices=(("Suite", "/next"),))])
    choice = connection.execute(select(choices.c.id)).scalar_one()
    receive_choice(connection, talk, "message-1", choice)
    answer(connection, talk, "message-1")
    assert move(connection, "asked", DIRECT)
    assert told(connection, DIRECT.key) == [("Suite", "/next")]


def test_a_private_place_that_is_known_keeps_what_was_told_of_it(connection, talk):
    known = Place("slack", DIRECT.key, "T1", {"user": "U1", "channel": "D1"})
    there = meet(connection, known, "fr").conversation_id
    receive_text(connection, talk, "message-1", "contacter Ann")
    answer(connection, talk, "message-1")
    assert move(connection, "asked", DIRECT) == [there, talk]
    reference = select(places.c.reference).where(places.c.key == DIRECT.key)
    assert connection.execute(reference).scalar_one() == known.reference


def test_what_answers_nobody_cannot_be_moved(connection, talk):
    answer(connection, talk, None)
    assert move(connection, "asked", DIRECT) == []
    leave(connection, "asked")
    assert told(connection, HERE.key) == []


def test_what_was_erased_meanwhile_is_not_moved(connection):
    assert move(connection, "gone", DIRECT) == []
    leave(connection, "gone")
    assert how_said(connection, "gone") == Said()


def test_an_id_that_is_long_is_still_one_of_its_own(connection, talk):
    for last in "ab":
        receive_text(connection, talk, "m" * 63 + last, f"contacter {last}")
        conversation = lock_conversation(connection, talk)
        say(
            connection, conversation, "m" * 63 + last, [Reply("?", "fr", "form")], [f"asked-{last}"]
        )
        move(connection, f"asked-{last}", DIRECT)
    assert [text for text, _ in told(connection, DIRECT.key)] == ["contacter a", "contacter b"]
    ids = connection.execute(select(inbox.c.id)).scalars().all()
    assert max(len(id) for id in ids) <= 64


def test_how_a_message_came_to_be_said_is_known(connection, talk):
    receive_text(connection, talk, "message-1", "contacter Ann")
    answer(connection, talk, "message-1")
    assert how_said(connection, "introduced") == Said("message-1", "text", leads_on=True)
    assert how_said(connection, "asked") == Said("message-1", "text", is_first=False)


@pytest.mark.parametrize("kind", ["text", "faq", "coaches", "clarify", "notice", "result"])
def test_what_asks_nothing_personal_stays(kind):
    assert not is_personal({"kind": kind})
    assert not is_unseen({"kind": kind}, Said("message-1", "text"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_and_a_form_are_personal(kind):
    assert is_personal({"kind": kind})


def test_what_introduces_something_personal_has_no_place_before_others():
    leads = Said("message-1", "text", leads_on=True)
    assert is_unseen({"kind": "text"}, leads)
    assert not is_unseen({"kind": "text", "lead": {"reference": "M-1"}}, leads)
    assert not is_unseen({"kind": "faq"}, leads)


def test_what_only_ends_a_dialogue_is_answered_unseen():
    assert is_unseen({"kind": "notice"}, Said(f"{LEAVING}message-1", "choice"))


def test_a_greeting_is_known_by_what_it_answers():
    assert is_greeting(Said("x", "opened"))
    assert not is_greeting(Said("x", "text"))


def test_who_was_told_something_is_greeted_no_more():
    assert is_late_greeting(Said("x", "opened", is_first=False))
    assert not is_late_greeting(Said("x", "opened"))
    assert not is_late_greeting(Said("x", "text", is_first=False))
