"""In public, the assessment and the form for contact details move to a personal chat."""

from __future__ import annotations

import pytest
from doors import say
from fake_teams import BOT, TENANT, buttons, card, personal_id, words
from sqlalchemy import select

from mobilis.conversations import lock_conversation
from mobilis.models import places
from mobilis.turns import Reply
from mobilis.turns import say as tell

MOVED = "Pour que vos réponses restent entre nous"


def assistant(question):
    """An assistant with an assessment and a form, in few words."""
    asked = question.get("text") or question.get("payload", "")
    options = [{"title": "A. Oui", "payload": '/answer{"option": "a"}'}]
    about = {"id": "impact", "number": 1, "of": 5}
    if asked.startswith("/conversation_opened"):
        return 200, {"messages": [say("Bonjour !")]}
    if asked in ("évalue-moi", "/start_assessment"):
        first = say("Quel impact?", kind="question", question=about, choices=options)
        return 200, {"messages": [say("Voici cinq questions."), first]}
    if asked == "laisse":
        return 200, {"messages": [say("Êtes-vous d'accord?", kind="form", choices=options)]}
    if asked == "/stop":
        return 200, {"messages": [say("D'accord, on arrête.")]}
    if asked == "offre":
        choices = [{"title": "Faire l'auto-évaluation", "payload": "/start_assessment"}]
        return 200, {"messages": [say("Que faire?", choices=choices)]}
    if asked == "une personne":
        lead = {"reference": "M-1", "kind": "person"}
        about = say("Encore", kind="question", question=about)
        return 200, {"messages": [say("Référence M-1", lead=lead), about]}
    return 200, {"messages": [say(f"echo {asked}")]}


@pytest.fixture(autouse=True)
def talks(brain):
    brain.script = assistant


def private(teams, chat):
    """What is shown in the personal chat of the person of a public place."""
    return teams.shown.get(personal_id(chat.person), [])


@pytest.mark.parametrize(
    ("asked", "question"), [("évalue-moi", "Quel impact?"), ("laisse", "Êtes-vous d'accord?")]
)
@pytest.mark.parametrize("kind", ["channel", "groupChat"])
def test_what_asks_about_oneself_is_asked_in_private(
    meet, teams, eventually, kind, asked, question
):
    chat = meet(kind)
    chat.say(asked)
    eventually(lambda: chat.texts)
    [shown] = chat.texts
    assert shown.startswith(MOVED)
    eventually(lambda: question in [activity["summary"] for activity in private(teams, chat)])
    assert question not in str(chat.shown)
    assert teams.opened == [
        {
            "bot": {"id": BOT},
            "members": [{"id": chat.person}],
            "isGroup": False,
            "tenantId": TENANT,
            "channelData": {"tenant": {"id": TENANT}},
        }
    ]


def test_its_introduction_moves_too_and_its_end_in_public_is_not_seen(
    meet, teams, brain, eventually
):
    chat = meet("channel")
    chat.say("évalue-moi")
    eventually(lambda: "/stop" in brain.texts())
    eventually(lambda: len(private(teams, chat)) == 3)
    assert [activity["summary"] for activity in private(teams, chat)] == [
        *("Bonjour !", "Voici cinq questions.", "Quel impact?"),
    ]
    chat.say("et encore")
    eventually(lambda: chat.texts[-1:] == ["echo et encore"])
    assert len(chat.texts) == 2


def test_a_button_in_public_is_followed_in_private(meet, teams, brain, eventually):
    chat = meet("channel")
    chat.say("offre")
    eventually(lambda: len(chat.shown) == 1)
    [choice] = buttons(card(chat.shown[0])).values()
    chat.press(choice)
    eventually(lambda: "Quel impact?" in [a["summary"] for a in private(teams, chat)])
    assert brain.texts().count("/start_assessment") == 2


def test_the_private_chat_goes_on_where_it_was(meet, teams, eventually):
    chat = meet("channel")
    alone = meet(person=chat.person)
    alone.say("avant")
    eventually(lambda: alone.texts == ["Bonjour !", "echo avant"])
    chat.say("évalue-moi")
    eventually(lambda: alone.texts[-1:] == ["Quel impact?"])
    [choice] = buttons(card(alone.shown[-1])).values()
    assert alone.press(choice).json()["statusCode"] == 200
    eventually(lambda: alone.texts[-1] == 'echo /answer{"option": "a"}')


def test_a_failure_on_the_way_moves_it_once(meet, teams, brain, eventually):
    chat = meet("channel")
    teams.faults.answers = [(502, {}), (502, {}), (429, {"Retry-After": "0"})]
    chat.say("évalue-moi")
    eventually(lambda: chat.texts and chat.texts[-1].startswith(MOVED))
    eventually(lambda: len(private(teams, chat)) == 3)
    chat.say("fin")
    eventually(lambda: chat.texts[-1:] == ["echo fin"])
    assert brain.texts().count("évalue-moi") == 2
    assert brain.texts().count("/stop") == 1


@pytest.mark.parametrize("status", [403, 404])
def test_who_cannot_be_written_to_is_told_what_to_do(meet, teams, brain, eventually, status):
    teams.faults.chat = status
    chat = meet("channel", locale="en-CA")
    chat.say("évalue-moi")
    eventually(lambda: chat.texts)
    assert chat.texts[0].startswith("Cette partie se fait en privé")  # as the answer was French
    assert "Quel impact?" not in str(teams.shown)
    eventually(lambda: brain.texts()[-1:] == ["/stop"])
    chat.say("et alors?")
    eventually(lambda: chat.texts[1:] == ["echo et alors?"])


def test_a_chat_that_cannot_be_opened_for_now_is_opened_later(meet, teams, eventually):
    teams.faults.chat = 503
    chat = meet("channel")
    chat.say("évalue-moi")
    eventually(lambda: len(teams.opened) >= 2)
    assert chat.texts == []
    teams.faults.chat = 0
    eventually(lambda: chat.texts and chat.texts[0].startswith(MOVED))


def test_a_reference_that_was_given_is_shown_where_it_was_asked_for(meet, eventually):
    chat = meet("channel")
    chat.say("une personne")
    eventually(lambda: "Référence M-1" in chat.texts)


def test_what_staff_say_is_shown_where_they_say_it(meet, database, teams, eventually):
    chat = meet("channel")
    chat.say("bonjour")
    eventually(lambda: chat.texts == ["echo bonjour"])
    with database.write() as connection:
        one = connection.execute(select(places.c.conversation_id)).scalar_one()
        reply = Reply("Me voici", "fr", role="staff", own={"staff": {"name": "Alex"}})
        tell(connection, lock_conversation(connection, one), None, [reply])
    eventually(lambda: chat.texts[-1:] == ["Me voici"])
    assert "Alex, de l'équipe du programme" in words(card(chat.shown[-1]))
