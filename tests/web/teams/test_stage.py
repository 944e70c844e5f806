"""`mobilis dev teams`: Teams on this computer, with the real channel behind its page."""

from __future__ import annotations

import json
import re
import time

import pytest
from doors import echo, say
from talks import Talk

from mobilis.markup import Run
from mobilis.web.teams.stage import Stage, blocks


@pytest.fixture
def seat(open_stage):
    return open_stage(Stage)


def offering(question):
    if question.get("text") == "vas-y":
        choices = [{"title": "Oui", "payload": "/affirm"}]
        return 200, {"messages": [say("Alors?", choices=choices)]}
    return echo(question)


def button(page):
    """What pressing the last button of a card sends."""
    return re.findall(r'name="action" value="(\{.*?\})"', page)[-1]


def eventually(seat, text, place, person="camille"):
    end = time.monotonic() + 20
    while text not in seat.look(place, person):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_who_adds_the_app_is_greeted_in_their_language(seat):
    assert "Bonjour !" in seat.act(install="1")
    assert "Hello!" in seat.act(person="alex", install="1")


def test_in_a_channel_it_is_mentioned(seat):
    page = seat.act("channel", text="allo")
    assert "<p>echo allo</p>" in page
    assert "Bonjour !" not in page


def test_a_button_is_pressed_and_its_card_changed(seat, brain):
    brain.script = offering
    action = button(seat.act(text="vas-y"))
    assert json.loads(action)["verb"] == "choose"
    page = seat.act(action=action)
    assert "✓ Votre choix" in page
    assert 'name="action"' not in page
    assert "payload /affirm" in page


def test_a_button_of_somebody_else_is_answered_in_words_to_them_alone(seat, brain):
    brain.script = offering
    action = button(seat.act("channel", text="vas-y"))
    page = seat.act("channel", "alex", action=action)
    assert "These buttons are for the person who asked" in page
    assert "These buttons" not in seat.look("channel")


def test_what_moves_is_found_in_the_personal_chat(seat, brain):
    def asking(question):
        if question.get("text") == "évalue":
            return 200, {"messages": [say("Quel impact?", kind="form")]}
        return echo(question)

    brain.script = asking
    page = seat.act("groupChat", text="évalue")
    assert "je continue dans notre conversation privée" in page
    eventually(seat, "Quel impact?", "personal")


def test_staff_are_told_in_their_channel_and_claim_there(seat, database):
    seat.act(text="allo")
    talk = Talk(database, "fr")
    talk.lead("person")
    talk.project()
    eventually(seat, "Quelqu'un demande à parler", "staff")
    page = seat.act("staff", action=button(seat.look("staff")))
    assert "Votre adresse n'est pas celle d'un compte" in page


def test_that_it_is_being_answered_is_shown(seat, brain):
    brain.script = lambda question: (time.sleep(2), echo(question))[1]
    sent = {"data": {"text": "allo"}, "headers": {"HX-Request": "true"}}
    seat.http.post(f"{seat.stage.here}/act", **sent)
    eventually(seat, "mobilis est en train d'écrire…", "personal")
    eventually(seat, "echo allo", "personal")
    assert "en train d'écrire" not in seat.look()


def test_what_the_manifest_proposes_is_proposed(seat):
    assert '<option value="Faire l\'auto-évaluation">' in seat.look()
    assert '<option value="Take the self-assessment">' in seat.look(person="alex")
    assert "Effacer mes renseignements" not in seat.look("channel")


def test_escaped_characters_are_shown_as_themselves():
    [block] = blocks("a\\*b **c\\_d** [e\\]](https://e.ca)")
    assert block.lines == (
        (Run("a*b "), Run("c_d", bold=True), Run(" "), Run("e]", url="https://e.ca")),
    )
