"""What `mobilis doctor` asks of the sign-in provider and of the places that staff are told in."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from fakes.slack import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, FakeSlack, Team
from providers import CLIENT, Provider
from providers import CLIENT_SECRET as PROVIDER_SECRET
from sqlalchemy import insert

from mobilis.doctor.findings import FAULT, OK, WARNING
from mobilis.models import announcements
from mobilis.store import now
from mobilis.web import doctor
from mobilis.workspaces import Workspace, mark_gone, save_workspace

PLACE = "T1/C345DE"


def look(settings):
    """What is found: [(about, state)], and the sentences."""

    async def collect():
        return [finding async for finding in doctor.examine(settings)]

    found = asyncio.run(collect())
    return [(one.about, one.state) for one in found], [one.sentence for one in found]


# --- the provider


@pytest.fixture
def provider():
    running = Provider()
    yield running
    running.stop()


@pytest.fixture
def signing(settings, provider):
    return replace(
        settings,
        public_url="https://chat.example.org",
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=PROVIDER_SECRET,
    )


def test_without_any_of_it_all_is_well(settings, database):
    assert look(settings)[0] == [("sign-in", OK), ("notices", OK)]


def test_a_provider_that_shows_its_keys_is_well(signing, database):
    states, sentences = look(signing)
    assert states[0] == ("sign-in", OK)
    assert sentences[0].endswith("shows its keys.")


def test_a_provider_that_is_away_or_odd_is_a_fault(signing, provider, database):
    provider.faults.metadata = {"issuer": "https://else.example"}
    assert look(signing)[0][0] == ("sign-in", FAULT)
    provider.stop()
    states, sentences = look(signing)
    assert states[0] == ("sign-in", FAULT)
    assert "is MOBILIS_OIDC_ISSUER right?" in sentences[0]


def test_half_of_its_settings_name_the_other_half(signing, database):
    states, sentences = look(replace(signing, oidc_client_secret=""))
    assert states[0] == ("sign-in", FAULT)
    assert sentences[0].startswith("MOBILIS_OIDC_CLIENT_SECRET: ")


# --- where staff are told


@pytest.fixture
def slack():
    running = FakeSlack().start()
    yield running
    running.stop()


@pytest.fixture
def told(settings, slack, database):
    return replace(
        settings,
        public_url="https://chat.example.org",
        slack_signing_secret=SIGNING_SECRET,
        slack_bot_token=Team.token,
        slack_api_url=slack.base,
        notices_slack=PLACE,
    )


def test_staff_are_told_where_the_app_is(told):
    states, sentences = look(told)
    assert states == [("sign-in", OK), ("notices", OK)]
    assert sentences[1] == "Staff are told in the workspace T1."


def test_a_workspace_without_the_app_is_a_fault(told, slack):
    elsewhere = replace(told, notices_slack="T9/C345DE")
    assert look(elsewhere)[0][1] == ("notices", FAULT)
    slack.teams["T1"].revoked = "token_revoked"
    assert look(told)[0][1] == ("notices", FAULT)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"notices_slack": "here"}, "MOBILIS_NOTICES_SLACK"),
        ({"public_url": ""}, "MOBILIS_PUBLIC_URL"),
        ({"notices_language": "es"}, "MOBILIS_NOTICES_LANGUAGE"),
        ({"notices_detail": "all"}, "MOBILIS_NOTICES_DETAIL"),
        ({"notices_slack": "", "notices_teams": ("a", "b")}, "MOBILIS_NOTICES_TEAMS"),
        ({"slack_bot_token": "", "slack_signing_secret": ""}, "MOBILIS_NOTICES_SLACK"),
    ],
)
def test_settings_of_notices_that_make_no_sense_are_named(told, changes, named):
    states, sentences = look(replace(told, **changes))
    assert states[1] == ("notices", FAULT)
    assert sentences[1].startswith(f"{named}: ")


def test_of_many_workspaces_it_must_be_one_that_has_the_app(told, database):
    many = replace(
        told, slack_client_id=CLIENT_ID, slack_client_secret=CLIENT_SECRET, slack_bot_token=""
    )
    assert look(many)[0][1] == ("notices", FAULT)
    with database.write() as connection:
        save_workspace(connection, Workspace("T1", "Team", "A1", "UBOT", "", "sealed"))
    assert look(many)[0][1] == ("notices", OK)
    with database.write() as connection:
        mark_gone(connection, "T1", "app_uninstalled")
    assert look(many)[0][1] == ("notices", FAULT)


def test_notices_that_failed_lately_are_told_by_the_last(told, database):
    row = {
        "id": "a" * 32,
        "kind": "gone",
        "cause": "T1",
        "channel": "slack",
        "target": PLACE,
        "state": "failed",
        "attempts": 1,
        "created_at": now(),
        "due_at": now(),
        "error": "Slack refuses: not_in_channel",
        "shown_owner": "",
        "shown_status": "",
    }
    with database.write() as connection:
        connection.execute(insert(announcements).values(**row))
    states, sentences = look(told)
    assert states[1:] == [("notices", OK), ("notices", WARNING)]
    assert (
        "1 notices failed lately, the last on slack: Slack refuses: not_in_channel" in sentences[2]
    )


def test_a_database_that_is_away_leaves_out_what_failed(told):
    away = replace(told, database_url="postgresql://nobody@127.0.0.1:9/none")
    assert look(away)[0] == [("sign-in", OK), ("notices", OK)]
    many = {"slack_client_id": CLIENT_ID, "slack_client_secret": CLIENT_SECRET}
    assert look(replace(away, slack_bot_token="", **many))[0][1] == ("notices", FAULT)


def test_the_program_writes_lines_or_json(monkeypatch, capsys, database_url, database):
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert doctor.main([]) == 0
    assert capsys.readouterr().out.startswith("ok      sign-in     Staff sign in with a password")
    monkeypatch.setenv("MOBILIS_NOTICES_SLACK", "here")
    assert doctor.main(["--json"]) == 1
    told = json.loads(capsys.readouterr().out)["findings"]
    assert told[1]["state"] == FAULT
