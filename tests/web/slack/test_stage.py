"""`mobilis dev slack`: Slack on this computer, with the real channel behind its page."""

from __future__ import annotations

import re
import time

import pytest
from doors import say

from mobilis.markup import Run
from mobilis.web.slack.stage import Stage, lines

OFFER = {**say("Que **faire**?"), "choices": [{"title": "Un choix", "payload": "/one"}]}
FORM = '{"action_id": "home-form", "type": "button", "value": ""}'
FILLED = {"name": "Marie Roy", "organization": "Maison", "email": "m@exemple.ca", "message": ""}


@pytest.fixture
def seat(open_stage, the_slack_door):
    the_slack_door.stop()
    return open_stage(Stage)


def button(page: str) -> dict[str, str]:
    """What pressing the last button of a page sends."""
    action = re.findall(r'name="action" value="(\{.*?\})"', page)[-1]
    return {"action": action, "ts": re.findall(r'name="ts" value="([^"]*)"', page)[-1]}


def eventually(seat, text, place):
    end = time.monotonic() + 20
    while text not in seat.look(place):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_what_is_said_is_drawn_with_its_marks(seat, brain):
    brain.script = lambda question: (200, {"messages": [OFFER]})
    page = seat.act(text="allo")
    assert "<strong>faire</strong>" in page
    assert "Un choix</button>" in page


def test_a_button_that_is_pressed_shows_what_was_chosen(seat, brain):
    brain.script = lambda question: (200, {"messages": [OFFER]})
    pressed = button(seat.act(text="a"))
    assert "Votre choix" in seat.act(**pressed)
    assert "Visible par vous seulement" in seat.act(**pressed)


def test_a_menu_is_drawn_and_chosen_from(seat, brain):
    many = [{"title": f"Choix {n}", "payload": f"/n{n}"} for n in range(11)]
    brain.script = lambda question: (200, {"messages": [{**say("?"), "choices": many}]})
    page = seat.act(text="a")
    [value] = re.findall(r'value="(\w{32})">Choix 7<', page)[-1:]
    assert "Votre choix" in seat.act(**button(page), option=value)
    assert "/n7" in brain.texts()


def test_a_mention_and_a_command_in_english(seat):
    page = seat.act("channel", "alex", text="hello")
    assert "echo hello" in page
    assert "Hello!" not in page  # who asks before others gets an answer only
    assert "Here we go" in seat.act("channel", "alex", command="/readiness")
    assert "Here we go" in seat.act("direct", "alex", text="/readiness")


def test_the_home_tab_opens_and_begins(seat, brain):
    page = seat.act("home", opened="1")
    assert "Trouver une ou un coach</button>" in page
    action = '{"action_id": "home-coach", "type": "button", "value": ""}'
    seat.act("home", action=action, ts="")
    assert "/find_coach" in brain.texts()


def test_the_form_opens_is_checked_and_is_kept(seat):
    seat.act("home", opened="1")
    assert "Transmettre</button>" in seat.act("home", action=FORM, ts="")
    page = seat.act("home", sent="1", **FILLED)
    assert "Sans votre accord" in page
    assert 'value="Marie Roy"' in page  # what was filled in stays
    page = seat.act("home", sent="1", consent="agreed", **FILLED)
    assert "Transmettre</button>" not in page
    assert "M-" in page
    assert "modal" not in seat.act("home", closed="1")


def test_staff_are_told_in_their_channel_and_claim_there(seat):
    seat.act("home", opened="1")
    seat.act("home", action=FORM, ts="")
    seat.act("home", sent="1", consent="agreed", **FILLED)
    eventually(seat, "Prendre en charge</button>", "team")
    page = seat.act("team", **button(seat.look("team")))
    assert "Votre adresse n'est pas celle d'un compte" in page


def test_slacks_markup_is_read_back():
    assert [run for run in lines("*a* <https://a.ca/?x=1&amp;y|b &lt;c&gt;>")[0] if run.text] == [
        Run("a", bold=True),
        Run(" "),
        Run("b <c>", url="https://a.ca/?x=1&y"),
    ]
    assert [run for run in lines("x\n_*d*_")[1] if run.text] == [Run("d", bold=True, italic=True)]
