"""Where messages are shown on Teams. In public, what asks for answers about oneself moves to a
personal chat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobilis import moving
from mobilis.bulletins import KIND
from mobilis.conversations import Message
from mobilis.errors import DeliveryRefused
from mobilis.places import Place
from mobilis.web.door import Door
from mobilis.web.teams.activities import personal_place
from mobilis.web.teams.announced import announced
from mobilis.web.teams.cards import TooLarge, activity_of
from mobilis.web.teams.clouds import App
from mobilis.web.teams.connector import Connector

UNSEEN = ""  # in place of the platform's name for a message: it was not to be shown


class TeamsOutlet:
    """The outlet of the channel; it works once it knows the front door."""

    def __init__(self, app: App, connector: Connector) -> None:
        self._app = app
        self._connector = connector
        self._door: Door | None = None

    def open(self, door: Door) -> None:
        """From now on, for this front door."""
        self._door = door

    @property
    def door(self) -> Door:
        """The front door.

        Raises:
            DeliveryRefused: there is none.
        """
        if self._door is None:
            raise DeliveryRefused("the channel is not open")
        return self._door

    async def send(self, place: Place, message: Message) -> str:
        """Show a message, or what stands for it in public; `UNSEEN` when nothing does."""
        if "removed" in place.reference:
            raise DeliveryRefused("the app was removed from there")
        if not place.reference["public"]:
            return await self._show(place, message)
        said = await self.door.read(moving.how_said, message["id"])
        if moving.is_greeting(said):
            return await self._greet(place, message)
        if moving.is_unseen(message, said):
            return UNSEEN
        if moving.is_personal(message):
            return await self._move(place, message)
        return await self._show(place, message)

    async def update(self, place: Place, message: Message, remote_id: str) -> None:
        """Show a message that was sent as it is now."""
        if "removed" in place.reference:
            raise DeliveryRefused("the app was removed from there")
        service_url, conversation = place.reference["service_url"], place.reference["conversation"]
        activity = self._activity(message)
        await self._connector.update(service_url, conversation, remote_id, activity)

    async def find(self, place: Place, message: Message) -> str | None:
        """None: Teams cannot say. A message whose sending was cut is sent again."""
        return None

    async def compose(self, place: Place) -> None:
        """Show that an answer is being made."""
        service_url, conversation = place.reference["service_url"], place.reference["conversation"]
        await self._connector.send(service_url, conversation, {"type": "typing"})

    async def _show(self, place: Place, message: Message) -> str:
        service_url, conversation = place.reference["service_url"], place.reference["conversation"]
        return await self._connector.send(service_url, conversation, self._activity(message))

    def _activity(self, message: Message) -> Mapping[str, Any]:
        if message["kind"] == KIND:
            return announced(message)
        try:
            return activity_of(message, self.door.wording.teams, self._app.public_url)
        except TooLarge as error:
            raise DeliveryRefused(f"the message is larger than Teams takes: {error}") from None

    async def _greet(self, place: Place, message: Message) -> str:
        """Where the app was added in public, say how it is asked; who asks gets an answer only."""
        if place.reference["person"]:
            return UNSEEN
        return await self._say(place, message, "welcome_public")

    async def _move(self, place: Place, message: Message) -> str:
        try:
            conversation = await self._connector.open_chat(
                place.reference["service_url"],
                place.reference["bot"],
                place.reference["person"],
                place.workspace,
            )
        except DeliveryRefused:
            await self.door.write(moving.leave, message["id"])
            self.door.worker.wake()
            return await self._say(place, message, "moved_in_vain")
        personal = personal_place(place, conversation)
        moved = await self.door.write(moving.move, message["id"], personal)
        if not moved:
            return UNSEEN
        for conversation_id in moved:
            self.door.told(conversation_id)
        self.door.worker.wake()
        return await self._say(place, message, "moved")

    async def _say(self, place: Place, message: Message, key: str) -> str:
        """Show a sentence of ours in place of a message."""
        told = {name: message[name] for name in ("id", "at", "language")}
        text = self.door.wording.teams[key][message["language"]]
        told |= {"role": "assistant", "kind": "text", "text": text}
        return await self._show(place, told)
