"""Predictions are made once for each place in a conversation, and what is a place."""

from __future__ import annotations

import pytest
from rasa.core.policies.policy import PolicyPrediction
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.slots import TextSlot
from rasa.shared.core.trackers import DialogueStateTracker

from mobilis.brain import predictions as module
from mobilis.brain.predictions import Predictions, place

SLOTS = [
    TextSlot("topic", [], influence_conversation=False),
    TextSlot("mood", [], influence_conversation=True),
]
LISTEN = ActionExecuted("action_listen")


def heard(intent: str, *entities: str) -> UserUttered:
    found = [{"entity": name, "value": "x"} for name in entities]
    return UserUttered(f"some words for {intent}", {"name": intent}, found)


def conversation(*events: Event) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("talk", list(events), slots=SLOTS)


class Policies:
    """Counts how often it is asked; predicts what `made` says."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, tracker: DialogueStateTracker) -> PolicyPrediction:
        self.asked += 1
        return PolicyPrediction([1.0, 0.0], "RulePolicy", events=[LoopInterrupted(True)])


HERE = (SessionStarted(), LISTEN, heard("faq"))


def test_the_same_place_is_asked_for_once() -> None:
    policies = Policies()
    predictions = Predictions(policies)
    for words in ("one", "two", "three"):
        message = UserUttered(words, {"name": "faq", "confidence": 0.5})
        before = (heard("greet"), BotUttered(words), SlotSet("topic", words))
        made = predictions.of(conversation(*before, SessionStarted(), LISTEN, message))
        assert made.probabilities == [1.0, 0.0]
    assert policies.asked == 1


@pytest.mark.parametrize(
    "events",
    [
        (SessionStarted(), LISTEN, heard("greet")),
        (SessionStarted(), LISTEN, heard("faq", "faq_id")),
        (SessionStarted(), ActiveLoop("interest_form"), LISTEN, heard("faq")),
        (SessionStarted(), SlotSet("mood", "glad"), LISTEN, heard("faq")),
        (*HERE, ActionExecuted("action_faq")),
        (*HERE, ActionExecutionRejected("interest_form")),
        (*HERE, LoopInterrupted(True)),
        (*HERE, AllSlotsReset()),
        (LISTEN, heard("greet"), *HERE[1:]),
    ],
    ids=lambda events: " ".join(type(event).__name__ for event in events),
)
def test_another_place_is_asked_for_again(events: tuple[Event, ...]) -> None:
    assert place(conversation(*events)) != place(conversation(*HERE))


@pytest.mark.parametrize("event", [BotUttered("Bonjour!"), SlotSet("topic", "x")], ids=str)
def test_what_policies_do_not_look_at_changes_no_place(event: Event) -> None:
    assert place(conversation(*HERE, event)) == place(conversation(*HERE))


@pytest.mark.parametrize("event", [FollowupAction("action_faq"), Restarted()], ids=str)
def test_what_is_not_known_is_asked_for_each_time(event: Event) -> None:
    policies = Policies()
    predictions = Predictions(policies)
    for _ in range(2):
        predictions.of(conversation(*HERE, event))
    assert policies.asked == 2


def test_each_conversation_gets_events_of_its_own() -> None:
    predictions = Predictions(Policies())
    [first], [second] = (predictions.of(conversation(*HERE)).events for _ in range(2))
    first.timestamp = 1.0
    assert first == second and second.timestamp != 1.0


def test_places_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    policies = Policies()
    predictions = Predictions(policies)
    for intent in ("faq", "greet", "help", "faq"):
        predictions.of(conversation(SessionStarted(), LISTEN, heard(intent)))
    assert policies.asked == 4
    predictions.of(conversation(SessionStarted(), LISTEN, heard("help")))
    assert policies.asked == 4
