"""Opening a conversation, changing language, and what is remembered of every message."""

from __future__ import annotations

from rasa_sdk.events import EventType, SlotSet

from mobilis.assessment import answers_from_dict
from mobilis.brain.action import MobilisAction, Turn
from mobilis.notes import keep_meaning, meaning, noted_slots


class ValidateSlotMappings(MobilisAction):
    """What is noted of every message, under Rasa's own tools; the brain does it by itself."""

    def name(self) -> str:
        return "action_validate_slot_mappings"

    def answer(self, turn: Turn) -> list[EventType]:
        parsed = turn.tracker.latest_message
        said = [event for event in turn.tracker.events if event["event"] in ("user", "bot")]
        meant = meaning(parsed, said[:-1], turn.slot("assessment_question"))
        if meant:
            keep_meaning(turn.resources.database, turn.conversation, meant)
        return [SlotSet(name, value) for name, value in noted_slots(parsed, turn.language).items()]


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
        # A typed wish was already followed by the slot mapping.
        if turn.heard:
            turn.respond("language_switched")
            return []
        other = "en" if turn.language == "fr" else "fr"
        turn.tracker.slots["language"] = turn.entity("language") or other
        turn.respond("language_switched")
        return [SlotSet("language", turn.language)]
