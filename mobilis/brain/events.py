"""Rasa's events read from their dictionaries: those of the store and those that actions return."""

from functools import lru_cache
from typing import Any

from rasa.shared.core.events import Event, SlotSet
from rasa.shared.utils.common import all_subclasses


def read_event(data: Any) -> Event:
    """The event that `data` describes, as `Event.as_dict` writes it.

    Rasa's own `Event.from_parameters` looks through all classes of events for each one it reads.

    Raises:
        ValueError: it is no description of an event.
    """
    kind = _kinds().get(str(data.get("event"))) if isinstance(data, dict) else None
    if kind is None:
        raise ValueError("not an event")
    try:
        event = kind._from_parameters(data)
    except (AttributeError, KeyError, TypeError, ValueError):
        event = None
    if event is None or (isinstance(event, SlotSet) and not event.key):
        raise ValueError(f"an event of kind {kind.type_name} lacks a field")
    return event


@lru_cache(maxsize=1)
def _kinds() -> dict[str, type[Event]]:
    # The first of a name is the one that Rasa takes.
    return {kind.type_name: kind for kind in reversed(all_subclasses(Event))}
