"""Talking on Teams: a message is acknowledged, answered once and in order, where it was said."""

from __future__ import annotations

import threading
import time

from doors import echo, say
from fake_teams import buttons, card, words

from mobilis.errors import StoreError
from mobilis.web.door import Door
from mobilis.web.teams import composing


def test_a_message_is_acknowledged_at_once_and_answered_afterwards(chat, brain, eventually):
    acknowledged = threading.Event()

    def late(question):
        acknowledged.wait(4)
        return echo(question)

    brain.script = late
    assert chat.say("bonjour").status_code == 202
    assert brain.answered == []
    acknowledged.set()
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
    assert "✓ Votre choix : Non" in words(answer["value"])
    eventually(lambda: chat.texts[-1:] == ["payload /deny"])
    eventually(lambda: buttons(card(chat.shown[1])) == {})
    assert "Votre choix : Non" in words(card(chat.shown[1]))


def offering(question):
    if question.get("text") == "vas-y":
        choices = [{"title": "Oui", "payload": "/affirm"}, {"title": "Non", "payload": "/deny"}]
        return 200, {"messages": [say("Alors?", choices=choices, kind="clarify")]}
    return echo(question)


# Where a conversation is


def test_a_personal_chat_a_thread_and_a_group_never_share_a_conversation(meet, brain, eventually):
    person = "29:somebody"
    chats = [meet(person=person), meet("channel", person=person), meet("groupChat", person=person)]
    for chat in chats:
        chat.say("ici")
    eventually(lambda: len(conversations_of(brain, "ici")) == 3)
    eventually(lambda: all(chat.texts[-1:] == ["echo ici"] for chat in chats))


def test_two_threads_of_a_channel_are_two_conversations(meet, brain, eventually):
    first = meet("channel", person="29:somebody")
    second = meet("channel", person="29:somebody", id=first.id.replace("1700", "1800"))
    first.say("ici")
    second.say("ici")
    eventually(lambda: len(conversations_of(brain, "ici")) == 2)
    eventually(lambda: first.texts == second.texts == ["echo ici"])


def test_two_people_in_one_thread_have_two_conversations(meet, brain, eventually):
    first = meet("channel")
    second = meet("channel", id=first.id)
    first.say("un")
    second.say("deux")
    eventually(lambda: sorted(first.texts) == ["echo deux", "echo un"])
    assert conversations_of(brain, "un") != conversations_of(brain, "deux")


def test_the_same_person_of_another_tenant_is_another_one(
    teams, open_door, brain, eventually, meet
):
    chat = meet()
    door = open_door(**teams.settings(teams_allowed_tenants=("*",)))
    chat.post = door.http.post
    other = "11111111-2222-4333-8444-555555555555"
    chat.say("ici")
    where = {"id": chat.id, "conversationType": "personal", "tenantId": other}
    chat.say("ici", conversation=where, channelData={"tenant": {"id": other}})
    eventually(lambda: len(conversations_of(brain, "ici")) == 2)


def test_an_identifier_of_any_length_is_one_conversation(meet, brain, eventually):
    chat = meet("groupChat", id=f"19:{'x' * 300}@thread.v2")
    chat.say("un")
    chat.say("deux")
    eventually(lambda: chat.texts == ["echo un", "echo deux"])
    assert conversations_of(brain, "un") == conversations_of(brain, "deux")


def test_in_public_there_is_no_greeting_before_an_answer(meet, eventually):
    chat = meet("channel")
    chat.say("bonjour")
    eventually(lambda: chat.texts == ["echo bonjour"])


# Mentions


def test_in_public_only_a_mention_is_answered(meet, teams, brain, eventually):
    chat = meet("groupChat")
    assert chat.say("entre nous", mention=False).status_code == 202
    chat.say("et toi?")
    eventually(lambda: chat.texts == ["echo et toi?"])
    assert "entre nous" not in brain.texts()


def test_a_mention_of_somebody_else_is_none_of_us(meet, teams, brain):
    chat = meet("groupChat")
    activity = teams.message(chat, "<at>Alex</at> viens", mention=False)
    activity["entities"].append(
        {"type": "mention", "text": "<at>Alex</at>", "mentioned": {"id": "29:alex"}}
    )
    assert chat.send(activity).status_code == 202
    assert brain.asked == []


def test_mentions_are_stripped_and_other_peoples_names_stay(meet, teams, brain, eventually):
    chat = meet("groupChat")
    activity = teams.message(chat, 'est-ce que <at id="1">Alex</at> &amp; moi pouvons?')
    activity["entities"].append(
        {"type": "mention", "text": '<at id="1">Alex</at>', "mentioned": {"id": "29:alex"}}
    )
    chat.send(activity)
    eventually(lambda: "est-ce que Alex & moi pouvons?" in brain.texts())


def test_a_mention_alone_is_told_what_is_read(meet, eventually):
    chat = meet("groupChat")
    chat.say("")
    eventually(lambda: chat.texts == ["Je ne lis que du texte. Écrivez-moi votre question."])


