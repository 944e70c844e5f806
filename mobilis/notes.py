"""What is noted of every message before anything is decided: the language to go on in, a province
once it is named, and what the message before turns out to have meant when it was not understood.

The brain notes it by itself (`mobilis.brain.forms`); under Rasa's own tools an action does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobilis.content import LANGUAGES
from mobilis.results import NONE_OF_THESE, note_choice, note_next
from mobilis.store import Database

NOT_SURE = ("nlu_fallback", "ambiguous")
NONE_PICKED = "/out_of_scope"  # the choice "something else"

Parsed = Mapping[str, Any]  # a message as understanding leaves it: text, intent, entities, mobilis
Event = Mapping[str, Any]  # of Rasa's tracker


def noted_slots(parsed: Parsed, language: str) -> dict[str, str]:
    """The slots that a message changes in a conversation held in `language`."""
    heard = _heard(parsed)
    slots = {}
    wanted = heard.get("language") or _entity(parsed, "language")
    if wanted in LANGUAGES and wanted != language:
        slots["language"] = wanted
    regions = (heard.get("facets") or {}).get("region") or []
    if len(regions) == 1:
        slots["province"] = regions[0]
    return slots


@dataclass(frozen=True)
class Meaning:
    """What a message that was not understood turned out to mean: picked, or said another way."""

    message_id: str
    label: str
    picked: bool


def meaning(parsed: Parsed, before: Sequence[Event], question: str | None) -> Meaning | None:
    """When the message before was not understood, what it turns out to have meant, for staff to
    learn from.

    `before` are the events before the message, `question` the open one of the assessment.
    """
    asked, answers = _last_exchange(before)
    if not asked or asked["parse_data"]["intent"]["name"] not in NOT_SURE:
        return None
    kept = [(event.get("metadata") or {}).get("mobilis") or {} for event in answers]
    offered = [p for one in kept if one.get("kind") == "clarify" for p in one.get("candidates", [])]
    message_id = str(asked.get("message_id") or "")
    if (_heard(parsed).get("picked") or parsed.get("text")) in offered:
        return Meaning(message_id, _label(parsed, question), picked=True)
    if offered and parsed.get("text") == NONE_PICKED:
        return Meaning(message_id, NONE_OF_THESE, picked=True)
    if _is_telling(parsed):
        return Meaning(message_id, _label(parsed, question), picked=False)
    return None


def keep_meaning(database: Database, conversation_id: str, found: Meaning) -> None:
    """Store what a message turned out to mean; a second time changes nothing."""
    keep = note_choice if found.picked else note_next
    keep(database, conversation_id, found.message_id, found.label)


def _is_telling(parsed: Parsed) -> bool:
    """Whether the message means something of its own: typed, or an answer to the same question."""
    if _intent(parsed) == "answer":
        return bool(_entity(parsed, "option") != "confirm")
    return bool(_heard(parsed)) and _intent(parsed) not in (*NOT_SURE, "inform")


def _last_exchange(events: Sequence[Event]) -> tuple[Event | None, list[Event]]:
    """The visitor's last message, and what it was answered."""
    answers: list[Event] = []
    for event in reversed(events):
        if event["event"] == "user":
            return event, answers
        if event["event"] == "bot":
            answers.insert(0, event)
    return None, answers


def _label(parsed: Parsed, question: str | None) -> str:
    """What the message means, as a label that phrasings are learned for."""
    if _intent(parsed) == "answer":
        question = _entity(parsed, "question") or question
        return f"answer/{question}/{_entity(parsed, 'option')}"
    picked = _entity(parsed, "faq_id")
    return f"faq/{picked}" if picked else str(_heard(parsed).get("label") or _intent(parsed))


def _heard(parsed: Parsed) -> Mapping[str, Any]:
    return parsed.get("mobilis") or {}


def _intent(parsed: Parsed) -> str:
    return str((parsed.get("intent") or {}).get("name") or "")


def _entity(parsed: Parsed, name: str) -> Any:
    found = (e["value"] for e in parsed.get("entities") or () if e["entity"] == name)
    return next(found, None)
