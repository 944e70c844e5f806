"""Choosing: opaque ids, good for the conversation that was offered them, some of them once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

CHOICES = [
    {"title": "Tout à fait", "payload": '/answer{"option": "a"}'},
    {"title": "Pas du tout", "payload": '/answer{"option": "b"}'},
]
OWN = {
    "faq": {"id": "cost", "sources": []},
    "question": {"id": "impact", "number": 2, "of": 5},
    "result": {"band": "nearly", "score": 11, "of": 15, "gaps": ["capacity"]},
    "coaches": [{"id": "c1", "name": "Camille Exemple"}],
}
LEAD = {"reference": "M-ABC123", "kind": "interest"}


def offering(kind):
    """A brain that answers text with choices and choices with their payload."""

    def script(question):
        if "payload" in question:
            return 200, {"messages": [{"text": question["payload"], "language": "fr"}]}
        message = {"text": "Alors ?", "language": "fr", "kind": kind, "choices": CHOICES}
        if kind in OWN:
            message[kind] = OWN[kind]
        return 200, {"messages": [message]}

    return script


@pytest.fixture
def offered(visitor, brain):
    def offer(kind="question"):
        brain.script = offering(kind)
        return visitor.hears("une question")[0]["choices"]

    return offer


@pytest.mark.parametrize("kind", OWN)
def test_a_message_has_the_field_of_its_kind_only(visitor, brain, kind):
    brain.script = lambda question: (
        200,
        {"messages": [{"text": "…", "language": "fr", "kind": kind, **OWN, "lead": LEAD}]},
    )
    [message] = visitor.hears("…")
    assert message[kind] == OWN[kind]
    assert set(message) == {"id", "role", "at", "language", "kind", "text", kind}


def test_a_text_that_confirms_a_lead_carries_its_reference(visitor, brain):
    said = {"text": "C'est transmis.", "language": "fr", "kind": "text", **OWN, "lead": LEAD}
    brain.script = lambda question: (200, {"messages": [said]})
    [message] = visitor.hears("…")
    assert message["lead"] == LEAD
    assert not set(message) & set(OWN)


def test_a_visitors_message_names_the_choice_it_was_made_with(visitor, offered):
    [_, second] = offered()
    visitor.choose(second["id"])
    said = [message for message in visitor.history() if message["role"] == "visitor"]
    assert [message.get("choice") for message in said] == [None, second["id"]]


def test_a_payload_never_leaves_the_server(visitor, offered):
    assert [set(choice) for choice in offered()] == [{"id", "title"}] * 2
    assert "/answer" not in str(visitor.history())


def test_a_choice_reaches_the_brain_as_its_payload_and_the_history_as_its_title(
    visitor, brain, offered
):
    first, _ = offered()
    assert visitor.choose(first["id"]).json()["messages"][0]["text"] == CHOICES[0]["payload"]
    assert brain.answered[-1]["payload"] == CHOICES[0]["payload"]
    assert "text" not in brain.answered[-1]
    assert visitor.history()[-2]["text"] == "Tout à fait"
    assert visitor.history()[-2]["role"] == "visitor"


@pytest.mark.parametrize("kind", ["question", "form", "clarify"])
def test_a_question_is_answered_once(visitor, offered, kind):
    first, second = offered(kind)
    assert visitor.choose(first["id"]).status_code == 200
    for choice in (first, second):
        response = visitor.choose(choice["id"])
        assert response.status_code == 409
        assert response.json()["error"]["code"] == "choice_used"


@pytest.mark.parametrize("kind", ["text", "faq", "result", "coaches", "notice"])
def test_other_choices_can_be_made_again(visitor, offered, kind):
    first, second = offered(kind)
    for choice in (first, second, first):
        assert visitor.choose(choice["id"]).status_code == 200
    assert not any("used" in choice for choice in visitor.history()[2]["choices"])


def test_the_choice_made_is_shown_as_used(visitor, offered):
    first, second = offered()
    visitor.choose(second["id"])
    assert visitor.history()[2]["choices"] == [first, {**second, "used": True}]


def test_the_same_message_again_is_not_a_second_choice(visitor, brain, offered):
    first, _ = offered()
    for _ in range(2):
        assert visitor.choose(first["id"], id="the-same-id").status_code == 200
    assert brain.texts().count(CHOICES[0]["payload"]) == 1


def test_two_buttons_pressed_at_once_are_one_choice(visitor, offered):
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(lambda choice: visitor.choose(choice["id"]), offered()))
    assert sorted(response.status_code for response in responses) == [200, 409]


@pytest.mark.parametrize("choice", ["nothing", "", "/restart", "é", "a\x00b", "x" * 1000])
def test_an_unknown_choice_is_refused(visitor, choice):
    response = visitor.choose(choice)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "choice_unknown"


def test_a_choice_of_another_conversation_is_unknown(door, offered):
    first, _ = offered()
    assert door.visitor().choose(first["id"]).status_code == 404


def test_a_choice_that_could_not_be_answered_can_be_made_again(visitor, brain, offered):
    first, second = offered()
    brain.script = lambda question: (400, {})
    [notice] = visitor.choose(first["id"]).json()["messages"]
    assert notice["kind"] == "notice"
    assert not any("used" in choice for choice in visitor.history()[2]["choices"])
    brain.script = offering("question")
    assert visitor.choose(second["id"]).status_code == 200
    assert visitor.history()[2]["choices"] == [first, {**second, "used": True}]
