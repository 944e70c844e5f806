"""The app is added and removed: a welcome in the person's language, and silence after the end."""

from __future__ import annotations

import pytest
from fake_teams import BOT, buttons, card, words
from sqlalchemy import func, select

from mobilis.conversations import lock_conversation
from mobilis.deliveries import push_again
from mobilis.models import conversations, deliveries, outbox, places
from mobilis.turns import Reply, say


def added(teams, chat, **more):
    return teams.activity("conversationUpdate", chat, membersAdded=[{"id": BOT}], **more)


def installed(teams, chat, action="add", **more):
    return teams.activity("installationUpdate", chat, action=action, **more)


def removed(teams, chat, **more):
    return installed(teams, chat, "remove", **more)


def talks(database):
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(conversations)).scalar_one()


@pytest.mark.parametrize(("locale", "greeting"), [("fr-CA", "Bonjour !"), ("en-CA", "Hello!")])
def test_a_person_is_welcomed_once_in_their_language(
    meet, teams, database, eventually, locale, greeting
):
    chat = meet(locale=locale)
    for activity in (added(teams, chat), installed(teams, chat), installed(teams, chat)):
        assert chat.send(activity).status_code == 202
    chat.say("a")
    eventually(lambda: chat.texts == [greeting, "echo a"])
    assert talks(database) == 1


def test_in_public_everybody_is_told_how_to_ask(meet, teams, eventually):
    chat = meet("channel", locale="en-CA")
    chat.send(added(teams, chat))
    eventually(lambda: len(chat.shown) == 1)
    assert "Mention me to ask a question here." in words(card(chat.shown[0]))
    assert buttons(card(chat.shown[0])) == {}


def test_a_removal_ends_what_is_sent_and_keeps_the_record(
    chat, teams, brain, database, caplog, eventually
):
    chat.say("a")
    eventually(lambda: len(chat.texts) == 2)
    assert chat.send(removed(teams, chat)).status_code == 202
    assert "the app was removed on Teams" in caplog.text
    with database.read() as connection:
        one = connection.execute(select(places.c.conversation_id)).scalar_one()
        said = connection.execute(select(func.count()).select_from(outbox)).scalar_one()
    assert said == 2
    say_to(database, one, "b")
    eventually(lambda: ("failed", "the app was removed from there") in states(database))
    assert chat.texts == ["Bonjour !", "echo a"]


def test_a_card_is_not_changed_where_the_app_was_removed(
    chat, teams, brain, database, teams_door, eventually
):
    chat.say("a")
    eventually(lambda: len(chat.texts) == 2)
    chat.send(removed(teams, chat))
    with database.write() as connection:
        row = connection.execute(select(outbox)).first()
        push_again(connection, row.conversation_id, row.id)
    eventually(lambda: ("failed", "the app was removed from there") in states(database))


def test_where_the_app_comes_back_the_conversation_goes_on(chat, teams, eventually):
    chat.say("a")
    eventually(lambda: len(chat.texts) == 2)
    chat.send(removed(teams, chat))
    back = (installed(teams, chat), added(teams, chat))
    for activity in (*back, *back):
        chat.send(activity)
    chat.say("b")
    eventually(lambda: chat.texts[-1:] == ["echo b"])
    assert chat.texts == [
        *("Bonjour !", "echo a"),
        "Rebonjour! Notre conversation reprend où elle en était.",
        "echo b",
    ]


def test_a_message_after_a_removal_that_was_lost_is_answered(chat, teams, eventually):
    chat.say("a")
    chat.send(removed(teams, chat))
    chat.say("b")
    eventually(lambda: "echo b" in chat.texts)


def test_an_old_removal_that_is_sent_again_ends_nothing(chat, teams, eventually):
    activity = removed(teams, chat)
    chat.say("a")
    chat.send(activity)
    chat.say("b")
    eventually(lambda: chat.texts == ["Bonjour !", "echo a", "echo b"])


def test_an_old_welcome_that_is_sent_again_begins_nothing(chat, teams, database, eventually):
    activity = installed(teams, chat)
    chat.send(activity)
    eventually(lambda: len(chat.texts) == 1)
    chat.send(removed(teams, chat))
    chat.send(activity)
    with database.read() as connection:
        assert "removed" in connection.execute(select(places.c.reference)).scalar_one()


def test_a_team_that_removes_the_app_ends_all_its_threads_and_no_others(
    meet, teams, database, eventually
):
    first = meet("channel")
    second = meet("channel", id=first.id.replace("1700", "1800"), channel_data=first.channel_data)
    other = meet("channel")
    for chat in (first, second, other):
        chat.say("a")
    eventually(lambda: all(chat.texts == ["echo a"] for chat in (first, second, other)))
    gone = teams.activity("conversationUpdate", first, membersRemoved=[{"id": BOT}])
    first.send(gone)
    with database.read() as connection:
        references = list(connection.scalars(select(places.c.reference)))
    assert sorted("removed" in reference for reference in references) == [False, True, True]
    first.send(installed(teams, first))
    with database.read() as connection:
        references = list(connection.scalars(select(places.c.reference)))
    assert not any("removed" in reference for reference in references)


def test_a_removal_where_nobody_spoke_is_nothing(chat, teams, database):
    assert chat.send(removed(teams, chat)).status_code == 202
    assert talks(database) == 0


def states(database):
    query = select(deliveries.c.state, deliveries.c.error).order_by(deliveries.c.number)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def say_to(database, conversation_id, text):
    with database.write() as connection:
        conversation = lock_conversation(connection, conversation_id)
        say(connection, conversation, None, [Reply(text, "fr")])
