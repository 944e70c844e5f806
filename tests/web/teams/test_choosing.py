"""Buttons on Teams: pressed once, by the person they are for, on old clients and new ones."""

from __future__ import annotations

import pytest
from doors import echo, say
from fake_teams import buttons, card, elements, words
from sqlalchemy import select

from mobilis.models import choices
from mobilis.privacy import erase_conversation

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"


@pytest.fixture
def offered(chat, brain, eventually):
    """The ids of two buttons that were offered in the chat, by their words."""
    brain.script = offering
    chat.say("vas-y")
    eventually(lambda: len(chat.shown) == 2)
    return buttons(card(chat.shown[1]))


def offering(question):
    if question.get("text") == "vas-y":
        two = [{"title": "Oui", "payload": "/affirm"}, {"title": "Non", "payload": "/deny"}]
        return 200, {"messages": [say("Alors?", choices=two, kind="clarify")]}
    return echo(question)


def test_a_button_says_nothing_but_an_opaque_id(chat, offered, database):
    executes = [e for e in elements(card(chat.shown[1])) if e["type"] == "Action.Execute"]
    assert [e["data"] for e in executes] == [{"choice": id} for id in offered.values()]
    assert "/affirm" not in str(chat.shown[1])
    with database.read() as connection:
        assert set(connection.scalars(select(choices.c.id))) == set(offered.values())


def test_a_button_of_an_old_client_is_a_submit_with_the_same_id(chat, offered):
    for element in elements(card(chat.shown[1])):
        if element["type"] == "Action.Execute":
            fallback = element["fallback"]
            assert fallback["type"] == "Action.Submit"
            assert (fallback["title"], fallback["data"]) == (element["title"], element["data"])


def test_a_second_press_shows_the_first_choice_and_does_nothing(chat, offered, brain, eventually):
    chat.press(offered["Oui"])
    again = chat.press(offered["Non"]).json()
    assert again["type"] == CARD
    assert "Votre choix : Oui" in words(again["value"])
    chat.say("fin")
    eventually(lambda: chat.texts[-1:] == ["echo fin"])
    assert brain.texts()[-2:] == ["/affirm", "fin"]


def test_a_press_that_is_sent_again_is_the_same_press(chat, offered, teams, brain, eventually):
    activity = teams.press(chat, offered["Oui"])
    answers = [chat.send(activity).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    chat.say("fin")
    eventually(lambda: chat.texts[-1:] == ["echo fin"])
    assert brain.texts().count("/affirm") == 1


def test_an_old_clients_press_is_taken_and_its_card_changed(
    chat, offered, teams, brain, eventually
):
    activity = teams.activity("message", chat, value={"choice": offered["Oui"]})
    for _ in range(2):
        assert chat.send(activity).status_code == 202
    eventually(lambda: brain.texts()[-1:] == ["/affirm"])
    eventually(lambda: "Votre choix : Oui" in words(card(chat.shown[1])))
    assert buttons(card(chat.shown[1])) == {}


def test_an_old_clients_second_press_does_nothing(chat, offered, teams, brain, eventually):
    for title in ("Oui", "Non"):
        chat.send(teams.activity("message", chat, value={"choice": offered[title]}))
    chat.say("fin")
    eventually(lambda: chat.texts[-1:] == ["echo fin"])
    assert "/deny" not in brain.texts()


def test_an_old_clients_button_that_means_nothing_is_said_to(chat, offered, teams, eventually):
    chat.send(teams.activity("message", chat, value={"choice": "made up"}))
    eventually(lambda: chat.texts[-1].startswith("Ce choix n'est plus offert."))


def test_an_old_clients_button_where_nobody_has_spoken_is_taken_for_nothing(meet, teams, brain):
    chat = meet()
    answer = chat.send(teams.activity("message", chat, value={"choice": "made up"}))
    assert answer.status_code == 202
    assert brain.asked == []


@pytest.mark.parametrize("choice", ["made up", "x" * 1000, ""])
def test_a_button_that_was_never_offered_is_answered_in_words(chat, offered, choice, brain):
    answer = chat.press(choice).json()
    assert (answer["statusCode"], answer["type"]) == (200, MESSAGE)
    assert answer["value"].startswith("Ces boutons répondent à la personne")
    assert "made up" not in brain.texts()


def test_somebody_elses_press_is_answered_in_words_and_changes_nothing(
    meet, brain, teams, eventually
):
    asking = meet("channel")
    passing = meet("channel", id=asking.id, locale="en-CA")
    brain.script = offering
    asking.say("vas-y")
    eventually(lambda: len(asking.shown) == 1)
    two = buttons(card(asking.shown[0]))
    answer = passing.press(two["Oui"]).json()
    assert answer["value"].startswith("These buttons are for the person who asked")
    passing.say("moi aussi")
    answer = passing.press(two["Oui"]).json()
    assert answer["type"] == MESSAGE
    assert "/affirm" not in brain.texts()
    assert buttons(card(asking.shown[0])) == two
    assert asking.press(two["Oui"]).json()["type"] == CARD


@pytest.mark.parametrize(
    "value",
    [
        {"action": {"verb": "other", "data": {"choice": "x"}}},
        {"action": {"verb": "choose", "data": {}}},
        {"action": {"verb": "choose", "data": {"choice": 7}}},
        {"action": {"verb": "choose"}},
    ],
    ids=str,
)
def test_a_press_that_makes_no_sense_is_refused(chat, teams, value):
    activity = teams.activity("invoke", chat, name="adaptiveCard/action", value=value)
    assert chat.send(activity).status_code == 400


def test_a_press_that_nothing_came_of_gives_the_buttons_back(
    chat, offered, brain, database, eventually
):
    brain.script = lambda question: (422, {})
    chat.press(offered["Oui"])
    eventually(lambda: any("n'a pas pu recevoir de réponse" in text for text in chat.texts))
    eventually(lambda: buttons(card(chat.shown[1])) == offered)
    brain.script = offering
    chat.press(offered["Oui"])
    eventually(lambda: brain.texts()[-1:] == ["/affirm"])


def test_an_erased_message_has_no_buttons_any_more(chat, offered, database):
    with database.erase() as connection:
        one = connection.execute(select(choices.c.conversation_id).limit(1)).scalar_one()
        erase_conversation(connection, one, "teams")
    assert chat.press(offered["Oui"]).json()["type"] == MESSAGE
