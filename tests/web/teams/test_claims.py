"""Staff are told in a channel of Teams, and claim cases there: who may, and what shows."""

from __future__ import annotations

import json

import pytest
from fake_teams import TENANT, Chat, card, elements, words
from hostile import PAYLOADS
from sqlalchemy import select
from talks import Talk

from mobilis import audit, staff
from mobilis.models import announcement_targets, announcements, cases
from mobilis.web.teams.announced import announced
from mobilis.web.teams.cards import escape

ROOM = "19:room@thread.tacv2"
ANN = "29:ann"


@pytest.fixture
def told_door(teams, open_door, database, eventually):
    """A front door that tells staff in a channel, where Ann is known by her address."""
    teams.members = {ANN: {"userPrincipalName": "Ann@Exemple.ca", "email": None}}
    door = open_door(**teams.settings(notices_teams=(TENANT, ROOM, teams.service)))

    def targets():
        with database.read() as connection:
            return connection.execute(select(announcement_targets)).all()

    eventually(targets)
    return door


@pytest.fixture
def room(teams, told_door):
    def of(person=ANN, **more):
        id = f"{ROOM};messageid=1700000000000"
        return Chat(teams, told_door.http.post, id, person, "channel", **more)

    return of


@pytest.fixture
def ann(database):
    with database.write() as connection:
        return staff.add_person(
            connection, email="ann@exemple.ca", name="Ann _Roy_", role="triager", language="fr"
        )


@pytest.fixture
def lead(told_door, teams, database, eventually):
    """Somebody asks for a person; the conversation."""
    talk = Talk(database, "en")
    talk.lead("person")
    talk.project()
    eventually(lambda: teams.shown.get(ROOM))
    return talk


def shown(teams):
    return card(teams.shown[ROOM][0])


def claim_of(teams):
    [button] = [e for e in elements(shown(teams)) if e["type"] == "Action.Execute"]
    return button


def press(teams, chat, id, **more):
    action = {"type": "Action.Execute", "verb": "claim", "data": {"claim": id}}
    value = {"action": action, "trigger": "manual"}
    activity = teams.activity("invoke", chat, name="adaptiveCard/action", value=value)
    return chat.send({**activity, **more})


def owner(database, talk):
    with database.read() as connection:
        own = cases.c.conversation_id == talk.id
        return connection.scalar(select(cases.c.owner_id).where(own))


def test_a_request_is_told_with_facts_a_link_and_a_button_for_old_clients_too(lead, teams):
    told = shown(teams)
    assert "Quelqu'un demande à parler à une personne de l'équipe" in words(told)
    assert "A demandé une personne (40)" in words(told)
    [link] = [e for e in elements(told) if e["type"] == "Action.OpenUrl"]
    assert link["url"] == f"https://chat.example.org/console/cases/{lead.id}"
    button = claim_of(teams)
    assert (button["verb"], button["title"]) == ("claim", "Prendre en charge")
    assert button["fallback"] == {
        "type": "Action.Submit",
        "title": button["title"],
        "data": button["data"],
    }


def test_a_press_makes_the_case_theirs_and_the_card_says_so(
    lead, teams, room, ann, database, eventually
):
    answer = press(teams, room(), claim_of(teams)["data"]["claim"])
    assert answer.json()["value"] == "Ce dossier est maintenant le vôtre."
    assert owner(database, lead) == ann.id
    eventually(lambda: "✓ Pris en charge par Ann \\_Roy\\_ (" in words(shown(teams)))
    assert [e for e in elements(shown(teams)) if e["type"] == "Action.Execute"] == []
    assert len(teams.shown[ROOM]) == 1
    with database.read() as connection:
        entry = [e for e in audit.entries(connection) if e.action == "case.claim"][-1]
    assert (entry.actor, entry.action) == (ann.id, "case.claim")
    assert json.loads(entry.detail) == {"by": "teams"}


def test_an_old_clients_press_does_too(lead, teams, room, ann, database, eventually):
    chat, id = room(), claim_of(teams)["data"]["claim"]
    assert chat.send(teams.activity("message", chat, value={"claim": id})).status_code == 202
    eventually(lambda: owner(database, lead) == ann.id)


def test_a_second_press_says_who_has_it(lead, teams, room, ann, database):
    with database.write() as connection:
        staff.add_person(connection, email="bo@exemple.ca", name="Bo", role="admin")
    teams.members["29:bo"] = {"userPrincipalName": "x@y.ca", "email": "bo@exemple.ca"}
    id = claim_of(teams)["data"]["claim"]
    press(teams, room(), id)
    answer = press(teams, room("29:bo"), id).json()
    assert answer["value"] == "Ann _Roy_ a déjà pris ce dossier en charge."
    assert press(teams, room(), id).json()["value"] == "Ce dossier est déjà le vôtre."
    assert owner(database, lead) == ann.id


