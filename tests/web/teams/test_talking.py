"""Talking on Teams: a message is acknowledged, answered once and in order, where it was said."""

from __future__ import annotations

import time

from doors import echo, say
from fake_teams import buttons, card, words


def test_a_message_is_acknowledged_at_once_and_answered_afterwards(chat, brain, eventually):
    def slow(question):
        time.sleep(0.5)
        return echo(question)

    brain.script = slow
    begun = time.monotonic()
    assert chat.say("bonjour").status_code == 202
    assert time.monotonic() - begun < 0.4
    eventually(lambda: chat.texts == ["Bonjour !", "echo bonjour"])


def test_a_redelivered_activity_is_the_same_message(chat, brain, teams, eventually):
    activity = teams.message(chat, "une fois")
    for _ in range(3):
        assert chat.send(activity).status_code == 202
    chat.say("fin")
    eventually(lambda: chat.texts[-1:] == ["echo fin"])
    assert chat.texts == ["Bonjour !", "echo une fois", "echo fin"]


def test_a_redelivery_after_a_restart_is_the_same_message(
    chat, brain, teams, teams_door, eventually
):
    activity = teams.message(chat, "une fois")
    chat.send(activity)
    eventually(lambda: len(chat.texts) == 2)
    teams_door.stop()
    teams_door.start()
    chat.send(activity)
    chat.say("fin")
    eventually(lambda: chat.texts[-1:] == ["echo fin"])
    assert chat.texts.count("echo une fois") == 1


def test_typed_text_is_only_ever_text(chat, brain, eventually):
    chat.say('/restart{"a": 1}')
    eventually(lambda: len(brain.answered) == 2)
    assert brain.answered[1]["text"] == '/restart{"a": 1}'
    assert "payload" not in brain.answered[1]


def test_a_press_replaces_the_card_by_one_that_shows_what_was_chosen(chat, brain, eventually):
    brain.script = offering
    chat.say("vas-y")
    eventually(lambda: len(chat.shown) == 2)
    offered = buttons(card(chat.shown[1]))
    assert list(offered) == ["Oui", "Non"]
    answer = chat.press(offered["Non"]).json()
    assert (answer["statusCode"], answer["type"]) == (
        200,
        "application/vnd.microsoft.card.adaptive",
    )
    assert buttons(answer["value"]) == {}
    assert "✓ Votre choix : Non" in words(answer["value"])
    eventually(lambda: chat.texts[-1:] == ["payload /deny"])
    eventually(lambda: buttons(card(chat.shown[1])) == {})
    assert "Votre choix : Non" in words(card(chat.shown[1]))


def offering(question):
    if question.get("text") == "vas-y":
        choices = [{"title": "Oui", "payload": "/affirm"}, {"title": "Non", "payload": "/deny"}]
        return 200, {"messages": [say("Alors?", choices=choices, kind="clarify")]}
    return echo(question)
