"""`mobilis doctor teams`: each finding is a sentence that says what to do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from fake_teams import APP, PASSWORD

from mobilis import doctor_commands
from mobilis.cli import main as run
from mobilis.settings import Settings
from mobilis.web.doctor import main
from mobilis.web.teams import doctor


@pytest.fixture
def whole(teams):
    return replace(Settings(), **teams.settings())


@pytest.fixture
def outside(monkeypatch):
    """What the world sees at our public address."""
    answers = {"status": 401, "text": '{"error": {"code": "not_from_teams"}}'}
    post = httpx.AsyncClient.post

    async def answer(self, url, **more):
        if not str(url).startswith("https://chat.example.org"):
            return await post(self, url, **more)
        if "error" in answers:
            raise answers["error"]
        return httpx.Response(answers["status"], text=answers["text"])

    monkeypatch.setattr(httpx.AsyncClient, "post", answer)
    return answers


def examine(settings):
    return {finding.about: finding for finding in asyncio.run(doctor.examine(settings))}


def test_all_is_well_when_it_is(whole, outside):
    found = examine(whole)
    assert list(found) == ["settings", "keys", "token", "public_url"]
    assert all(finding.ok for finding in found.values())
    assert all(finding.sentence.endswith(".") for finding in found.values())
    assert found["settings"].sentence == "The settings are whole; 1 tenants may write."
    assert PASSWORD not in str(found)


def test_without_settings_teams_is_off():
    [finding] = examine(Settings()).values()
    assert (finding.ok, finding.about) == (False, "settings")
    assert "MOBILIS_TEAMS_APP_ID is not set" in finding.sentence


def test_half_of_the_settings_name_the_other_half(whole):
    [finding] = examine(replace(whole, teams_tenant="")).values()
    assert not finding.ok
    assert finding.sentence.startswith("MOBILIS_TEAMS_TENANT: needed")


def test_keys_that_cannot_be_read_are_found(whole, teams, outside):
    teams.faults.openid = b"<html>"
    finding = examine(whole)["keys"]
    assert not finding.ok
    assert "not JSON" in finding.sentence


def test_a_password_that_is_refused_is_found(whole, outside):
    finding = examine(replace(whole, teams_app_password="old"))["token"]
    assert not finding.ok
    assert "the app's id or password is refused" in finding.sentence


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "MOBILIS_PUBLIC_URL: needed"),
        ("http://chat.example.org", "MOBILIS_PUBLIC_URL: Teams asks for https"),
    ],
)
def test_an_address_that_teams_cannot_use_is_found(whole, outside, address, said):
    finding = examine(replace(whole, public_url=address))["public_url"]
    assert not finding.ok
    assert finding.sentence.startswith(said)


@pytest.mark.parametrize(("status", "text"), [(404, "{}"), (200, "ok"), (401, "{}")])
def test_an_address_where_somebody_else_answers_is_found(whole, outside, status, text):
    outside |= {"status": status, "text": text}
    finding = examine(whole)["public_url"]
    assert not finding.ok
    assert f"status {status}" in finding.sentence


def test_an_address_where_nobody_answers_is_found(whole, outside):
    outside["error"] = httpx.ConnectError("no")
    finding = examine(whole)["public_url"]
    assert not finding.ok
    assert "no answer (ConnectError)" in finding.sentence


def environment(monkeypatch, teams):
    monkeypatch.setenv("MOBILIS_TEAMS_APP_ID", APP)
    for name, value in teams.settings().items():
        monkeypatch.setenv(f"MOBILIS_{name.upper()}", value)


def test_it_is_written_as_lines_or_as_json(monkeypatch, teams, outside, capsys):
    environment(monkeypatch, teams)
    assert main(["teams"]) == 0
    assert capsys.readouterr().out.startswith("ok      settings    The settings are whole")
    outside["status"] = 404
    assert main(["teams", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["ok"] for finding in told] == [True, True, True, False]
    assert set(told[0]) == {"about", "state", "ok", "sentence"}


def test_the_command_runs_the_doctor_of_the_platform(monkeypatch, teams, capfd):
    environment(monkeypatch, teams)
    monkeypatch.setenv("MOBILIS_PUBLIC_URL", "")
    assert run(["doctor", "teams", "--json"]) == 1
    told = json.loads(capfd.readouterr().out)["findings"]
    assert [finding["ok"] for finding in told] == [True, True, True, False]


def test_a_setting_that_makes_no_sense_is_one_sentence(monkeypatch, capfd):
    monkeypatch.setenv("MOBILIS_PORT", "")
    options = doctor_commands.argparse.Namespace(platform="teams", json=False)
    monkeypatch.setenv("MOBILIS_PORTS", "7")
    assert doctor_commands._teams(options, Settings()) == 1
    assert capfd.readouterr().err.startswith("mobilis: MOBILIS_PORTS: there is no such setting")