@pytest.mark.parametrize(
    "member",
    [
        {"userPrincipalName": "nobody@exemple.ca", "email": "x@exemple.ca"},
        {"userPrincipalName": "ann_exemple.ca#EXT#@hote.ca", "email": "ann@exemple.ca"},
        {"userRole": "guest", "email": "ann@exemple.ca"},
        {"tenantId": "another", "email": "ann@exemple.ca"},
    ],
)
def test_a_stranger_a_guest_and_another_organization_claim_nothing(
    lead, teams, room, ann, database, member
):
    teams.members[ANN] = member
    answer = press(teams, room(), claim_of(teams)["data"]["claim"]).json()
    assert "Votre adresse n'est pas celle d'un compte" in answer["value"]
    assert owner(database, lead) is None


def test_who_has_no_address_or_is_unknown_claims_nothing(lead, teams, room, ann, database):
    id = claim_of(teams)["data"]["claim"]
    teams.members[ANN] = {"email": ""}
    assert "n'a pas pu être lue" in press(teams, room(), id).json()["value"]
    del teams.members[ANN]
    assert "Réessayez dans un instant" in press(teams, room(), id).json()["value"]
    assert owner(database, lead) is None


def test_another_tenant_another_conversation_and_another_id_claim_nothing(
    lead, teams, room, ann, database
):
    chat, id = room(), claim_of(teams)["data"]["claim"]
    other = "99999999-0000-4000-8000-000000000000"
    conversation = {"id": ROOM, "conversationType": "channel", "tenantId": other}
    foreign = {"conversation": conversation, "channelData": {"tenant": {"id": other}}}
    assert press(teams, chat, id, **foreign).status_code == 403
    chat.id = "19:elsewhere@thread.tacv2"
    assert "d'ici" in press(teams, chat, id).json()["value"]
    assert "d'ici" in press(teams, room(), "0" * 32).json()["value"]
    assert owner(database, lead) is None


def test_a_forged_press_claims_nothing(lead, teams, room, ann, database):
    chat, id = room(), claim_of(teams)["data"]["claim"]
    value = {"action": {"verb": "claim", "data": {"claim": id}}}
    activity = teams.activity("invoke", chat, name="adaptiveCard/action", value=value)
    forged = teams.token(key=teams.other_key)
    assert chat.send(activity, f"Bearer {forged}").status_code == 401
    assert chat.send(activity, "").status_code == 401
    assert owner(database, lead) is None


def test_teams_that_is_busy_is_tried_again(told_door, teams, database, eventually):
    teams.faults.answers += [(429, {"Retry-After": "0"}), (502, {})]
    talk = Talk(database, "en")
    talk.lead("person")
    talk.project()
    eventually(lambda: teams.shown.get(ROOM))
    assert len(teams.shown[ROOM]) == 1


def test_an_app_that_was_removed_from_somewhere_is_told(told_door, teams, room, eventually):
    chat = Chat(teams, told_door.http.post, "a:1", "29:somebody")
    chat.say("bonjour")
    eventually(lambda: chat.shown)
    chat.send(teams.activity("installationUpdate", chat, action="remove"))
    eventually(lambda: teams.shown.get(ROOM))
    assert "L'application a été retirée" in words(shown(teams))


def test_teams_that_refuses_for_good_is_a_dead_letter(told_door, teams, database, eventually):
    teams.faults.answers += [(403, {})]
    talk = Talk(database, "en")
    talk.lead("person")
    talk.project()

    def states():
        with database.read() as connection:
            return list(connection.scalars(select(announcements.c.state)))

    eventually(lambda: states() == ["failed"])


def test_the_word_in_a_channel_tells_the_setting(told_door, teams, room, eventually, brain):
    chat = room()
    assert chat.say("Avis ici").status_code == 202
    [told] = eventually(lambda: chat.shown)
    assert f"MOBILIS_NOTICES_TEAMS={TENANT},{ROOM},{teams.service}" in told["text"]
    assert brain.asked == []


def test_a_place_that_cannot_be_answered_in_stops_nothing(
    told_door, teams, room, eventually, brain, caplog
):
    teams.faults.answers += [(403, {})]
    room().say("notices here", locale="en-CA")
    eventually(lambda: "Teams answered 403" in caplog.text)
    chat = room()
    chat.say("notices here", locale="en-CA")
    [told] = eventually(lambda: chat.shown)
    assert "For the team to be told here" in told["text"]


def test_names_are_only_text():
    for name in PAYLOADS:
        told = {"title": "t", "facts": [name], "settled": name, "claim": "", "link": "l"}
        message = {"id": "x", "language": "fr", "announcement": {**told, "url": "https://a.ca"}}
        body = card(announced(message))["body"]
        assert body[1]["text"] == escape(name)
        assert "](" not in body[1]["text"].replace("\\](", "")