def test_a_picture_is_told_what_is_read_once(meet, teams, eventually):
    chat = meet(locale="en-CA")
    activity = teams.message(chat, "", attachments=[{"contentType": "image/png"}])
    chat.send(activity)
    chat.send(activity)
    chat.say("hello")
    eventually(lambda: chat.texts[-1:] == ["echo hello"])
    assert chat.texts.count("I can only read text. Type your question to me.") == 1


def test_what_is_too_long_is_said_to_be(chat, brain, eventually):
    chat.say("x" * 2001)
    eventually(lambda: any("2000 caractères" in text for text in chat.texts))
    assert not any("x" * 100 in text for text in brain.texts())


def test_control_characters_are_removed(chat, brain, eventually):
    chat.say("bon\x00jour\u0007")
    eventually(lambda: "bonjour" in brain.texts())


# Languages


def test_the_first_language_is_that_of_the_persons_teams(meet, eventually):
    french, english = meet(locale="fr-CA"), meet(locale="en-US")
    french.say("a")
    english.say("a")
    eventually(lambda: french.texts == ["Bonjour !", "echo a"])
    eventually(lambda: english.texts == ["Hello!", "echo a"])


def test_without_a_locale_the_clients_tells_the_language(meet, teams, eventually):
    chat = meet(locale="en-GB")
    chat.say("a", locale=None)
    eventually(lambda: chat.texts[:1] == ["Hello!"])


def test_a_language_that_we_do_not_speak_is_greeted_in_french(meet, eventually):
    chat = meet(locale="de-DE")
    chat.say("a", entities=None)
    eventually(lambda: chat.texts[:1] == ["Bonjour !"])


def test_a_conversation_keeps_its_language_whatever_the_locale(meet, brain, eventually):
    def english(question):
        return 200, {"messages": [say("in English", language="en")]}

    chat = meet(locale="fr-CA")
    brain.script = english
    chat.say("please")
    eventually(lambda: len(chat.shown) == 2)
    brain.script = lambda question: (200, {"messages": [say("again", language=None)]})
    chat.say("more")
    eventually(lambda: len(chat.shown) == 3)
    assert chat.shown[-1]["locale"] == "en"


# What is not answered


def test_reactions_edits_and_what_else_happens_are_ignored(chat, teams, brain):
    told = [
        teams.activity("messageReaction", chat, reactionsAdded=[{"type": "like"}]),
        teams.activity("messageUpdate", chat, text="corrigé"),
        teams.activity("messageDelete", chat),
        teams.activity("typing", chat),
        teams.activity("event", chat, name="application/vnd.microsoft.meetingStart"),
        teams.activity("conversationUpdate", chat, membersAdded=[{"id": "29:alex"}, 7]),
        teams.activity("conversationUpdate", chat, channelData={"eventType": "channelRenamed"}),
        teams.activity("installationUpdate", chat, action="add-upgrade"),
    ]
    for activity in told:
        activity["channelData"]["tenant"] = {"id": activity["conversation"]["tenantId"]}
        assert chat.send(activity).status_code == 202
    assert brain.asked == []
    assert teams.shown == {}


def test_another_bot_is_not_talked_with(meet, teams, brain):
    chat = meet(person="28:another")
    assert chat.say("bonjour").status_code == 202
    assert brain.asked == []


def test_a_database_that_refuses_makes_teams_come_back(chat, brain, monkeypatch, eventually):
    def refuse(*given):
        raise StoreError("the database refused: x")

    with monkeypatch.context() as patch:
        patch.setattr(Door, "write", refuse)
        answer = chat.say("bonjour")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert brain.asked == []


def test_an_invoke_that_is_none_of_ours_is_not_implemented(chat, teams):
    activity = teams.activity("invoke", chat, name="composeExtension/query", value={})
    assert chat.send(activity).status_code == 501


# While the assistant works


def test_typing_is_shown_while_the_assistant_works(chat, teams, brain, eventually):
    def slow(question):
        time.sleep(0.8)
        return echo(question)

    brain.script = slow
    chat.say("bonjour")
    eventually(lambda: len(teams.typing) >= 2)
    assert chat.texts == []
    eventually(lambda: chat.texts[-1:] == ["echo bonjour"])
    time.sleep(0.3)
    shown = len(teams.typing)
    time.sleep(0.4)
    assert len(teams.typing) == shown


def test_a_quick_answer_comes_without_typing(chat, teams, monkeypatch, eventually):
    monkeypatch.setattr(composing, "AFTER", 5.0)
    chat.say("bonjour")
    eventually(lambda: len(chat.texts) == 2)
    assert teams.typing == []


def test_typing_that_cannot_be_shown_harms_nothing(chat, teams, brain, eventually):
    def slow(question):
        time.sleep(0.3)
        return echo(question)

    brain.script = slow
    teams.faults.tokens = [(500, b"{}")]
    chat.say("bonjour")
    eventually(lambda: chat.texts[-1:] == ["echo bonjour"])


def test_too_many_messages_a_minute_are_put_off(teams, open_door, chat):
    chat.post = open_door(**teams.settings(messages_per_minute=2)).http.post
    answers = [chat.say(f"{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].headers["retry-after"]


def conversations_of(brain, text):
    return {asked["conversation"] for asked in brain.answered if asked.get("text") == text}
