"""What Rasa remembers of a conversation, in the one database, or a loud failure.

Events are appended by position. A long conversation is now and then summed up in a snapshot, and
only what follows the newest snapshot is read again, so a turn's cost does not grow with the years.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import func, insert, select

from mobilis.brain.turn import TurnAborted
from mobilis.errors import StoreError
from mobilis.models import tracker_events
from mobilis.settings import load_settings
from mobilis.store import Database

logger = logging.getLogger(__name__)

SNAPSHOT_AFTER = 400  # events


@dataclass
class Stored:
    """How much of a tracker is in the database; kept on the tracker itself, under `stored`."""

    events: int = 0  # of the tracker's events, those that are stored
    position: int = 0  # of the newest stored event


class DatabaseTrackerStore(TrackerStore):
    """Reads and writes `tracker_events`; raises `TurnAborted` instead of forgetting."""

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        url: str | None = None,
        snapshot_after: int = SNAPSHOT_AFTER,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker)
        self.database = Database(url or load_settings().database)
        self.snapshot_after = snapshot_after

    async def keys(self) -> Iterable[str]:
        return await self._run(self._keys)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        rows = await self._run(self._rows, sender_id)
        if not rows:
            return None
        tracker = self.init_tracker(sender_id)
        for row in rows:
            tracker.update(Event.from_parameters(json.loads(row.data)), self.domain)
        tracker.stored = Stored(len(tracker.events), rows[-1].position)
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        stored = getattr(tracker, "stored", Stored())
        events = list(tracker.events)[stored.events :]
        records = [
            _record(tracker.sender_id, stored.position + number, event)
            for number, event in enumerate(events, 1)
        ]
        if len(tracker.events) > self.snapshot_after:
            summary = _snapshot(tracker)
            start = stored.position + len(records) + 1
            for number, event in enumerate(summary):
                record = _record(tracker.sender_id, start + number, event)
                records.append({**record, "snapshot": number == 0})
        if records:
            await self._run(self._append, records)
            tracker.stored = Stored(len(tracker.events), stored.position + len(records))

    async def replies(self, sender_id: str, message_id: str) -> list[dict[str, Any]] | None:
        """The bot events that answered a message, as stored; None when it never was answered."""
        return await self._run(self._replies, sender_id, message_id)

    @staticmethod
    async def _run(function: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(function, *arguments)
        except StoreError as error:
            logger.error("the tracker store failed: %s", error)
            raise TurnAborted(str(error)) from error

    def _keys(self) -> list[str]:
        with self.database.read() as connection:
            return list(
                connection.execute(select(tracker_events.c.conversation_id).distinct()).scalars()
            )

    def _rows(self, sender_id: str) -> list[Any]:
        table = tracker_events
        start = (
            select(func.coalesce(func.max(table.c.position), 0))
            .where(table.c.conversation_id == sender_id, table.c.snapshot.is_(True))
            .scalar_subquery()
        )
        with self.database.read() as connection:
            query = select(table.c.position, table.c.data).where(
                table.c.conversation_id == sender_id, table.c.position >= start
            )
            return list(connection.execute(query.order_by(table.c.position)))

    def _append(self, records: list[dict[str, Any]]) -> None:
        with self.database.write() as connection:
            connection.execute(insert(tracker_events), records)

    def _replies(self, sender_id: str, message_id: str) -> list[dict[str, Any]] | None:
        table = tracker_events
        own = table.c.conversation_id == sender_id
        with self.database.read() as connection:
            asked = connection.execute(
                select(func.max(table.c.position)).where(own, table.c.message_id == message_id)
            ).scalar()
            if asked is None:
                return None
            rows = connection.execute(
                select(table.c.name, table.c.data, table.c.snapshot)
                .where(own, table.c.position > asked)
                .order_by(table.c.position)
            )
            replies = []
            for row in rows:
                if row.snapshot or row.name == UserUttered.type_name:
                    break
                if row.name == BotUttered.type_name:
                    replies.append(json.loads(row.data))
            return replies


def _record(sender_id: str, position: int, event: Event) -> dict[str, Any]:
    return {
        "conversation_id": sender_id,
        "position": position,
        "snapshot": False,
        "at": datetime.fromtimestamp(event.timestamp, timezone.utc),
        "name": event.type_name,
        "message_id": event.message_id if isinstance(event, UserUttered) else None,
        "data": json.dumps(event.as_dict(), ensure_ascii=False),
    }


def _snapshot(tracker: DialogueStateTracker) -> list[Event]:
    """What of the past still matters: the slots' latest values, the active form, the last reply."""
    events: list[Event] = [SessionStarted()]
    events += [
        SlotSet(name, slot.value)
        for name, slot in tracker.slots.items()
        if slot.value != slot.initial_value
    ]
    if tracker.active_loop_name:
        events.append(ActiveLoop(tracker.active_loop_name))
    said = [event for event in tracker.events if isinstance(event, (BotUttered, UserUttered))]
    if said and isinstance(said[-1], BotUttered):  # what it offered is still open
        events.append(said[-1])
    return [*events, ActionExecuted(ACTION_LISTEN_NAME)]
