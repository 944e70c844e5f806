"""What is noted of every message: a language, a province, what the message before meant."""

from __future__ import annotations

from typing import Any

import pytest

from mobilis.notes import Meaning, meaning, noted_slots

PICKED = '/faq{"faq_id": "cost"}'
OFFERED = {"kind": "clarify", "candidates": [PICKED, "/find_coach"]}


def message(
    intent: str = "faq", heard: dict[str, Any] | None = None, text: str = "…", **entities: str
) -> dict[str, Any]:
    found = [{"entity": name, "value": value} for name, value in entities.items()]
    return {"text": text, "intent": {"name": intent}, "entities": found, "mobilis": heard}


@pytest.mark.parametrize(("language", "other"), [("fr", "en"), ("en", "fr")])
def test_a_message_in_the_other_language_changes_it(language: str, other: str) -> None:
    assert noted_slots(message(heard={"language": other}), language) == {"language": other}
    assert noted_slots(message(language=other), language) == {"language": other}
    for same in (message(), message(heard={"language": None}), message(heard={"language": "fr"})):
        assert noted_slots(same, "fr") == {}
    assert noted_slots(message(language="es"), language) == {}


def test_one_province_is_noted_and_two_are_not() -> None:
    assert noted_slots(message(heard={"facets": {"region": ["QC"]}}), "fr") == {"province": "QC"}
    assert noted_slots(message(heard={"facets": {"region": ["QC", "ON"]}}), "fr") == {}


def exchange(intent: str, *answers: dict[str, Any]) -> list[dict[str, Any]]:
    """The visitor's message before and what it was answered."""
    asked = {"event": "user", "message_id": "m0", "parse_data": {"intent": {"name": intent}}}
    return [asked, *({"event": "bot", "metadata": {"mobilis": answer}} for answer in answers)]


def test_a_message_without_anything_notes_nothing() -> None:
    assert noted_slots({}, "fr") == {}
    assert meaning({}, [], None) is None
    assert meaning({}, exchange("ambiguous", OFFERED), None) is None


def test_a_pick_is_what_the_message_before_meant() -> None:
    before = exchange("ambiguous", OFFERED, {"kind": "question"})
    pressed = message(text=PICKED, faq_id="cost")
    typed = message(text="la première", heard={"picked": PICKED}, faq_id="cost")
    found = Meaning("m0", "faq/cost", picked=True)
    assert meaning(pressed, before, None) == meaning(typed, before, None) == found
    none = message("out_of_scope", text="/out_of_scope")
    assert meaning(none, before, None) == Meaning("m0", "none", picked=True)


def test_what_is_said_instead_is_what_the_message_before_meant() -> None:
    before = exchange("nlu_fallback", {"kind": "text"})
    said = message("find_coach", heard={"label": "find_coach"})
    assert meaning(said, before, None) == Meaning("m0", "find_coach", picked=False)
    answer = message("answer", option="b")
    assert meaning(answer, before, "aim") == Meaning("m0", "answer/aim/b", picked=False)


@pytest.mark.parametrize(
    ("said", "before"),
    [
        (message("find_coach", heard={"label": "find_coach"}), exchange("faq", {"kind": "faq"})),
        (message("inform", heard={"label": "inform"}), exchange("nlu_fallback")),
        (message("request_human", text="/request_human"), exchange("nlu_fallback")),
        (message("answer", option="confirm"), exchange("nlu_fallback")),
        (message("find_coach", heard={"label": "find_coach"}), []),
    ],
)
def test_anything_else_means_nothing_for_the_message_before(
    said: dict[str, Any], before: list[dict[str, Any]]
) -> None:
    assert meaning(said, before, "aim") is None
