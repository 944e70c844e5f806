"""`mobilis dev teams`: a page that is Teams, beside a front door that believes it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import httpx
import pytest
from doors import echo, say
from processes import free_port

from mobilis import dev_commands
from mobilis.cli import main
from mobilis.markup import Run
from mobilis.web.server import make_server
from mobilis.web.teams import stage as module
from mobilis.web.teams.stage import HERE, Stage, blocks


@pytest.fixture
def stage(settings, database, brain, the_door, monkeypatch):
    """The page, as a client that keeps nothing."""
    the_door.stop()
    monkeypatch.setattr(module, "SETTLED", 0.2)
    monkeypatch.setattr(module, "LONGEST_WAIT", 4.0)
    port = free_port()
    under_test = Stage(f"http://127.0.0.1:{port}")
    its = replace(under_test.settings(settings), port=port, log_level="warning")
    server = make_server(its, under_test.routes())
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with httpx.Client(
        base_url=under_test.base, trust_env=False, timeout=20, follow_redirects=True
    ) as http:
        yield http
    server.should_exit = True
    thread.join(20)


def act(stage, place="personal", person="Camille", **form):
    return stage.post(f"{HERE}/act", data={"place": place, "person": person, **form})


def test_a_page_begins_with_nothing_said(stage):
    page = stage.get(HERE)
    assert "Nothing has been said here yet." in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]


def test_who_installs_the_app_is_greeted(stage):
    assert "Bonjour !" in act(stage, install="1").text
    assert "Hello!" in act(stage, person="Alex", install="1").text


def test_what_is_typed_is_answered_and_both_are_shown(stage):
    page = act(stage, text="<b>allo</b>").text
    assert '<p class="said"><strong>Camille</strong> &lt;b&gt;allo&lt;/b&gt;</p>' in page
    assert "<p>echo &lt;b&gt;allo&lt;/b&gt;</p>" in page


def test_in_a_channel_it_is_mentioned(stage):
    page = act(stage, place="channel", text="allo").text
    assert "<p>echo allo</p>" in page
    assert "Bonjour !" not in page


def test_a_button_is_pressed_and_its_card_changed(stage, brain):
    brain.script = offering
    page = act(stage, text="vas-y").text
    choice = page.partition('name="choice" value="')[2].partition('"')[0]
    page = act(stage, choice=choice).text
    assert "✓ Votre choix" in page
    assert 'name="choice"' not in page
    assert "payload /affirm" in page


def test_a_button_of_somebody_else_is_answered_in_words(stage, brain):
    brain.script = offering
    page = act(stage, place="channel", text="vas-y").text
    choice = page.partition('name="choice" value="')[2].partition('"')[0]
    page = act(stage, place="channel", person="Alex", choice=choice).text
    assert "These buttons are for the person who asked" in page
    assert "These buttons" not in stage.get(f"{HERE}?place=channel").text


def offering(question):
    if question.get("text") == "vas-y":
        choices = [{"title": "Oui", "payload": "/affirm"}]
        return 200, {"messages": [say("Alors?", choices=choices)]}
    return echo(question)


def test_what_moves_is_found_in_the_personal_chat(stage, brain):
    def asking(question):
        if question.get("text") == "évalue":
            return 200, {"messages": [say("Quel impact?", kind="form")]}
        return echo(question)

    brain.script = asking
    assert (
        "je continue dans notre conversation privée"
        in act(stage, place="groupChat", text="évalue").text
    )
    end = time.monotonic() + 10
    while "Quel impact?" not in stage.get(HERE).text:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("place", ["nowhere", ""])
def test_another_place_or_person_is_the_first(stage, place):
    page = stage.get(f"{HERE}?place={place}&person=Nobody").text
    assert 'name="place" value="personal"' in page
    assert 'name="person" value="Camille"' in page


def test_another_website_cannot_act(stage):
    answer = stage.post(f"{HERE}/act", data={"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_escaped_characters_are_shown_as_themselves():
    [block] = blocks("a\\*b **c\\_d** [e\\]](https://e.ca)")
    assert block.lines == (
        (Run("a*b "), Run("c_d", bold=True), Run(" "), Run("e]", url="https://e.ca")),
    )


def test_the_command_becomes_the_program(monkeypatch):
    begun = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: begun.append(arguments))
    assert dev_commands.os is os
    main(["dev", "teams", "--port", "8123"])
    assert begun[0][1:] == ["-m", "mobilis.web.teams.stage", "--port", "8123"]


def test_the_program_says_where_and_serves(monkeypatch, settings, capsys):
    class Server:
        def run(self) -> None:
            served.append(True)

    served = []
    monkeypatch.setattr(module, "load_settings", lambda: settings)
    monkeypatch.setattr(module, "make_server", lambda settings, routes: Server())
    assert module.main(["--port", "8123"]) == 0
    assert served == [True]
    assert "http://127.0.0.1:8123/dev/teams" in capsys.readouterr().out
