"""What the local pages of `mobilis dev …` have in common, on the page of Teams."""

from __future__ import annotations

import os
import time

import pytest
from doors import say

from mobilis import dev_commands
from mobilis.cli import main
from mobilis.errors import SettingError
from mobilis.settings import Settings
from mobilis.web import stages
from mobilis.web.slack.stage import Stage as SlackStage
from mobilis.web.teams.stage import Stage as TeamsStage

BOTH = pytest.mark.parametrize("kind", [SlackStage, TeamsStage])


@pytest.fixture
def seat(open_stage):
    return open_stage(TeamsStage)


@BOTH
def test_a_page_begins_with_nothing_said_in_the_language_of_who_looks(open_stage, kind):
    seat = open_stage(kind)
    assert "Rien n'a encore été dit ici." in seat.look()
    assert "Nothing has been said here yet." in seat.look(person="alex")


@BOTH
def test_what_is_typed_is_only_text_and_is_answered(open_stage, kind, brain):
    seat = open_stage(kind)
    page = seat.http.post(f"{seat.stage.here}/act", data={"text": "<b>allo</b>"}).text
    assert page.count("&lt;b&gt;allo&lt;/b&gt;") == 2  # and the echo of it
    assert "<b>" not in page
    assert brain.texts()[-1] == "<b>allo</b>"


@pytest.mark.parametrize("given", ["nowhere", ""])
def test_another_place_or_person_is_the_first(seat, given):
    page = seat.look(given, given)
    assert 'name="place" value="personal"' in page
    assert 'name="person" value="camille"' in page


@BOTH
def test_another_website_can_do_nothing_there(open_stage, kind, brain):
    seat = open_stage(kind)
    sent = {"data": {"text": "x"}, "headers": {"Sec-Fetch-Site": "cross-site"}}
    assert seat.http.post(f"{seat.stage.here}/act", **sent).status_code == 403
    assert brain.texts() == []


def test_a_page_is_sent_again_only_when_there_is_more_to_see(seat):
    seen = {"seen": str(seat.stage.changes)}
    assert seat.http.get(seat.stage.here, params=seen).status_code == 204
    seat.act(text="allo")
    assert seat.http.get(seat.stage.here, params=seen).status_code == 200


def test_with_scripts_what_was_typed_is_shown_at_once(seat, brain):
    brain.script = lambda question: (time.sleep(1), (200, {"messages": [say("enfin")]}))[1]
    sent = {"data": {"text": "allo"}, "headers": {"HX-Request": "true"}}
    page = seat.http.post(f"{seat.stage.here}/act", **sent).text
    assert "allo" in page
    assert "enfin" not in page
    end = time.monotonic() + 20
    while "enfin" not in seat.look():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_without_an_answer_the_page_comes_all_the_same(seat, brain, monkeypatch):
    monkeypatch.setattr(stages, "LONGEST_WAIT", 0.5)
    brain.script = lambda question: (503, {})
    assert "allo" in seat.act(text="allo")


@pytest.mark.parametrize("platform", ["slack", "teams"])
def test_the_command_becomes_the_program_which_knows_the_brains_secret(
    platform, monkeypatch, tmp_path
):
    begun = []
    monkeypatch.setattr(os, "execve", lambda *given: begun.append(given))
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MOBILIS_SECRET", raising=False)
    assert dev_commands.os is os
    main(["dev", platform, "--port", "8123"])
    [(_, program, environment)] = begun
    assert program[1:] == ["-m", f"mobilis.web.{platform}.stage", "--port", "8123"]
    assert environment["MOBILIS_SECRET_FILE"] == str(tmp_path / "secret")
    assert len((tmp_path / "secret").read_text()) > 16


@BOTH
def test_the_program_says_where_and_serves(kind, monkeypatch, settings, capsys):
    class Server:
        def run(self) -> None:
            served.append(True)

    served = []
    monkeypatch.setattr(stages, "configure", lambda process, settings: None)
    monkeypatch.setattr(stages, "load_settings", lambda: settings)
    monkeypatch.setattr(stages, "make_server", lambda settings, routes: Server())
    assert stages.serve(kind, ["--port", "8123"]) == 0
    assert served == [True]
    assert f"http://127.0.0.1:8123{kind.here}" in capsys.readouterr().out


def test_settings_that_make_no_sense_are_refused_in_a_sentence(monkeypatch, capsys):
    def refuse() -> Settings:
        raise SettingError("MOBILIS_PORT: no")

    monkeypatch.setattr(stages, "load_settings", refuse)
    assert stages.serve(TeamsStage, ["--port", "8123"]) == 1
    assert capsys.readouterr().err == "mobilis: MOBILIS_PORT: no\n"
