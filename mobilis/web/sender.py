"""The sender: shows messages on the platforms that they are pushed to, one at a time in each
conversation, and again later where that failed.

It is woken when something was said, and looks for itself every second. Runs inside the front
door's event loop.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from anyio import to_thread
from sqlalchemy.engine import Connection

from mobilis import deliveries
from mobilis.conversations import Message
from mobilis.deliveries import Delivery
from mobilis.errors import DeliveryPostponed, DeliveryRefused, StoreError
from mobilis.places import Place
from mobilis.seeing import metrics
from mobilis.seeing.ids import begin_trace
from mobilis.seeing.logs import tell, tell_refusal
from mobilis.store import Database, now
from mobilis.turns import next_try
from mobilis.web.loops import keep_up

POLL_SECONDS = 1.0
AT_ONCE = 16  # deliveries under way
BACKOFF_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Outlet(Protocol):
    """Where one channel's messages are shown. Everything raises `DeliveryPostponed` or
    `DeliveryRefused`."""

    async def send(self, place: Place, message: Message) -> str:
        """Show a message; how the platform calls it from then on."""

    async def update(self, place: Place, message: Message, remote_id: str) -> None:
        """Show a message that was sent as it is now."""

    async def find(self, place: Place, message: Message) -> str | None:
        """How the platform calls a message that may have been sent; None when it was not, or when
        the platform cannot say."""


class Queue(Protocol):
    """What is to be shown, and what came of it: messages to visitors (mobilis/deliveries.py) or to
    staff (mobilis/bulletins.py)."""

    def take_due(
        self, connection: Connection, channels: Collection[str], limit: int, busy: Collection[str]
    ) -> list[Delivery]:
        """What is due, taken; nothing of the conversations that are `busy`."""

    def note_sent(self, connection: Connection, number: int, remote: str) -> None:
        """It is shown."""

    def put_off(
        self, connection: Connection, delivery: Delivery, why: str, due_at: datetime
    ) -> bool:
        """Try again later; False when it is given up."""

    def give_up(self, connection: Connection, number: int, why: str) -> None:
        """It will never be shown."""


class Sender:
    """`start` and `stop` bracket its life. `outlets` are by channel."""

    def __init__(
        self, database: Database, outlets: Mapping[str, Outlet], queue: Queue = deliveries
    ) -> None:
        self._database = database
        self._queue = queue
        self._queue_name = "visitors" if queue is deliveries else "staff"
        self._outlets = outlets
        self._under_way: dict[str, asyncio.Task[None]] = {}  # by conversation
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False  # before Python 3.12, `wait_for` may swallow a cancellation

    def start(self) -> None:
        if self._outlets:
            self._loop = asyncio.create_task(keep_up(self._run))

    async def stop(self) -> None:
        """Begin no more deliveries, and let those under way end."""
        self._stopping = True
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, *self._under_way.values(), return_exceptions=True)

    def wake(self) -> None:
        """There may be something to show."""
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._begin_due()
            except StoreError as error:
                tell_refusal(logger, "deliveries cannot be read", error)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    async def _begin_due(self) -> None:
        free = AT_ONCE - len(self._under_way)
        due = await to_thread.run_sync(self._take, free, list(self._under_way)) if free else []
        for delivery in due:
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way[delivery.conversation_id] = task

    def _take(self, limit: int, busy: list[str]) -> list[Delivery]:
        with self._database.write() as connection:
            return self._queue.take_due(connection, list(self._outlets), limit, busy)

    async def _deliver(self, delivery: Delivery) -> None:
        begin_trace(delivery.trace)
        try:
            await self._try(delivery)
        except StoreError as error:  # it stays under way, and is due again in a while
            tell_refusal(logger, "a delivery cannot be noted", error)
        finally:
            del self._under_way[delivery.conversation_id]
            self.wake()

    async def _try(self, delivery: Delivery) -> None:
        try:
            remote = await self._show(delivery)
        except DeliveryPostponed as error:
            again = await to_thread.run_sync(self._put_off, delivery, str(error), error.retry_after)
            self._note(delivery, "postponed" if again else "given_up", error)
        except DeliveryRefused as error:
            await to_thread.run_sync(self._give_up, delivery, str(error))
            self._note(delivery, "refused", error)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            await to_thread.run_sync(self._give_up, delivery, type(error).__name__)
            self._note(delivery, "refused", error)
        else:
            await to_thread.run_sync(self._note_sent, delivery, remote)
            self._note(delivery, "sent")

    def _note(self, delivery: Delivery, outcome: str, error: Exception | None = None) -> None:
        """Log and count what came of a try; what is given up is a dead letter."""
        channel, number = delivery.place.channel, delivery.number
        metrics.DELIVERIES.labels(self._queue_name, channel, outcome).inc()
        told: dict[str, Any] = {"queue": self._queue_name, "channel": channel, "number": number}
        level = logging.WARNING if error else logging.INFO
        if outcome != "given_up":
            tell(logger, f"delivery_{outcome}", level, error=error, **told)
        if outcome in ("refused", "given_up"):
            tell(logger, "dead_letter", logging.ERROR, error=error, **told)

    async def _show(self, delivery: Delivery) -> str:
        outlet = self._outlets[delivery.place.channel]
        if delivery.kind == "update":
            if delivery.remote_id:  # else it was never shown
                await outlet.update(delivery.place, delivery.message, delivery.remote_id)
            return delivery.remote_id
        tried = delivery.was_cut or delivery.attempts  # an answer that was lost may have been a yes
        found = await outlet.find(delivery.place, delivery.message) if tried else None
        return found or await outlet.send(delivery.place, delivery.message)

    def _put_off(self, delivery: Delivery, why: str, retry_after: float) -> bool:
        due_at = next_try(delivery.attempts + 1, BACKOFF_SECONDS)
        if retry_after:
            wait = timedelta(seconds=retry_after * random.uniform(1.0, 1.25))
            due_at = max(due_at, now() + min(wait, deliveries.LONGEST_WAIT))
        with self._database.write() as connection:
            return self._queue.put_off(connection, delivery, why, due_at)

    def _give_up(self, delivery: Delivery, why: str) -> None:
        with self._database.write() as connection:
            self._queue.give_up(connection, delivery.number, why)

    def _note_sent(self, delivery: Delivery, remote: str) -> None:
        with self._database.write() as connection:
            self._queue.note_sent(connection, delivery.number, remote)
