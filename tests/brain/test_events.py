"""Events read from their dictionaries: as Rasa reads them, and refused when they make no sense."""

from __future__ import annotations

from typing import Any

import pytest
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

from mobilis.brain.events import read_event

EVENTS = [
    UserUttered("salut", {"name": "greet", "confidence": 0.9}, message_id="m1", timestamp=1.0),
    BotUttered("Bonjour!", {"buttons": []}, {"mobilis": {"kind": "text"}}, timestamp=1.0),
    SlotSet("province", "QC", timestamp=1.0),
    SlotSet("province", None, timestamp=1.0),
    ActionExecuted("action_faq", "RulePolicy", 1.0, timestamp=1.0, hide_rule_turn=True),
    ActionExecutionRejected("interest_form", timestamp=1.0),
    ActiveLoop("interest_form", timestamp=1.0),
    ActiveLoop(None, timestamp=1.0),
    LoopInterrupted(True, timestamp=1.0),
    DefinePrevUserUtteredFeaturization(False, timestamp=1.0),
    AllSlotsReset(timestamp=1.0),
    SessionStarted(timestamp=1.0),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event)[:30])
def test_an_event_is_read_as_rasa_reads_it(event: Event) -> None:
    read = read_event(event.as_dict())
    assert type(read) is type(Event.from_parameters(event.as_dict()))
    assert read.as_dict() == event.as_dict()


@pytest.mark.parametrize("data", [None, 5, "bot", [], {}, {"event": None}, {"event": "unheard of"}])
def test_what_is_no_event_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"^not an event$"):
        read_event(data)


@pytest.mark.parametrize("kind", ["user", "slot", "action", "reminder"])
def test_an_event_without_what_makes_it_one_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=f"^an event of kind {kind} lacks a field$"):
        read_event({"event": kind})
