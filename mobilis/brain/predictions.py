"""What the policies predicted, kept by what they look at in a conversation.

Rules make the same prediction in the same place, and there are few places: a form, an intent,
what was just done. The processor asks here first.
"""

import copy
from collections.abc import Callable
from typing import Any

from rasa.core.policies.policy import PolicyPrediction
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Event,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

MOST = 2_000  # places; then they are forgotten and learned again

Place = tuple[Any, ...]


class Predictions:
    """Asks `predict` once for each place in a conversation."""

    def __init__(self, predict: Callable[[DialogueStateTracker], PolicyPrediction]) -> None:
        self._predict = predict
        self._made: dict[Place, PolicyPrediction] = {}

    def of(self, tracker: DialogueStateTracker) -> PolicyPrediction:
        """The prediction for the next action."""
        here = place(tracker)
        if here is None:
            return self._predict(tracker)
        if here not in self._made:
            if len(self._made) >= MOST:
                self._made.clear()
            self._made[here] = self._predict(tracker)
        made = copy.copy(self._made[here])
        made.events = copy.deepcopy(made.events)  # they become events of this conversation
        return made


def place(tracker: DialogueStateTracker) -> Place | None:
    """Everything of a conversation that policies look at, or None when there is something in it
    of which that is not known."""
    if tracker.followup_action:
        return None
    looked_at: list[Any] = []
    for event in tracker.events:
        if isinstance(event, SessionStarted):
            looked_at.clear()
        elif isinstance(event, SlotSet):
            slot = tracker.slots.get(event.key)
            if slot and slot.has_features():
                looked_at.append((event.key, repr(event.value)))
        elif not isinstance(event, BotUttered):
            look = _LOOKS.get(type(event))
            if look is None:
                return None
            looked_at.append((event.type_name, look(event)))
    return tuple(looked_at)


def _message(event: UserUttered) -> Any:
    entities = ((e["entity"], e.get("role"), e.get("group")) for e in event.entities)
    return event.intent_name, tuple(entities)


_LOOKS: dict[type[Event], Callable[[Any], Any]] = {
    UserUttered: _message,
    ActionExecuted: lambda event: (event.action_name, event.action_text, event.hide_rule_turn),
    ActionExecutionRejected: lambda event: event.action_name,
    ActiveLoop: lambda event: event.name,
    AllSlotsReset: lambda event: None,
    LoopInterrupted: lambda event: event.is_interrupted,
    DefinePrevUserUtteredFeaturization: lambda event: event.use_text_for_featurization,
}
