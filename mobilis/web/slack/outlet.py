"""Showing messages on Slack. What becomes personal in a channel goes on in a direct message."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from mobilis import moving
from mobilis.conversations import Message
from mobilis.errors import ChatError, DeliveryPostponed, DeliveryRefused
from mobilis.places import Place
from mobilis.web.door import Door
from mobilis.web.slack.announced import show
from mobilis.web.slack.api import Slack
from mobilis.web.slack.blocks import Look, notice
from mobilis.web.slack.inbound import is_public
from mobilis.web.slack.privately import personally

EVENT_TYPE = "mobilis"  # of the metadata by which a message is found again
PAGE = 100  # messages of a history that are looked through
CLOCKS_DIFFER = 300.0  # seconds, at most

logger = logging.getLogger(__name__)


class SlackOutlet:
    """Where Slack's messages are shown; `open` gives it what it needs once the front door runs."""

    def __init__(self) -> None:
        self._slack: Slack | None = None
        self._door: Door | None = None
        self._look: Look | None = None
        self._direct: dict[tuple[str, str], str] = {}  # channels of direct messages, by person

    def open(self, slack: Slack, door: Door) -> None:
        self._slack, self._door = slack, door
        self._look = Look(door.wording.slack, door.settings.public_url.rstrip("/"))

    async def send(self, place: Place, message: Message) -> str:
        """Post a message; its `ts`. Nothing is posted of what has no place before others."""
        slack, door, look = self._parts()
        shown = show(message, look)
        said = await door.read(moving.how_said, message["id"])
        if moving.is_late_greeting(said):
            return ""
        if is_public(place):
            if moving.is_greeting(said) or moving.is_unseen(message, said):
                return ""  # who asks before others gets an answer, and no more
            if moving.is_personal(message):
                shown = notice(await self._move(place, message))
        channel = await self._channel(place)
        thread = place.reference.get("thread")
        answer = await slack.call(
            place.workspace,
            lambda client: client.chat_postMessage(
                channel=channel,
                thread_ts=thread,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"id": message["id"]}},
                unfurl_links=False,
                unfurl_media=False,
                **shown,
            ),
        )
        return str(answer["ts"])

    async def update(self, place: Place, message: Message, remote_id: str) -> None:
        """Show a message as it is now."""
        slack, _, look = self._parts()
        if is_public(place) and moving.is_personal(message):
            return  # what stands in its place has no buttons
        channel, shown = await self._channel(place), show(message, look)
        await slack.call(
            place.workspace,
            lambda client: client.chat_update(channel=channel, ts=remote_id, **shown),
        )

    async def find(self, place: Place, message: Message) -> str | None:
        """The `ts` of a message that may have been posted: Slack kept its id beside it."""
        slack, _, _ = self._parts()
        channel, thread = await self._channel(place), place.reference.get("thread")
        among: dict[str, Any] = {"channel": channel, "oldest": _since(message), "limit": PAGE}

        def look(client: AsyncWebClient) -> Awaitable[AsyncSlackResponse]:
            if thread:
                return client.conversations_replies(ts=thread, include_all_metadata=True, **among)
            return client.conversations_history(include_all_metadata=True, **among)

        try:
            answer = await slack.call(place.workspace, look)
        except DeliveryRefused as error:  # such as a scope that was not given
            logger.warning("Slack cannot say whether a message was posted: %s", error)
            return None
        posted = answer.get("messages") or ()
        return next((str(one["ts"]) for one in posted if _id_of(one) == message["id"]), None)

    def remember(self, workspace: str, user: str, channel: str) -> None:
        """Where somebody's direct message is."""
        self._direct[workspace, user] = channel

    def _parts(self) -> tuple[Slack, Door, Look]:
        if self._slack is None or self._door is None or self._look is None:
            raise DeliveryPostponed("the front door is just starting")
        return self._slack, self._door, self._look

    async def _channel(self, place: Place) -> str:
        known: str = place.reference.get("channel") or ""
        return known or await self._open_direct(place.workspace, place.reference["user"])

    async def _open_direct(self, workspace: str, user: str) -> str:
        slack, _, _ = self._parts()
        if (workspace, user) not in self._direct:
            answer = await slack.call(
                workspace, lambda client: client.conversations_open(users=user)
            )
            self.remember(workspace, user, str(answer["channel"]["id"]))
        return self._direct[workspace, user]

    async def _move(self, place: Place, message: Message) -> str:
        """Ask it in private; the sentence for the channel."""
        _, door, look = self._parts()
        words = look.words(message)
        try:
            moved = await door.write(moving.move, message["id"], personally(place))
        except ChatError:  # a conversation was erased meanwhile
            moved = []
        for conversation_id in moved:
            door.told(conversation_id)
        door.worker.wake()
        return words["continue_direct" if moved else "continue_direct_unsure"]


def _since(message: Message) -> str:
    """From when on it may have been posted, as Slack writes times."""
    said_at = datetime.fromisoformat(message["at"].replace("Z", "+00:00"))
    return f"{said_at.timestamp() - CLOCKS_DIFFER:.6f}"


def _id_of(posted: Mapping[str, Any]) -> str | None:
    metadata = posted.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    found = (metadata.get("event_payload") or {}).get("id")
    return None if found is None else str(found)
