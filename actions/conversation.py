"""Opening a conversation, changing language, and what is remembered of every message."""

from __future__ import annotations

from rasa_sdk.events import EventType, SlotSet

from mobilis.assessment import answers_from_dict
from mobilis.brain.action import MobilisAction, Turn
from mobilis.results import choose_label


class ValidateSlotMappings(MobilisAction):
    """Runs before anything else: the language to go on in, and a province once it is named."""

    def name(self) -> str:
        return "action_validate_slot_mappings"

    def answer(self, turn: Turn) -> list[EventType]:
        events: list[EventType] = []
        _record_pick(turn)
        language = turn.heard.get("language") or turn.entity("language")
        if language in ("fr", "en") and language != turn.language:
            events.append(SlotSet("language", language))
        regions = (turn.heard.get("facets") or {}).get("region") or []
        if len(regions) == 1:
            events.append(SlotSet("province", regions[0]))
        return events


def _record_pick(turn: Turn) -> None:
    """After a "did you mean", keep what the visitor picked, for staff to learn from."""
    said = [event for event in turn.tracker.events if event["event"] in ("user", "bot")]
    before = [event for event in said[:-1] if event["event"] == "bot"][-1:]
    kept = (before[0].get("metadata") or {}).get("mobilis") or {} if before else {}
    picked = turn.heard.get("picked") or turn.text
    if picked in (kept.get("candidates") or []) and kept.get("kind") == "clarify":
        label = turn.entity("faq_id")
        choose_label(
            turn.resources.database,
            turn.conversation,
            f"faq/{label}" if label else turn.intent,
        )


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
