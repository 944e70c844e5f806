"""Rasa's forms and its reading of slots, without the calls of the action server that would do
nothing: a turn makes the calls that answer it, and no other."""

import asyncio
from typing import Any

from rasa.core.actions.action import (
    Action,
    ActionExtractSlots,
    RemoteAction,
    action_for_name_or_text,
)
from rasa.core.actions.forms import FormAction
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.constants import ACTION_EXTRACT_SLOTS
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event, SlotSet, UserUttered
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from mobilis.brain.remote import RemoteCall
from mobilis.brain.turn import TurnAborted
from mobilis.errors import StoreError
from mobilis.notes import keep_meaning, meaning, noted_slots
from mobilis.store import Database


class Actions:
    """Finds an action by its name; those that call the action server are ours. Each is made once:
    Rasa makes all of its own whenever one is asked for."""

    def __init__(self, domain: Domain, endpoint: EndpointConfig, database: Database) -> None:
        self.domain = domain
        self.endpoint = endpoint
        self.database = database
        self._made: dict[str, Action] = {}

    def named(self, name: str) -> Action:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Action:
        if name in self.domain.form_names:
            return Form(name, self)
        if name == ACTION_EXTRACT_SLOTS:
            return SlotReading(self)
        action = action_for_name_or_text(name, self.domain, self.endpoint)
        return RemoteCall(name, self.endpoint) if isinstance(action, RemoteAction) else action


class SlotReading(ActionExtractSlots):
    """Reads the slots of a message as domain.yml maps them, and notes what is noted of every
    message. Under Rasa's own tools that is a call of `action_validate_slot_mappings`."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(actions.endpoint)
        self._database = actions.database

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        if any(self._may_be_told(slot, tracker) for slot in domain.slots):
            return await super().run(output_channel, nlg, tracker, domain)
        return await self._execute_validation_action([], output_channel, nlg, tracker, domain)

    def _may_be_told(self, slot: Slot, tracker: DialogueStateTracker) -> bool:
        """Whether a mapping of the slot holds here; outside of the forms, none does."""
        return any(
            (mapping["type"] != "custom" or "action" in mapping)
            and self._verify_mapping_conditions(mapping, tracker, slot.name)
            for mapping in slot.mappings
        )

    async def _execute_validation_action(
        self,
        extraction_events: list[Event],
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        message = tracker.latest_message
        parsed = {**message.parse_data, "entities": message.entities} if message else {}
        await self._keep_meaning(tracker, parsed)
        noted = noted_slots(parsed, tracker.get_slot("language"))
        return [*(SlotSet(name, value) for name, value in noted.items()), *extraction_events]

    async def _keep_meaning(self, tracker: DialogueStateTracker, parsed: dict[str, Any]) -> None:
        said = [e.as_dict() for e in tracker.events if isinstance(e, (BotUttered, UserUttered))]
        meant = meaning(parsed, said[:-1], tracker.get_slot("assessment_question"))
        if not meant:
            return
        try:
            await asyncio.to_thread(keep_meaning, self._database, tracker.sender_id, meant)
        except StoreError as error:
            raise TurnAborted(str(error)) from error


class Form(FormAction):
    """A form that has its values validated only when it was told some."""

    def __init__(self, name: str, actions: Actions) -> None:
        super().__init__(name, actions.endpoint)
        self._actions = actions

    async def activate(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        reading = self._actions.named(ACTION_EXTRACT_SLOTS)
        read = await reading.run(output_channel, nlg, tracker, domain)
        tracker.update_with_events(read, domain)
        known = {slot: tracker.get_slot(slot) for slot in self.required_slots(domain)}
        given = {slot: value for slot, value in known.items() if value is not None}
        validated = await self.validate_slots(given, tracker, domain, output_channel, nlg)
        settled = {event.key for event in validated if isinstance(event, SlotSet)}
        return [*validated, *(event for event in read if event.key not in settled)]

    async def validate_slots(
        self,
        slot_candidates: dict[str, Any],
        tracker: DialogueStateTracker,
        domain: Domain,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
    ) -> list[Event]:
        if not slot_candidates:
            return []
        told: list[Event] = [SlotSet(name, value) for name, value in slot_candidates.items()]
        seen = self._temporary_tracker(tracker, told, domain)
        validation = self._actions.named(f"validate_{self.name()}")
        return await validation.run(output_channel, nlg, seen, domain)

    async def _ask_for_slot(
        self,
        domain: Domain,
        nlg: NaturalLanguageGenerator,
        output_channel: OutputChannel,
        slot_name: str,
        tracker: DialogueStateTracker,
    ) -> list[Event]:
        name = self._name_of_utterance(domain, slot_name)
        return await self._actions.named(name).run(output_channel, nlg, tracker, domain)
