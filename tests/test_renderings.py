"""What the journeys on Slack and Teams would say of a rendering that leaves something out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from platform_lines import as_slack_writes
from renderings import Seen, problems, squash

from mobilis.settings import ROOT
from mobilis.wording import load_wording

WORDS = load_wording(ROOT).slack


def message(**more: Any) -> dict[str, Any]:
    choices = [{"id": "c1", "title": "Oui"}, {"id": "c2", "title": "Non"}]
    said = {"language": "fr", "kind": "text", "text": "**Bonjour** !\n\n- un\n- deux"}
    return {**said, "choices": choices, **more}


SHOWN = Seen(("*Bonjour* !\n• un\n• deux",), {"Oui": "c1", "Non": "c2"})


def test_marks_spaces_and_signs_are_nothing_that_is_missed() -> None:
    assert problems(message(), SHOWN, WORDS) == []
    assert squash("*a* — b\u00a0: «c»") == "a b c"


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"text": "Bonsoir"}, "Bonsoir"),
        ({"coaches": [{"name": "Maïka"}]}, "Maïka"),
        ({"faq": {"sources": [{"title": "La loi"}]}}, "La loi"),
        ({"question": {"number": 3, "of": 5}}, "Question 3 de 5"),
    ],
)
def test_what_is_not_written_anywhere_is_told(change: dict[str, Any], missing: str) -> None:
    [problem] = problems(message(**change), SHOWN, WORDS)
    assert problem.startswith(f"'{missing}' is not shown")


def test_a_coachs_line_of_the_text_may_stand_in_the_cards_instead() -> None:
    shown = replace(SHOWN, texts=("Bonjour ! Maïka",))
    assert problems(message(coaches=[{"name": "Maïka"}]), shown, WORDS) == []


@pytest.mark.parametrize("buttons", [{}, {"Non": "c2", "Oui": "c1"}, {"Oui": "c1"}])
def test_buttons_that_are_missing_or_in_another_order_are_told(buttons: dict[str, str]) -> None:
    [problem] = problems(message(), replace(SHOWN, buttons=buttons), WORDS)
    assert "in place of ['Oui', 'Non']" in problem


def test_a_button_that_says_something_else_is_told_and_a_shortened_one_is_not() -> None:
    wrong = replace(SHOWN, buttons={"Qui": "c1", "N…": "c2"})
    assert problems(message(), wrong, WORDS) == ["the button 'Oui' says 'Qui'"]


def test_buttons_that_stay_after_a_press_are_told() -> None:
    used = [{"id": "c1", "title": "Oui", "used": True}, {"id": "c2", "title": "Non"}]
    left = replace(SHOWN, texts=(f"{SHOWN.texts[0]} Votre choix : Oui",))
    [problem] = problems(message(choices=used), left, WORDS)
    assert "in place of []" in problem
    assert problems(message(choices=used), replace(left, buttons={}), WORDS) == []


def test_what_is_typed_comes_as_slack_writes_it() -> None:
    assert as_slack_writes("R&D < a@b.ca") == "R&amp;D &lt; <mailto:a@b.ca|a@b.ca>"
    assert as_slack_writes("https://a.ca/b") == "<https://a.ca/b>"
    assert as_slack_writes("/restart") == " /restart"
