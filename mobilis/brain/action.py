"""The base of every action: reads the turn, answers in its language, never fails in silence."""

from __future__ import annotations

import abc
import asyncio
import json
import logging
from functools import lru_cache
from time import perf_counter
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from mobilis.assessment import Assessment, fresh_assessment
from mobilis.content import Content
from mobilis.errors import StoreError
from mobilis.facets import Vocabulary, fresh_vocabulary
from mobilis.notices import current_content
from mobilis.seeing.logs import milliseconds, tell, tell_refusal
from mobilis.seeing.metrics import ACTION_SECONDS, timed
from mobilis.seeing.spans import span
from mobilis.settings import ROOT, Settings, load_settings
from mobilis.store import Database
from mobilis.versions import content_version

logger = logging.getLogger(__name__)

Choice = dict[str, str]  # {"title", "payload"}


class Resources:
    """What actions need of the outside, each made when first asked for."""

    @property
    def settings(self) -> Settings:
        return _settings()

    @property
    def database(self) -> Database:
        return _database()

    @property
    def content(self) -> Content:
        return current_content(ROOT, self.database)

    @property
    def assessment(self) -> Assessment:
        return fresh_assessment(ROOT)

    @property
    def vocabulary(self) -> Vocabulary:
        return fresh_vocabulary(ROOT)


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return load_settings()


@lru_cache(maxsize=1)
def _database() -> Database:
    return Database.from_settings(_settings())


def payload(intent: str, **entities: Any) -> str:
    """What a button sends: an intent and its entities, in Rasa's own notation."""
    return f"/{intent}{json.dumps(entities, ensure_ascii=False)}" if entities else f"/{intent}"


class Turn:
    """One run of one action: what was said, where the conversation stands, and how to answer."""

    def __init__(self, tracker: Tracker, dispatcher: CollectingDispatcher) -> None:
        self.tracker = tracker
        self.dispatcher = dispatcher
        self.resources = Resources()

    @property
    def language(self) -> str:
        return self.tracker.get_slot("language") or "fr"

    @property
    def conversation(self) -> str:
        return str(self.tracker.sender_id)

    @property
    def message_id(self) -> str:
        """The inbox id of the message being answered: what makes a stored row unique."""
        return str(self.tracker.latest_message.get("message_id") or "")

    @property
    def text(self) -> str:
        return str(self.tracker.latest_message.get("text") or "")

    @property
    def intent(self) -> str:
        return str((self.tracker.latest_message.get("intent") or {}).get("name") or "")

    @property
    def heard(self) -> dict[str, Any]:
        """What understanding found in the message (see mobilis/nlu/resolver.py)."""
        return self.tracker.latest_message.get("mobilis") or {}

    @property
    def language_before(self) -> str | None:
        """The language that was last answered in, before this message."""
        events = reversed(self.tracker.events)
        next((event for event in events if event["event"] == "user"), None)
        said = ((e.get("metadata") or {}).get("mobilis") for e in events if e["event"] == "bot")
        return next((kept["language"] for kept in said if kept), None)

    def entity(self, name: str) -> Any:
        """The value of an entity of this message, or None."""
        return next(self.tracker.get_latest_entity_values(name), None)

    def slot(self, name: str) -> Any:
        return self.tracker.get_slot(name)

    def choice(self, label: str, **entities: Any) -> Choice:
        """A button for an intent or a FAQ id, titled from the content files."""
        title = self.resources.content.title(label, self.language)
        if label.removeprefix("faq/") in self.resources.content.faqs:
            return {"title": title, "payload": payload("faq", faq_id=label.removeprefix("faq/"))}
        return {"title": title, "payload": payload(label, **entities)}

    def titled(self, key: str, intent: str, **entities: Any) -> Choice:
        """A button for an intent under a title of its own."""
        title = self.resources.content.choices[key][self.language]
        return {"title": title, "payload": payload(intent, **entities)}

    def choices(self, *labels: str) -> list[Choice]:
        """Buttons for labels, but for questions of the FAQ that the model knows and the content
        does not any more."""
        faqs = self.resources.content.faqs
        return [
            self.choice(label)
            for label in labels
            if not label.startswith("faq/") or label.removeprefix("faq/") in faqs
        ]

    def wording(self, key: str, **values: Any) -> str:
        """A sentence of content/wording.yml in the conversation's language, filled in."""
        return self.resources.content.wording[key][self.language].format(**values)

    def respond(
        self, key: str, choices: list[Choice] | None = None, kind: str = "text", **values: Any
    ) -> None:
        """Say a sentence of content/wording.yml; `values` fill its placeholders."""
        self.say(kind, self.wording(key, **values), choices)

    def say(self, kind: str, text: str, choices: list[Choice] | None = None, **fields: Any) -> None:
        """Say a message of the chat API of some `kind`, with the fields of that kind.

        `offer` and `candidates` stay in the brain: what a "yes" or a number would then mean.
        """
        said = {"kind": kind, "language": self.language, **fields}
        said["content"] = content_version(ROOT)
        self.dispatcher.utter_message(text=text, buttons=choices or [], mobilis=said)


class MobilisAction(Action, abc.ABC):
    """An action that answers in `answer`; when that fails, it says so in the visitor's language.

    A database that refuses is no failure of the action: the action server answers 503, the brain
    saves nothing of the turn, and the front door has it tried again.
    """

    @abc.abstractmethod
    def name(self) -> str:
        """What domain.yml calls it."""

    @abc.abstractmethod
    def answer(self, turn: Turn) -> list[EventType] | None:
        """Say something and return the events; runs in a thread, so it may wait for the store."""

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = Turn(tracker, dispatcher)
        try:
            began = perf_counter()
            with span("action", action=self.name()), timed(ACTION_SECONDS, action=self.name()):
                events = await asyncio.to_thread(self.answer, turn) or []
            ms = milliseconds(perf_counter() - began)
            tell(logger, "action_ran", action=self.name(), ms=ms)
            return events
        except StoreError as error:  # the turn is taken again, and then answered as it should be
            tell_refusal(logger, "an action could not read or store, its turn ends here", error)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the visitor is told
            tell(logger, "action_failed", logging.ERROR, action=self.name(), error=error)
            dispatcher.messages.clear()
            turn.respond("error")
            return self.after_failure(turn)

    def after_failure(self, turn: Turn) -> list[EventType]:
        """The events after a failure: a form's action asks again instead of taking the value."""
        return []


class FormValidation(MobilisAction, abc.ABC):
    """Validates what a form was told. `check` gets the one value and returns the slots to set,
    `requested_slot` (None: the form is done) among them when it should change."""

    slots: tuple[str, ...]  # those of the form

    @abc.abstractmethod
    def check(self, turn: Turn, slot: str, value: Any) -> dict[str, Any]:
        """The slots to set for `value`, told for `slot`."""

    def answer(self, turn: Turn) -> list[EventType]:
        slots: dict[str, Any] = {}
        for slot, value in turn.tracker.slots_to_validate().items():
            if slot in self.slots and value is not None:
                slots.update(self.check(turn, slot, value))
        return [SlotSet(name, value) for name, value in slots.items()]

    def after_failure(self, turn: Turn) -> list[EventType]:
        told = turn.tracker.slots_to_validate()
        return [SlotSet(slot, None) for slot in told if slot in self.slots]
