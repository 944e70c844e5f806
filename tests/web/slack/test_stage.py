"""`mobilis dev slack`: Slack on this computer, with the real channel behind its page."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from doors import say
from processes import free_port

from mobilis import dev_commands
from mobilis.cli import _parser
from mobilis.errors import SettingError
from mobilis.markup import Run
from mobilis.web.slack import stage
from mobilis.web.slack.stage import HERE, lines, make_stage

OFFER = {**say("Que **faire**?"), "choices": [{"title": "Un <choix>", "payload": "/one"}]}


@pytest.fixture
def page(settings, database, brain, the_door, the_slack_door, monkeypatch) -> Iterator[Callable]:
    """Does something on the page, and gives the page that follows."""
    monkeypatch.setattr(stage, "SETTLED", 0.4)
    the_door.stop()
    the_slack_door.stop()
    _, server = make_stage(settings, free_port())
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    base = f"http://127.0.0.1:{server.config.port}"
    with httpx.Client(base_url=base, follow_redirects=True, trust_env=False, timeout=30) as http:

        def act(**given: str) -> str:
            if not given:
                return http.get(HERE).text
            return http.post(f"{HERE}/act", data=given).text

        act.http = http
        yield act
    server.should_exit = True
    thread.join(30)


def button(shown: str) -> dict[str, str]:
    """What pressing the last button of a page sends."""
    action = re.findall(r'name="action" value="([^"]*)"', shown)[-1]
    ts = re.findall(r'name="ts" value="([^"]*)"', shown)[-1]
    return {"action": action.replace("&#34;", '"').replace("&quot;", '"'), "ts": ts}


def test_what_is_typed_is_answered_and_drawn(page, brain):
    assert "Nothing has been said here yet." in page()
    brain.script = lambda question: (200, {"messages": [OFFER]})
    shown = page(text="a < b", person="Camille")
    assert "a &lt; b" in shown
    assert "<strong>faire</strong>" in shown
    assert "Un &lt;choix&gt;</button>" in shown
    assert brain.texts()[-1] == "a < b"


def test_a_button_that_is_pressed_shows_what_was_chosen(page, brain):
    brain.script = lambda question: (200, {"messages": [OFFER]})
    shown = page(text="a")
    pressed = button(shown)
    assert "Votre choix" in page(**pressed)
    assert "Only visible to you" in page(**pressed)


def test_a_menu_is_drawn_and_chosen_from(page, brain):
    many = [{"title": f"Choix {n}", "payload": f"/n{n}"} for n in range(11)]
    brain.script = lambda question: (200, {"messages": [{**say("?"), "choices": many}]})
    shown = page(text="a")
    [value] = re.findall(r'value="(\w{32})">Choix 7<', shown)[-1:]
    assert "Votre choix" in page(**button(shown), option=value)
    assert "/n7" in brain.texts()


def test_a_mention_and_a_command_in_english(page):
    shown = page(text="hello", place="channel", person="Alex")
    assert "Hello!" in shown
    assert "echo hello" in shown
    shown = page(command="/readiness", place="channel", person="Alex")
    assert "Here we go" in shown.replace("&#39;", "'")


def test_the_home_tab_opens_and_begins(page, brain):
    shown = page(place="home", opened="1")
    assert "Trouver une ou un coach</button>" in shown
    action = '{"action_id": "home-coach", "type": "button", "value": ""}'
    page(place="home", action=action, ts="")
    assert "/find_coach" in brain.texts()


def test_the_form_opens_is_checked_and_is_kept(page):
    page(place="home", opened="1")
    action = '{"action_id": "home-form", "type": "button", "value": ""}'
    shown = page(place="home", action=action, ts="")
    assert "Transmettre</button>" in shown
    filled = {"name": "Marie Roy", "organization": "Maison", "email": "m@exemple.ca", "message": ""}
    assert "Sans votre accord" in page(place="home", sent="1", **filled)
    assert "Transmettre</button>" not in page(place="home", sent="1", consent="agreed", **filled)
    assert "M-" in page()


def test_another_website_can_do_nothing_there(page):
    answer = page.http.post(
        f"{HERE}/act", data={"text": "a"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_slacks_markup_is_read_back():
    assert [run for run in lines("*a* <https://a.ca/?x=1&amp;y|b &lt;c&gt;>")[0] if run.text] == [
        Run("a", bold=True),
        Run(" "),
        Run("b <c>", url="https://a.ca/?x=1&y"),
    ]
    assert [run for run in lines("x\n_*d*_")[1] if run.text] == [Run("d", bold=True, italic=True)]


def test_the_command_gives_way_to_the_page(monkeypatch):
    run = []
    monkeypatch.setattr(dev_commands.os, "execv", lambda *given: run.append(given))
    options = _parser().parse_args(["dev", "slack", "--port", "8021"])
    options.command(options, None)
    [(_, program)] = run
    assert program[1:] == ["-m", "mobilis.web.slack.stage", "--port", "8021"]


def test_settings_that_make_no_sense_are_refused(monkeypatch):
    def refuse():
        raise SettingError("MOBILIS_PORT: no")

    monkeypatch.setattr(stage, "load_settings", refuse)
    with pytest.raises(SettingError):
        stage.main([])
