"""How the brain takes a turn, beside Rasa's own way: the same predictions and parses, and loud."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rasa.core.actions.action import ActionExecutionRejection
from rasa.core.channels.channel import UserMessage
from rasa.core.policies.policy import PolicyPrediction
from rasa.exceptions import ActionLimitReached
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    Event,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from mobilis.brain.channel import SilentOutput, _take_over
from mobilis.brain.predictions import Predictions
from mobilis.brain.processor import TurnProcessor
from mobilis.brain.runner import StraightRunner
from mobilis.brain.tracker_store import DatabaseTrackerStore
from mobilis.brain.turn import TurnAborted
from mobilis.seeing.ids import current_trace, tracing

if TYPE_CHECKING:
    from mobilis.nlu.evaluation import Understanding

LISTEN = ActionExecuted("action_listen")


@pytest.fixture
def loaded(trained: Understanding) -> Any:
    """Rasa's processor with the trained model."""
    return trained.agent.processor


@pytest.fixture
def processor(loaded: Any) -> TurnProcessor:
    store = SimpleNamespace(database=None)
    return TurnProcessor(loaded, store, "http://127.0.0.1:9/webhook")


def conversation(processor: Any, *events: Event) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("talk", list(events), slots=processor.domain.slots)


def heard(intent: str, text: str = "…") -> UserUttered:
    return UserUttered(text, {"name": intent, "confidence": 0.8})


# --- as Rasa does it


@pytest.mark.parametrize("text", ["combien ça coûte?", "find me a coach in Toronto", "/affirm", ""])
def test_a_message_is_parsed_as_rasa_parses_it(loaded: Any, text: str) -> None:
    target = loaded.model_metadata.nlu_target
    tracker = conversation(loaded, SessionStarted(), LISTEN)
    runs = [
        runner.run({"__message__": [UserMessage(text)], "__tracker__": tracker}, [target])
        for runner in (loaded.graph_runner, StraightRunner(loaded.graph_runner))
    ]
    parsed, straight = ([message.as_dict(True) for message in run[target]] for run in runs)
    assert straight == parsed


def test_messages_are_understood_one_after_the_other_while_other_turns_go_on(
    processor: TurnProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most, threads, traces = 0, 0, set(), []
    parse = processor._parse_message_with_graph

    def slow(*given: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.05)
        threads.add(threading.get_ident())
        traces.append(current_trace())
        under_way -= 1
        return parse(*given)

    async def read(text: str) -> Any:
        with tracing(text.replace(" ", "-")):
            return await processor.parse_message(UserMessage(text))

    async def play() -> tuple[list[Any], int]:
        reading = asyncio.gather(read("how much is it"), read("find me a coach"))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0.005)
            turns += 1
        return await reading, turns

    monkeypatch.setattr(processor, "_parse_message_with_graph", slow)
    (cost, coach), turns = asyncio.run(play())
    assert cost["intent"]["full_retrieval_intent_name"] == "faq/cost"
    assert coach["intent"]["name"] == "find_coach"
    assert turns > 5
    assert most == 1
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert traces == ["how-much-is-it", "find-me-a-coach"]


@pytest.mark.parametrize("form", [None, "assessment_form", "interest_form"])
def test_predictions_depend_on_nothing_but_the_place(processor: Any, form: str | None) -> None:
    """What was said before, in which words, and what is known make no difference to the rules."""
    policies = super(TurnProcessor, processor)._predict_next_with_tracker
    kept = Predictions(policies)
    begun = (SessionStarted(), *([ActiveLoop(form)] if form else []))
    rejected = [ActionExecutionRejected(form)] if form else []
    later = (heard("greet"), BotUttered("Bonjour!"), SessionStarted(), SlotSet("province", "QC"))
    for intent in processor.domain.intents:
        for then in ([], rejected, [*rejected, ActionExecuted("action_faq"), BotUttered("…")]):
            kept.of(conversation(processor, *begun, LISTEN, heard(intent), *then))
            other = (*later, *begun[1:], LISTEN, heard(intent, "other words"), *then)
            known, asked = (
                predict(conversation(processor, *other)) for predict in (kept.of, policies)
            )
            assert known.probabilities == asked.probabilities
            assert known.events == asked.events


