"""How the brain takes a turn: Rasa's processor, reading the conversation once, saving it once,
and calling the action server only for what it answers.

Messages are understood in a thread, one after the other: the encoder lets go of the interpreter,
and other turns go on meanwhile.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from rasa.core.actions.action import Action, ActionExecutionRejection
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.exceptions import ActionLimitReached
from rasa.shared.core.constants import ACTION_EXTRACT_SLOTS
from rasa.shared.core.events import (
    ActionExecutionRejected,
    BotUttered,
    LoopInterrupted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from mobilis.brain.forms import Actions
from mobilis.brain.predictions import Predictions
from mobilis.brain.remote import LoudActions
from mobilis.brain.runner import StraightRunner
from mobilis.brain.seen import note_understanding
from mobilis.brain.tracker_store import DatabaseTrackerStore, replies_in
from mobilis.brain.turn import TurnAborted
from mobilis.settings import ROOT
from mobilis.versions import Versions, code_version, content_version, short

BY = "by"  # of a reply: the versions that said it
MOBILIS, CONTENT = "mobilis", "content"  # what an action tells of itself (mobilis/brain/action.py)


class TurnProcessor(MessageProcessor):
    """Takes over the model that a processor of Rasa's has loaded."""

    def __init__(
        self, loaded: MessageProcessor, store: DatabaseTrackerStore, actions_url: str
    ) -> None:
        self.__dict__.update(loaded.__dict__)
        self.graph_runner = StraightRunner(loaded.graph_runner)
        self.tracker_store = store
        self.action_endpoint = LoudActions(actions_url)
        self.actions = Actions(self.domain, self.action_endpoint, store.database)
        self.predictions = Predictions(super()._predict_next_with_tracker)
        self._reader = ThreadPoolExecutor(1, "understanding")

    async def answer(self, message: UserMessage) -> list[dict[str, Any]]:
        """The bot events that answer a message: those of the turn when it was first asked, or of
        a turn that is taken and saved now.

        Raises:
            TurnAborted: the turn failed and nothing of it was saved.
        """
        replies, tracker = await self.tracker_store.begin(message.sender_id, message.message_id)
        if tracker is None:
            return replies
        tracker.model_id = self.model_metadata.model_id
        tracker.assistant_id = self.model_metadata.assistant_id
        await self._update_tracker_session(tracker, message.output_channel)
        await self._handle_message_with_tracker(message, tracker)
        await self._read_slots(message, tracker)
        await self._run_prediction_loop(message.output_channel, tracker)
        self._sign(tracker)
        await self.tracker_store.save(tracker)
        note_understanding(tracker.latest_message, tracker.get_slot("language") or "fr")
        return replies_in(tracker)

    async def parse_message(
        self,
        message: UserMessage,
        tracker: DialogueStateTracker | None = None,
        only_output_properties: bool = True,
    ) -> dict[str, Any]:
        """What Rasa's gives, read in the thread of understanding. Rasa's also warns of intents that
        the domain lacks, for which it makes an empty domain at every message; ours come from the
        resolver, and tests hold them against the domain."""
        if tracker is None:
            tracker = DialogueStateTracker.from_events(message.sender_id, [])
        reading = partial(
            copy_context().run,
            self._parse_message_with_graph,
            message,
            tracker,
            only_output_properties,
        )
        loop = asyncio.get_running_loop()
        parsed: dict[str, Any] = await loop.run_in_executor(self._reader, reading)
        self._update_full_retrieval_intent(parsed)
        return parsed

    def versions(self) -> Versions:
        """What answers here now."""
        return Versions(short(self.model_metadata.model_id), content_version(ROOT), code_version())

    def _sign(self, tracker: DialogueStateTracker) -> None:
        """Keep with each reply what said it, so that asking again later gives the same. Which
        content files it came from, the action that read them has said, if there was one."""
        own = vars(self.versions())
        for event in reversed(tracker.events):
            if isinstance(event, UserUttered):
                break
            if isinstance(event, BotUttered):
                said = event.metadata.get(MOBILIS) or {}
                content = said.pop(CONTENT, own["content"])
                event.metadata = {**event.metadata, BY: {**own, "content": content}}

    async def _read_slots(self, message: UserMessage, tracker: DialogueStateTracker) -> None:
        reading = self._get_action(ACTION_EXTRACT_SLOTS)
        events = await reading.run(message.output_channel, self.nlg, tracker, self.domain)
        tracker.update_with_events(events, self.domain)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        """Run an action and note what it did; whether to predict another one.

        Rasa goes on without the events of an action that fails; here that ends the turn.
        """
        seen = _interrupted(tracker, prediction)
        try:
            events = await action.run(output_channel, nlg, seen, self.domain)
        except ActionExecutionRejection:
            confidence = prediction.max_confidence
            rejected = ActionExecutionRejected(action.name(), prediction.policy_name, confidence)
            events = [rejected]
        except Exception as error:
            raise TurnAborted(f"{action.name()} failed: {type(error).__name__}") from error
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            tracker.update_with_events(prediction.events, self.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        tracker.update_with_events(events, self.domain)
        return self.should_predict_another_action(action.name())

    def predict_next_with_tracker_if_should(
        self, tracker: DialogueStateTracker
    ) -> tuple[Action, PolicyPrediction]:
        going_on = self.should_predict_another_action(tracker.latest_action_name)
        if self.is_action_limit_reached(tracker, going_on):
            raise ActionLimitReached("too many actions for one message")
        prediction = self._predict_next_with_tracker(tracker)
        name = self.domain.action_names_or_texts[prediction.max_confidence_index]
        return self._get_action(name), prediction

    def _predict_next_with_tracker(self, tracker: DialogueStateTracker) -> PolicyPrediction:
        return self.predictions.of(tracker)

    def _get_action(self, action_name: str) -> Action:
        return self.actions.named(action_name)


def _interrupted(
    tracker: DialogueStateTracker, prediction: PolicyPrediction
) -> DialogueStateTracker:
    """The conversation as an action sees it: a form must know that it was interrupted, and may
    still decline to run."""
    if not any(isinstance(event, LoopInterrupted) for event in prediction.events):
        return tracker
    seen = tracker.copy()
    seen.update_with_events(prediction.events, None)
    return seen
