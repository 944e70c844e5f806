"""Socket Mode: the front door connects to Slack, and needs no address of its own."""

from __future__ import annotations

import json

import pytest
from fakes.slack import APP_TOKEN, Person, broken, refused
from sqlalchemy import select

from mobilis.models import inbox

SOCKET = {"slack_app_token": APP_TOKEN, "slack_signing_secret": ""}


@pytest.fixture
def connected(open_slack, slack, eventually):
    door = open_slack(**SOCKET)
    eventually(lambda: slack.sockets)
    return Person(slack, door.http)


def sends(person, kind, payload, eventually):
    """Send something, and what is answered."""
    envelope = person.slack.send_over_socket(kind, payload)
    eventually(lambda: envelope in person.slack.acknowledged)
    return person.slack.acknowledged[envelope]


def test_a_message_over_the_socket_is_answered(connected, slack, eventually):
    sends(connected, "events_api", connected.event(connected.said("bonjour")), eventually)
    eventually(lambda: len(slack.posts) == 2)
    assert slack.said(connected.direct) == ["Bonjour !", "echo bonjour"]


def test_what_is_acknowledged_over_the_socket_is_in_the_database(connected, database, eventually):
    sends(connected, "events_api", connected.event(connected.said("gardé")), eventually)
    with database.read() as connection:
        assert "gardé" in connection.execute(select(inbox.c.text)).scalars().all()


def test_the_same_event_twice_over_the_socket_counts_once(connected, slack, database, eventually):
    event = connected.event(connected.said("une fois"))
    for _ in range(2):
        sends(connected, "events_api", event, eventually)
    eventually(lambda: len(slack.posts) == 2)
    with database.read() as connection:
        assert connection.execute(select(inbox.c.text)).scalars().all().count("une fois") == 1


def test_a_command_over_the_socket_gets_its_sentence(connected, slack, eventually):
    command = {
        **{"command": "/preparation", "team_id": "T1", "user_id": "U1", "channel_id": "C1"},
        **{"trigger_id": "1.2.x", "is_enterprise_install": "false"},
    }
    answer = sends(connected, "slash_commands", command, eventually)
    assert answer == {"text": "C'est parti : je vous ai écrit en message direct."}


def test_a_form_over_the_socket_is_checked(connected, slack, eventually):
    view = {"id": "V1", "type": "modal", "callback_id": "interest", "private_metadata": "fr"}
    form = connected.interaction({"type": "view_submission", "view": {**view, "state": {}}})
    answer = sends(connected, "interactive", form, eventually)
    assert answer["response_action"] == "errors"
    assert "consent" in json.dumps(answer)


def test_in_socket_mode_there_is_no_address_to_send_to(connected):
    assert connected.http.post("/slack/events", content="{}").status_code == 404


@pytest.mark.parametrize("answer", [refused("internal_error"), broken(500)])
def test_a_connection_that_fails_is_tried_again(open_slack, slack, eventually, monkeypatch, answer):
    monkeypatch.setattr("mobilis.web.slack.PING_SECONDS", 0.1)
    slack.next["apps.connections.open"].extend([answer, answer])
    open_slack(**SOCKET)
    eventually(lambda: slack.sockets)
