"""The Home tab, the commands, the shortcut and the form."""

from __future__ import annotations

import json

import pytest
from fakes.slack import broken
from sqlalchemy import select

from mobilis.content import load_content
from mobilis.errors import ContentError
from mobilis.models import inbox, leads
from mobilis.settings import ROOT
from mobilis.web.slack import views

CONTENT = load_content(ROOT)
FILLED = {
    "name": "Marie Roy",
    "organization": "Maison des aînés",
    "email": "marie@exemple.ca",
    "message": "",
}


def kept(database):
    with database.read() as connection:
        return connection.execute(select(leads)).all()


def payloads(database):
    with database.read() as connection:
        query = select(inbox).where(inbox.c.kind == "choice").order_by(inbox.c.position)
        return [row.payload for row in connection.execute(query)]


def buttons(view):
    return [element["text"]["text"] for element in view["blocks"][2]["elements"]]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (
            "someone",
            [
                "Faire l'auto-évaluation",
                "Reprendre où j'en étais",
                "Trouver une ou un coach",
                "Laisser mes coordonnées",
            ],
        ),
        (
            "anglophone",
            [
                "Take the self-assessment",
                "Pick up where I left off",
                "Find a coach",
                "Leave my details",
            ],
        ),
    ],
)
def test_the_home_tab_offers_to_start_resume_and_find_a_coach_in_the_persons_language(
    request, slack, eventually, who, words
):
    person = request.getfixturevalue(who)
    person.send(person.event({"type": "app_home_opened", "user": person.user, "tab": "home"}))
    eventually(lambda: person.user in slack.homes)
    assert buttons(slack.homes[person.user]) == words


def test_the_home_tab_follows_the_language_of_the_conversation(
    anglophone, slack, brain, eventually
):
    from doors import say

    brain.script = lambda question: (200, {"messages": [say("D'accord.", language="fr")]})
    anglophone.says("en français")
    eventually(lambda: len(slack.posts) == 2)
    event = {"type": "app_home_opened", "user": "U2", "tab": "home"}
    anglophone.send(anglophone.event(event))
    eventually(lambda: "U2" in slack.homes)
    assert buttons(slack.homes["U2"])[0] == "Faire l'auto-évaluation"


def test_opening_the_messages_tab_shows_no_home(someone, slack, eventually):
    someone.send(someone.event({"type": "app_home_opened", "user": "U1", "tab": "messages"}))
    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    assert slack.homes == {}


@pytest.mark.parametrize(("action", "intent"), views.HOME.items())
def test_a_button_of_the_home_tab_begins_in_the_direct_message(
    someone, slack, database, eventually, action, intent
):
    assert someone.presses_home(action).status_code == 200
    eventually(lambda: f"payload /{intent}" in slack.said(someone.direct))
    eventually(lambda: "U1" in slack.homes)
    assert "Messages" in json.dumps(slack.homes["U1"]["blocks"][3], ensure_ascii=False)


def test_a_home_that_cannot_be_shown_is_only_logged(someone, slack, eventually, caplog):
    slack.next["views.publish"].append(broken(500))
    someone.send(someone.event({"type": "app_home_opened", "user": "U1", "tab": "home"}))
    eventually(lambda: "Slack refuses: 500" in caplog.text)


@pytest.mark.parametrize(
    ("command", "hello", "answer"),
    [
        ("/preparation", "Bonjour !", "C'est parti : je vous ai écrit en message direct."),
        ("/readiness", "Hello!", "Here we go: I've sent you a direct message."),
    ],
)
def test_a_command_begins_the_assessment_in_a_direct_message_in_its_language(
    someone, slack, eventually, command, hello, answer
):
    answered = someone.commands(command)
    assert (answered.status_code, answered.text) == (200, answer)
    eventually(lambda: len(slack.posts) == 2)
    assert slack.said(someone.direct) == [hello, "payload /start_assessment"]
    assert slack.said("C1") == []


def test_a_command_changes_the_language_of_the_conversation_to_its_own(
    someone, slack, database, eventually
):
    someone.says("bonjour")
    someone.commands("/readiness")
    eventually(lambda: len(slack.posts) == 4)
    assert payloads(database) == ['/switch_language{"language": "en"}', "/start_assessment"]


def test_the_same_command_sent_again_begins_once(someone, slack, database, eventually):
    for _ in range(2):
        someone.commands("/preparation", trigger="1.2.abc")
    eventually(lambda: len(slack.posts) == 2)
    assert payloads(database) == ["/start_assessment"]


def test_a_command_that_we_do_not_have_is_acknowledged(someone, database):
    assert someone.commands("/other").status_code == 200
    assert payloads(database) == []


def test_the_direct_message_is_opened_once(someone, slack, eventually):
    person = someone
    person.user = "U77"
    person.commands("/preparation")
    eventually(lambda: len(slack.posts) == 2)
    assert [call["users"] for call in slack.called("conversations.open")] == ["U77"]


