"""What people do on Slack, taken in: posts, buttons, commands, the Home tab, the form.

Each handler only writes to the inbox and wakes the worker before Slack gets its answer; whatever
asks Slack for something comes after.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Row

from mobilis.contact_details import Details
from mobilis.content import Content, fresh_content
from mobilis.conversations import (
    find_conversation,
    lock_conversation,
    receive_opening,
    receive_text,
)
from mobilis.deliveries import press
from mobilis.errors import ChatError, DeliveryError, MobilisError
from mobilis.leads import write_lead
from mobilis.models import choices, leads, places
from mobilis.openings import Opening, find_opening
from mobilis.places import Place, meet
from mobilis.settings import ROOT
from mobilis.turns import Reply, say
from mobilis.web import refusals
from mobilis.web.door import Door
from mobilis.web.incoming import clean_text
from mobilis.web.slack import views
from mobilis.web.slack.api import Slack
from mobilis.web.slack.blocks import notice
from mobilis.web.slack.inbound import CHANNEL, Spoken, direct, is_public, message_id
from mobilis.web.slack.languages import Languages
from mobilis.web.slack.privately import is_private_choice, meet_directly, press_in_private

OF_ANOTHER = "of_another"

logger = logging.getLogger(__name__)


class Desk:
    """Takes in what comes; `settle` waits for what is still asked of Slack."""

    def __init__(self, door: Door, slack: Slack) -> None:
        self._door = door
        self._slack = slack
        self._languages = Languages(door, slack)
        self._later: set[asyncio.Task[None]] = set()

    async def hear(self, spoken: Spoken) -> None:
        """Somebody posted something to us."""
        text = clean_text(spoken.text)
        language = await self._languages.of(spoken.place)
        try:
            self._check(spoken.place, text)
            talk = await self._door.write(_hear, spoken, text, language)
        except ChatError as error:
            self.tell(spoken.place, self._sentence(error, language))
            return
        self._wake(talk)

    async def choose(self, here: Place, pressed: str, choice_id: str) -> None:
        """Somebody pressed a button of a message, or chose from its menu."""
        sentences = self._door.wording.slack
        try:
            talks = await self._door.write(_choose, here, pressed, choice_id, sentences)
        except ChatError as error:
            language = await self._languages.of(here)
            self.tell(here, self._sentence(error, language))
            return
        self._wake(*talks)

    async def begin(
        self, workspace: str, user: str, event_id: str, intent: str, language: str = ""
    ) -> None:
        """Somebody asked for something that begins in a direct message; `language` when they said
        which."""
        place = direct(workspace, user, "")
        first = language or await self._languages.of(place)
        self._wake(await self._door.write(_begin, place, event_id, intent, first, bool(language)))

    async def keep_details(
        self, workspace: str, user: str, view: Mapping[str, Any], details: Details
    ) -> str:
        """Keep the details of a form that was sent; what to say of it."""
        place, language = direct(workspace, user, ""), views.language_of(view)
        sent = message_id("form", str(view["id"]))
        talk, text = await self._door.write(_keep_details, place, sent, language, details)
        self._wake(talk)
        return text

    async def show_home(self, workspace: str, user: str, started: bool = False) -> None:
        """Show somebody their Home tab."""
        language = await self._languages.of(direct(workspace, user, ""))
        view = views.home(language, self._door.wording.slack, content(), started)
        await self._slack.call(
            workspace, lambda client: client.views_publish(user_id=user, view=view)
        )

    async def show_form(self, workspace: str, user: str, trigger: str) -> None:
        """Open the form in which somebody leaves their details. Slack waits three seconds."""
        language = await self._languages.of(direct(workspace, user, ""))
        days = self._door.settings.lead_days
        view = views.form(language, self._door.wording.slack, content(), days)
        await self._slack.call(
            workspace, lambda client: client.views_open(trigger_id=trigger, view=view)
        )

    def tell(self, place: Place, sentence: str) -> None:
        """Say something to somebody alone, which is not kept."""
        user, channel = place.reference["user"], place.reference["channel"]
        thread = place.reference.get("thread")
        self.later(
            self._tell(place.workspace, channel=channel, user=user, thread_ts=thread, text=sentence)
        )

    async def _tell(self, workspace: str, *, text: str, **to: Any) -> None:
        await self._slack.call(
            workspace, lambda client: client.chat_postEphemeral(**to, **notice(text))
        )

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something once Slack has its answer."""
        task = asyncio.create_task(_logged(work))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def settle(self) -> None:
        """Wait for what was begun."""
        await asyncio.gather(*self._later, return_exceptions=True)

    def _check(self, place: Place, text: str) -> None:
        """Raise `ChatError` when there is too much of something."""
        if len(text) > self._door.settings.text_limit:
            raise ChatError("text_too_long", 422)
        self._door.limits.conversation.check(f"{CHANNEL} {place.key}")

    def _sentence(self, error: ChatError, language: str) -> str:
        if error.code == OF_ANOTHER:
            return self._door.wording.slack[OF_ANOTHER][language]
        return refusals.describe(self._door, error, language)["message"]

    def _wake(self, *conversation_ids: str) -> None:
        for conversation_id in conversation_ids:
            self._door.hub.news(conversation_id)
        self._door.worker.wake()
        self._door.sender.wake()


