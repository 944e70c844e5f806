"""Opening a conversation, changing language, and what is remembered of every message."""

from __future__ import annotations

from rasa_sdk.events import EventType, SlotSet

from mobilis.assessment import answers_from_dict
from mobilis.brain.action import FormValidation, MobilisAction, Turn


class ValidateSlotMappings(FormValidation):
    """Runs before anything else: the language to go on in, and a province once it is named."""

    def name(self) -> str:
        return "action_validate_slot_mappings"

    def check(self, turn: Turn, slot: str, value: object) -> dict[str, object]:
        return {slot: value}

    def answer(self, turn: Turn) -> list[EventType]:
        events: list[EventType] = []
        language = turn.heard.get("language") or turn.entity("language")
        if language in ("fr", "en") and language != turn.language:
            events.append(SlotSet("language", language))
        regions = (turn.heard.get("facets") or {}).get("region") or []
        if len(regions) == 1:
            events.append(SlotSet("province", regions[0]))
        return events


class OpenConversation(MobilisAction):
    """Greets whoever opens the chat; offers to go on with an unfinished assessment."""

    def name(self) -> str:
        return "action_open_conversation"

    def answer(self, turn: Turn) -> None:
        turn.respond(
            "greeting",
            turn.choices("start_assessment", "cra_limits", "find_coach", "what_is"),
        )


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