# The form


def opens(person, slack, eventually, how="home"):
    if how == "home":
        person.presses_home(views.HOME_FORM)
    else:
        person.interacts({"type": "shortcut", "callback_id": "declare_interest"})
    return eventually(lambda: slack.opened)[-1]["view"]


@pytest.mark.parametrize("how", ["home", "shortcut"])
@pytest.mark.parametrize("who", ["someone", "anglophone"])
def test_the_form_opens_with_the_question_for_consent_of_the_conversation(
    request, slack, eventually, how, who
):
    person = request.getfixturevalue(who)
    language = "fr" if who == "someone" else "en"
    view = opens(person, slack, eventually, how)
    assert slack.opened[-1]["trigger_id"].endswith(".trigger")
    consent = CONTENT.wording["lead_consent"][language].format(days=730)
    assert view["blocks"][0]["text"]["text"] == consent
    assert view["private_metadata"] == language


def test_where_leads_are_kept_for_ever_the_form_says_so():
    words = views.consent_words("fr", CONTENT, 0)
    assert words == CONTENT.wording["lead_consent_unlimited"]["fr"]


def test_a_form_that_is_sent_keeps_the_details_and_says_so_in_the_direct_message(
    someone, slack, database, eventually
):
    view = opens(someone, slack, eventually)
    answer = someone.sends_form(view, consent=True, **FILLED).json()
    [lead] = kept(database)
    assert (lead.kind, lead.name) == ("interest", "Marie Roy")
    assert lead.organization == FILLED["organization"]
    assert (lead.email, lead.message, lead.language) == ("marie@exemple.ca", None, "fr")
    assert lead.consent_at is not None
    assert answer["response_action"] == "update"
    assert lead.reference in json.dumps(answer["view"])
    eventually(lambda: any(lead.reference in text for text in slack.said(someone.direct)))


def test_the_same_form_sent_again_is_kept_once(someone, slack, database, eventually):
    view = opens(someone, slack, eventually)
    for _ in range(2):
        someone.sends_form(view, consent=True, **FILLED)
    [lead] = kept(database)
    someone.says("et après?")
    eventually(lambda: "echo et après?" in slack.said(someone.direct))
    assert len(slack.posts) == 2  # and no greeting of whoever was told that already
    assert sum(lead.reference in text for text in slack.said(someone.direct)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "12345"),
        ("organization", " "),
        ("organization", "a@b.ca"),
        ("email", "pas une adresse"),
        ("email", ""),
        ("message", "x" * 2001),
    ],
)
@pytest.mark.parametrize("who", ["someone", "anglophone"])
def test_what_is_wrong_is_said_in_its_field_and_nothing_is_kept(
    request, slack, database, eventually, field, value, who
):
    person = request.getfixturevalue(who)
    language = "fr" if who == "someone" else "en"
    view = opens(person, slack, eventually)
    answer = person.sends_form(view, consent=True, **{**FILLED, field: value}).json()
    wrong = CONTENT.wording[f"lead_bad_{field}"][language]
    assert answer == {"response_action": "errors", "errors": {field: wrong}}
    assert kept(database) == []


def test_without_consent_nothing_is_kept(someone, slack, database, eventually):
    view = opens(someone, slack, eventually)
    answer = someone.sends_form(view, consent=False, **FILLED).json()
    assert list(answer["errors"]) == ["consent"]
    assert kept(database) == []


def test_a_form_without_any_value_says_what_is_missing(someone, slack, database, eventually):
    view = opens(someone, slack, eventually)
    sent = {"type": "view_submission", "view": {**view, "id": "V1", "state": {}}}
    answer = someone.interacts(sent).json()
    assert sorted(answer["errors"]) == ["consent", "email", "name", "organization"]


def test_a_form_that_we_did_not_make_is_acknowledged(someone, database):
    view = {"id": "V1", "type": "modal", "callback_id": "other"}
    assert someone.interacts({"type": "view_submission", "view": view}).status_code == 200
    assert kept(database) == []


def test_a_form_that_cannot_be_opened_is_only_logged(someone, slack, eventually, caplog):
    slack.next["views.open"].append(broken(503))
    someone.presses_home(views.HOME_FORM)
    eventually(lambda: "Slack refuses: 503" in caplog.text)


def test_a_broken_content_file_is_only_logged_by_its_kind(
    someone, slack, eventually, caplog, monkeypatch
):
    def broken_content():
        raise ContentError("content/choices.yml: …")

    monkeypatch.setattr("mobilis.web.slack.desk.content", broken_content)
    someone.send(someone.event({"type": "app_home_opened", "user": "U1", "tab": "home"}))
    eventually(lambda: "Slack: ContentError" in caplog.text)
    assert slack.homes == {}
