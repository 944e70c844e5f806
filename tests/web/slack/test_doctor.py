"""`mobilis doctor slack`: each finding is a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes.slack import APP_TOKEN, CLIENT_ID, CLIENT_SECRET, Team, refused

from mobilis import doctor_commands
from mobilis.cli import _parser
from mobilis.doctor.slack import check_slack, examine_slack
from mobilis.errors import StoreError
from mobilis.sealing import Seal
from mobilis.settings import Settings
from mobilis.slack import PURPOSE
from mobilis.workspaces import Workspace, mark_gone, save_workspace

MANY = {
    "slack_client_id": CLIENT_ID,
    "slack_client_secret": CLIENT_SECRET,
    "slack_bot_token": "",
}


@pytest.fixture
def found(slack, slack_settings, database):
    """What is found with some settings changed: {about: (ok, sentence)}, the last of each."""

    def find(**changes):
        findings = examine_slack(replace(slack_settings, **changes))
        assert all(finding.sentence for finding in findings)
        return {finding.about: (finding.ok, finding.sentence) for finding in findings}

    return find


def keep(database, slack_settings, team="T1", secret=""):
    token = Seal(secret or slack_settings.secret, PURPOSE).close(Team.token.replace("T1", team))
    with database.write() as connection:
        workspace = Workspace(team, f"Team {team}", "A1", "UBOT", "", token)
        save_workspace(connection, workspace)


def test_a_slack_that_is_off_is_said_to_be(found):
    assert examine_slack(Settings())[0].sentence.startswith("Slack is off")


def test_settings_that_are_refused_are_named(found):
    ok, sentence = found(slack_bot_token="")["settings"]
    assert (ok, sentence.partition(":")[0]) == (False, "MOBILIS_SLACK_BOT_TOKEN")


def test_a_token_that_works_says_where(found):
    findings = found()
    assert findings["settings"] == (True, "Slack is on by HTTP, for one workspace.")
    assert findings["token"] == (True, "The bot: the token works in the workspace Team T1.")
    assert findings["scopes"] == (True, "The bot: every permission is there.")


def test_a_token_that_is_refused_says_why(slack, found):
    slack.teams["T1"].revoked = "token_revoked"
    assert found()["token"] == (False, "The bot: Slack refuses the token: token_revoked.")


def test_a_slack_that_does_not_answer_is_said_so(found):
    ok, sentence = found(slack_api_url="http://127.0.0.1:9/api/")["token"]
    assert not ok
    assert "URLError" in sentence


def test_missing_permissions_are_named_with_what_they_are_for(slack, found):
    slack.teams["T1"] = Team(scopes="chat:write, commands")
    ok, sentence = found()["scopes"]
    assert not ok
    assert "users:read (to know the language that somebody has chosen)" in sentence
    assert "chat:write" not in sentence


def test_the_public_address_must_refuse_what_slack_did_not_sign(someone, found):
    base = f"{someone.http.base_url}".rstrip("/")
    ok, sentence = found(public_url=base)["address"]
    assert ok
    assert sentence.endswith("/slack/events answers, and refuses what Slack did not sign.")


def test_a_public_address_that_is_not_https_is_a_problem(someone, slack_settings):
    base = f"{someone.http.base_url}".rstrip("/")
    sentences = [f.sentence for f in examine_slack(replace(slack_settings, public_url=base))]
    assert any("an https address only" in sentence for sentence in sentences)


def test_without_a_public_address_slack_cannot_send(found):
    ok, sentence = found(public_url="")["address"]
    assert (ok, sentence.partition(":")[0]) == (False, "MOBILIS_PUBLIC_URL")


def test_an_address_where_slack_is_not_on_is_a_problem(slack, found):
    base = slack.base.removesuffix("/api/")
    ok, sentence = found(public_url=base)["address"]
    assert (ok, "answers 404 where 401 is expected" in sentence) == (False, True)


@pytest.mark.parametrize("url", ["https://127.0.0.1:9", "https://[", "https://a\x00b"])
def test_an_address_that_does_not_answer_is_a_problem(found, url):
    ok, sentence = found(public_url=url)["address"]
    assert (ok, "does not answer" in sentence) == (False, True)


def test_socket_mode_is_tried(slack, found):
    findings = found(slack_app_token=APP_TOKEN, slack_signing_secret="", public_url="")
    assert findings["socket"] == (True, "Slack opens a connection of Socket Mode.")
    assert "address" not in findings
    slack.next["apps.connections.open"].append(refused("invalid_auth"))
    ok, sentence = found(slack_app_token=APP_TOKEN)["socket"]
    assert (ok, sentence.endswith("invalid_auth.")) == (False, True)


def test_before_any_workspace_has_installed_the_app_it_says_where_to(found):
    ok, sentence = found(**MANY)["workspaces"]
    assert (ok, sentence.endswith("open https://chat.example.org/slack/install.")) == (False, True)


def test_every_workspace_is_tried(slack, found, database, slack_settings):
    keep(database, slack_settings)
    assert found(**MANY)["token"] == (
        True,
        "Team T1 (T1): the token works in the workspace Team T1.",
    )


def test_a_workspace_that_is_gone_says_since_when_and_why(found, database, slack_settings):
    keep(database, slack_settings)
    with database.write() as connection:
        mark_gone(connection, "T1", "app_uninstalled")
    ok, sentence = found(**MANY)["workspaces"]
    assert not ok
    assert sentence.startswith("Team T1 (T1) has removed the app on 2")
    assert sentence.endswith(": app_uninstalled.")


def test_a_token_of_another_secret_is_a_problem(found, database, slack_settings):
    keep(database, slack_settings, secret="the secret that was")
    ok, sentence = found(**MANY)["workspaces"]
    assert (ok, "MOBILIS_SECRET" in sentence) == (False, True)


def test_a_database_that_cannot_be_read_is_a_problem(found, monkeypatch):
    def refuse(*_):
        raise StoreError("the database is unreachable")

    monkeypatch.setattr("mobilis.doctor.slack.list_workspaces", refuse)
    ok, sentence = found(**MANY)["workspaces"]
    assert (ok, "cannot be read" in sentence) == (False, True)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_shows_findings_and_fails_where_one_is_a_problem(
    slack, slack_settings, database, capsys, as_json
):
    options = _parser().parse_args(["doctor", "slack", *(["--json"] if as_json else [])])
    settings = replace(slack_settings, public_url="")
    assert options.command is doctor_commands._slack
    assert options.command(options, settings) == 1
    out = capsys.readouterr().out
    if as_json:
        findings = json.loads(out)["findings"]
        assert [f["about"] for f in findings] == ["settings", "token", "scopes", "address"]
        assert findings[0]["ok"] is True
    else:
        assert out.startswith("ok      settings    Slack is on by HTTP")
        assert "\nfault   address     MOBILIS_PUBLIC_URL" in out
    socket = replace(settings, slack_app_token=APP_TOKEN)
    assert options.command(options, socket) == 0


def test_the_doctor_of_everything_looks_at_slack_where_it_is_on(slack_settings):
    assert [*check_slack(Settings())] == []
    about = {finding.about for finding in check_slack(slack_settings)}
    assert about >= {"slack settings", "slack token", "slack scopes"}
    [half] = check_slack(replace(slack_settings, slack_bot_token=""))
    assert (half.about, half.ok) == ("slack settings", False)
