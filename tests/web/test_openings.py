"""POST messages with `intent`: what a button of the website asks for."""

from __future__ import annotations

from uuid import uuid4

from mobilis.web.chat import CHANNEL


def new_id() -> str:
    return str(uuid4())


def test_a_buttons_intent_reaches_the_brain_and_is_said_in_words(visitor, brain):
    answer = visitor.post({"id": new_id(), "intent": "start_assessment"})
    assert answer.json()["messages"][0]["text"] == "payload /start_assessment"
    assert brain.asked[-1]["channel"] == CHANNEL
    assert visitor.texts()[-2:] == ["Faire l'auto-évaluation", "payload /start_assessment"]
    assert "choice" not in visitor.history()[-2]


def test_it_is_said_in_the_conversations_language(door):
    visitor = door.visitor(language="en")
    visitor.post({"id": new_id(), "intent": "faq/cost"})
    said = visitor.history()[-2]
    assert (said["role"], said["language"]) == ("visitor", "en")
    assert said["text"] == "Cost and funding"


def test_a_change_of_language_is_said_in_the_new_one(visitor):
    visitor.post({"id": new_id(), "intent": "switch_language/en"})
    said = visitor.history()[-2]
    assert (said["language"], said["text"]) == ("en", "Continue in English")


def test_the_same_id_again_is_the_same_message(visitor, brain):
    message = {"id": new_id(), "intent": "help"}
    assert visitor.post(message).json() == visitor.post(message).json()
    assert brain.texts().count("/help") == 1


def test_an_intent_that_no_page_may_ask_for_is_refused(visitor, brain):
    for intent in ("delete_my_data", "faq/nothing", "/help", ""):
        refused = visitor.post({"id": new_id(), "intent": intent})
        assert refused.status_code == 404
        assert refused.json()["error"]["code"] == "intent_unknown"
    assert len(visitor.history()) == 1


def test_only_one_of_text_choice_and_intent_is_taken(visitor):
    for more in ({"text": "x"}, {"choice": "x"}):
        refused = visitor.post({"id": new_id(), "intent": "help", **more})
        assert refused.status_code == 400
    assert visitor.post({"id": new_id(), "intent": 7}).status_code == 400


def test_an_erased_conversation_takes_no_intent(visitor):
    visitor.http.delete(visitor.url, headers=visitor.headers)
    assert visitor.post({"id": new_id(), "intent": "help"}).status_code == 401
