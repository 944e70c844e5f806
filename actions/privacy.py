"""Erasing what a visitor said and gave, once they confirm."""

from __future__ import annotations

from rasa_sdk.events import AllSlotsReset, EventType, SlotSet

from mobilis.brain.action import MobilisAction, Turn, payload
from mobilis.privacy import erase_content


class DeleteMyData(MobilisAction):
    """Asks once; then erases messages, answers and details, and says what remains."""

    def name(self) -> str:
        return "action_delete_my_data"

    def answer(self, turn: Turn) -> list[EventType]:
        confirmed = turn.entity("confirmed")
        if confirmed == "no":
            turn.respond("nothing_erased")
        elif confirmed != "yes":
            self._ask(turn)
        if confirmed != "yes":
            return []
        with turn.resources.database.erase() as connection:
            erase_content(connection, turn.conversation, turn.message_id)
        turn.respond("erased")
        return [AllSlotsReset(), SlotSet("language", turn.language)]

    @staticmethod
    def _ask(turn: Turn) -> None:
        confirm = payload("delete_my_data", confirmed="yes")
        turn.say(
            "clarify",
            turn.wording("erase_question"),
            [
                turn.titled("erase_all", "delete_my_data", confirmed="yes"),
                turn.titled("keep_all", "delete_my_data", confirmed="no"),
            ],
            offer=confirm,
        )