def content() -> Content:
    """The content as it is now."""
    return fresh_content(ROOT)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """Nobody waits for what comes after the answer: what went wrong is for the log."""
    try:
        await work
    except DeliveryError as error:
        logger.warning("Slack: %s", error)
    except MobilisError as error:
        logger.error("Slack: %s", type(error).__name__)


def _hear(connection: Connection, spoken: Spoken, text: str, language: str) -> str:
    """Take in a post; its conversation. Who only mentions us is told what we can do."""
    meeting = meet(connection, spoken.place, language)
    talk = meeting.conversation_id
    if text:
        receive_text(connection, talk, spoken.message_id, text)
    elif not meeting.is_new or is_public(spoken.place):  # else the greeting says so
        receive_opening(connection, talk, spoken.message_id, _opening("help"))
    return talk


def _choose(
    connection: Connection, here: Place, pressed: str, choice_id: str, sentences: Any
) -> tuple[str, ...]:
    """Take in a button; the conversations in which something happened.

    Raises:
        ChatError: choice_unknown, choice_used; of_another.
    """
    row = _offered(connection, here.workspace, choice_id)
    place = Place(row.channel, row.key, row.workspace, row.reference)
    if place.reference["user"] != here.reference["user"]:
        raise ChatError(OF_ANOTHER, 403)
    conversation = find_conversation(connection, row.conversation_id)
    held = conversation is not None and conversation.held
    if is_public(place) and is_private_choice(row.payload) and not held:
        press_in_private(connection, place, pressed, choice_id, sentences)
        language = conversation.language if conversation else "fr"
        return row.conversation_id, meet_directly(connection, place, language).conversation_id
    press(connection, row.conversation_id, pressed, choice_id)
    return (row.conversation_id,)


def _offered(connection: Connection, workspace: str, choice_id: str) -> Row[Any]:
    """A choice that was offered in a workspace, and where."""
    query = (
        select(choices.c.payload, places)
        .join(places, places.c.conversation_id == choices.c.conversation_id)
        .where(
            choices.c.id == choice_id,
            places.c.channel == CHANNEL,
            places.c.workspace == workspace,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ChatError("choice_unknown", 404)
    return row


def _begin(
    connection: Connection, place: Place, event_id: str, intent: str, language: str, said: bool
) -> str:
    """Begin something in a direct message; its conversation."""
    meeting = meet_directly(connection, place, language)
    talk = meeting.conversation_id
    if said and meeting.language != language:
        switch = _opening(f"switch_language/{language}")
        receive_opening(connection, talk, message_id(event_id[-50:], "language"), switch)
    receive_opening(connection, talk, message_id(event_id), _opening(intent))
    return talk


def _opening(intent: str) -> Opening:
    """What begins an intent: one that a website's button may open, or any of our own buttons."""
    found = find_opening(content(), intent)
    return found or Opening(f"/{intent}", content().choices[intent])


def _keep_details(
    connection: Connection, place: Place, sent: str, language: str, details: Details
) -> tuple[str, str]:
    """Keep what a form said, and say so in the direct message; its conversation and the words."""
    talk = meet_directly(connection, place, language).conversation_id
    conversation = lock_conversation(connection, talk)
    if conversation is None:
        raise ChatError("unauthorized", 401)
    own = (leads.c.conversation_id == talk, leads.c.source_message_id == sent)
    known = connection.execute(select(leads.c.id).where(*own)).first()
    reference = write_lead(
        connection,
        kind="interest",
        conversation_id=talk,
        message_id=sent,
        language=language,
        details=details,
        consented=True,
    )
    text = content().wording["lead_kept"][language].format(reference=reference)
    if known is None:
        lead = {"reference": reference, "kind": "interest"}
        say(connection, conversation, None, [Reply(text, language, own={"lead": lead})])
    return talk, text