@pytest.mark.parametrize("intent", ["faq", "greet", "start_assessment", "nlu_fallback"])
def test_the_predicted_action_is_that_which_rasa_takes(processor: Any, intent: str) -> None:
    tracker = conversation(processor, SessionStarted(), LISTEN, heard(intent))
    action, prediction = processor.predict_next_with_tracker_if_should(tracker)
    other, theirs = super(TurnProcessor, processor).predict_next_with_tracker_if_should(tracker)
    assert (action.name(), prediction.probabilities) == (other.name(), theirs.probabilities)


def test_a_turn_of_too_many_actions_is_cut(processor: Any) -> None:
    done = [ActionExecuted("action_faq")] * processor.max_number_of_predictions
    tracker = conversation(processor, SessionStarted(), LISTEN, heard("faq"), *done)
    with pytest.raises(ActionLimitReached):
        processor.predict_next_with_tracker_if_should(tracker)


# --- in its own way


def predicted(*events: Event) -> PolicyPrediction:
    return PolicyPrediction([1.0], "RulePolicy", events=list(events))


class Action:
    """Notes whether the form it saw was interrupted, then does `does`."""

    def __init__(self, does: Any) -> None:
        self.does = does
        self.interrupted: bool | None = None

    def name(self) -> str:
        return "interest_form"

    async def run(self, output: Any, nlg: Any, tracker: Any, domain: Any) -> list[Event]:
        self.interrupted = tracker.is_active_loop_interrupted
        if isinstance(self.does, Exception):
            raise self.does
        return [self.does]

    def event_for_successful_execution(self, prediction: PolicyPrediction) -> ActionExecuted:
        return ActionExecuted(self.name(), prediction.policy_name)


def take(
    processor: TurnProcessor, does: Any, *events: Event
) -> tuple[Action, DialogueStateTracker, bool]:
    action = Action(does)
    tracker = conversation(processor, ActiveLoop("interest_form"), LISTEN, heard("faq"))
    again = processor._run_action(action, tracker, SilentOutput(), None, predicted(*events))
    return action, tracker, asyncio.run(again)


def test_what_an_action_did_is_noted_after_it(processor: TurnProcessor) -> None:
    action, tracker, again = take(processor, SlotSet("province", "QC"), LoopInterrupted(True))
    interrupted, ran, did = list(tracker.events)[-3:]
    assert (interrupted, did) == (LoopInterrupted(True), SlotSet("province", "QC"))
    assert isinstance(ran, ActionExecuted) and ran.action_name == "interest_form"
    assert action.interrupted
    assert again


def test_a_form_that_declines_leaves_no_trace_but_that(processor: TurnProcessor) -> None:
    does = ActionExecutionRejection("interest_form")
    _, tracker, again = take(processor, does, LoopInterrupted(True))
    assert isinstance(tracker.events[-1], ActionExecutionRejected)
    assert isinstance(tracker.events[-2], UserUttered)
    assert tracker.is_active_loop_rejected
    assert again


def test_an_action_that_fails_ends_the_turn(processor: TurnProcessor) -> None:
    with pytest.raises(TurnAborted, match=r"^interest_form failed: KeyError$"):
        take(processor, KeyError("what the visitor said"))


def test_the_model_is_taken_over_once_and_set_aside_from_garbage(
    loaded: Any, tmp_path: Path
) -> None:
    store = DatabaseTrackerStore(loaded.domain, url=f"sqlite:///{tmp_path / 'brain.db'}")
    agent = SimpleNamespace(processor=loaded, tracker_store=store)
    taken = _take_over(agent)
    try:
        assert gc.get_freeze_count() > 100_000
        assert _take_over(agent) is taken is agent.processor
    finally:
        gc.unfreeze()
        store.database.dispose()
