"""Opening a conversation, changing language, and what is remembered of every message."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.clarification import NOT_SURE
from mobilis.assessment import answers_from_dict
from mobilis.brain.action import MobilisAction, Turn, payload
from mobilis.results import NONE_OF_THESE, note_choice, note_next

Event = dict[str, Any]  # of Rasa's tracker


class ValidateSlotMappings(MobilisAction):
    """Runs before anything else: the language to go on in, and a province once it is named."""

    def name(self) -> str:
        return "action_validate_slot_mappings"

    def answer(self, turn: Turn) -> list[EventType]:
        events: list[EventType] = []
        _record_meaning(turn)
        language = turn.heard.get("language") or turn.entity("language")
        if language in ("fr", "en") and language != turn.language:
            events.append(SlotSet("language", language))
        regions = (turn.heard.get("facets") or {}).get("region") or []
        if len(regions) == 1:
            events.append(SlotSet("province", regions[0]))
        return events


def _record_meaning(turn: Turn) -> None:
    """When the message before was not understood, keep what it turns out to have meant, for staff
    to learn from: what is picked now, or what is said instead."""
    asked, answers = _last_exchange(turn)
    if not asked or asked["parse_data"]["intent"]["name"] not in NOT_SURE:
        return
    kept = [(event.get("metadata") or {}).get("mobilis") or {} for event in answers]
    offered = [p for one in kept if one.get("kind") == "clarify" for p in one.get("candidates", [])]
    note = (turn.resources.database, turn.conversation, str(asked.get("message_id") or ""))
    if (turn.heard.get("picked") or turn.text) in offered:
        note_choice(*note, _label(turn))
    elif offered and turn.text == payload("out_of_scope"):
        note_choice(*note, NONE_OF_THESE)
    elif _is_telling(turn):
        note_next(*note, _label(turn))


def _is_telling(turn: Turn) -> bool:
    """Whether the message means something of its own: typed, or an answer to the same question."""
    if turn.intent == "answer":
        return bool(turn.entity("option") != "confirm")
    return bool(turn.heard) and turn.intent not in (*NOT_SURE, "inform")


def _last_exchange(turn: Turn) -> tuple[Event | None, list[Event]]:
    """The visitor's message before this one, and what it was answered."""
    said = [event for event in turn.tracker.events if event["event"] in ("user", "bot")][:-1]
    for number in reversed(range(len(said))):
        if said[number]["event"] == "user":
            return said[number], said[number + 1 :]
    return None, said


def _label(turn: Turn) -> str:
    """What the message means, as a label that phrasings are learned for."""
    if turn.intent == "answer":
        question = turn.entity("question") or turn.slot("assessment_question")
        return f"answer/{question}/{turn.entity('option')}"
    picked = turn.entity("faq_id")
    return f"faq/{picked}" if picked else str(turn.heard.get("label") or turn.intent)


class OpenConversation(MobilisAction):
    """Greets whoever opens the chat and says where one may begin."""

    def name(self) -> str:
        return "action_open_conversation"

    def answer(self, turn: Turn) -> None:
        turn.respond(
            "greeting",
            turn.choices("start_assessment", "cra_limits", "find_coach", "what_is"),
        )


class GoOn(MobilisAction):
    """Says nothing: the open form asks again by itself."""

    def name(self) -> str:
        return "action_go_on"

    def answer(self, turn: Turn) -> None:
        return None


class Help(MobilisAction):
    """Says what can be asked here."""

    def name(self) -> str:
        return "action_help"

    def answer(self, turn: Turn) -> None:
        labels = ["start_assessment", "find_coach", "how_to_apply", "cra_limits", "request_human"]
        if answers_from_dict(turn.slot("assessment_answers")):
            labels[0] = "resume"
        turn.respond("help", turn.choices(*labels))


class SwitchLanguage(MobilisAction):
    """Confirms, in the new language, that the conversation goes on in it."""

    def name(self) -> str:
        return "action_switch_language"

    def answer(self, turn: Turn) -> list[EventType]:
        # A typed wish was already followed by the slot mapping; a button names no language.
        if turn.heard:
            turn.respond("language_switched")
            return []
        turn.tracker.slots["language"] = "en" if turn.language == "fr" else "fr"
        turn.respond("language_switched")
        return [SlotSet("language", turn.language)]
