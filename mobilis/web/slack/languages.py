"""The language to begin in with somebody: that of their conversation, else the one that they have
chosen in Slack, else French."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy.engine import Connection

from mobilis.errors import DeliveryError
from mobilis.places import Place, find
from mobilis.web.door import Door
from mobilis.web.slack.api import Slack
from mobilis.web.slack.inbound import CHANNEL, direct
from mobilis.wording import DEFAULT_LANGUAGE, preferred_language

SECONDS = 1.0  # to wait for Slack, which waits three for us
KNOWN_FOR = 86_400.0  # seconds
FORGOTTEN_AFTER = 60.0  # seconds, when Slack did not say
MOST = 5_000  # people


class Languages:
    """Remembers what Slack said of each person."""

    def __init__(
        self, door: Door, slack: Slack, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._door = door
        self._slack = slack
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    async def of(self, place: Place) -> str:
        """The language to speak at a place."""
        spoken = await self._door.read(_spoken, place)
        return spoken or await self._chosen(place.workspace, str(place.reference["user"]))

    async def _chosen(self, workspace: str, user: str) -> str:
        until, language = self._known.get((workspace, user), (0.0, DEFAULT_LANGUAGE))
        if self._clock() < until:
            return language
        asked, language = await self._ask(workspace, user)
        until = self._clock() + (KNOWN_FOR if asked else FORGOTTEN_AFTER)
        self._known[workspace, user] = (until, language)
        self._known.move_to_end((workspace, user))
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return language

    async def _ask(self, workspace: str, user: str) -> tuple[bool, str]:
        asking = self._slack.call(
            workspace, lambda client: client.users_info(user=user, include_locale=True)
        )
        try:
            answer = await asyncio.wait_for(asking, SECONDS)
        except (DeliveryError, asyncio.TimeoutError):
            return False, DEFAULT_LANGUAGE
        locale = str((answer.get("user") or {}).get("locale") or "")
        return True, preferred_language(locale)


def _spoken(connection: Connection, place: Place) -> str | None:
    """The language of a place's conversation, or of the person's direct message."""
    there = direct(place.workspace, str(place.reference["user"]), "")
    for key in (place.key, there.key):
        row = find(connection, CHANNEL, key)
        if row is not None:
            return str(row.language)
    return None
