"""What Rasa remembers of a conversation, in the one database, or a loud failure.

Events are appended by position. When a turn is over, one row more sums the conversation up, and
only the newest summary is read again, so a turn costs the same however long the conversation is.
"""

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
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.sql import Select

from mobilis import swift
from mobilis.brain.events import read_event
from mobilis.brain.turn import TurnAborted
from mobilis.errors import StoreError
from mobilis.models import tracker_events
from mobilis.seeing.logs import tell_refusal
from mobilis.settings import load_settings
from mobilis.store import Database
from mobilis.turns import FIELDS

logger = logging.getLogger(__name__)

SUMMARY = "summary"  # the name of such a row, where others have the kind of their event


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
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker)
        self.database = Database(url) if url else Database.from_settings(load_settings())

    async def keys(self) -> Iterable[str]:
        return await self._run(swift.read, _keys)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        rows = await self._run(swift.read, _rows, sender_id)
        if not rows:
            return None
        return self._replayed(sender_id, rows)

    async def begin(
        self, sender_id: str, message_id: str
    ) -> tuple[list[dict[str, Any]], DialogueStateTracker | None]:
        """How a turn begins: the replies of a message that was answered already, and no tracker;
        or no replies, and the tracker to take the turn with."""
        replies, rows = await self._begin(sender_id, message_id)
        return (replies, None) if rows is None else ([], self._replayed(sender_id, rows))

    async def save(self, tracker: DialogueStateTracker) -> None:
        stored = getattr(tracker, "stored", Stored())
        events = list(tracker.events)[stored.events :]
        records = [
            _record(tracker.sender_id, stored.position + number, event)
            for number, event in enumerate(events, 1)
        ]
        if events and _waits(tracker):
            position = stored.position + len(records) + 1
            records.append(_summary(tracker, position))
        if records:
            await self._append(records)
            tracker.stored = Stored(len(tracker.events), stored.position + len(records))

    async def replies(self, sender_id: str, message_id: str) -> list[dict[str, Any]] | None:
        """The bot events that answered a message, as stored; None when it never was answered."""
        return await self._run(swift.read, _replies, sender_id, message_id)

    def _replayed(self, sender_id: str, rows: list[Any]) -> DialogueStateTracker:
        tracker = self.init_tracker(sender_id)
        try:
            for row in rows:
                for data in _described(row):
                    tracker.update(read_event(data), self.domain)
        except ValueError as error:
            raise TurnAborted(f"tracker_events: conversation {sender_id}: {error}") from None
        tracker.stored = Stored(len(tracker.events), rows[-1].position if rows else 0)
        return tracker

    async def _begin(
        self, sender_id: str, message_id: str
    ) -> tuple[list[dict[str, Any]], list[Any] | None]:
        return await self._run(swift.read, _beginning, sender_id, message_id)

    async def _append(self, records: list[dict[str, Any]]) -> None:
        await self._run(swift.write, _insert, records)

    async def _run(self, way: Any, use_case: Any, *arguments: Any) -> Any:
        try:
            return await way(self.database, use_case, *arguments)
        except StoreError as error:
            tell_refusal(logger, "the tracker store failed", error)
            raise TurnAborted(str(error)) from error


def replies_in(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    """The bot events since the visitor's last message."""
    replies: list[dict[str, Any]] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            replies.insert(0, event.as_dict())
    return replies


def _keys(connection: Connection) -> list[str]:
    return list(connection.execute(select(tracker_events.c.conversation_id).distinct()).scalars())


def _insert(connection: Connection, records: list[dict[str, Any]]) -> None:
    connection.execute(_APPEND, records)


def _beginning(
    connection: Connection, sender_id: str, message_id: str
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    rows = _rows(connection, sender_id, message_id)
    asked_again = rows and rows[0].asked
    replies = _replies(connection, sender_id, message_id) if asked_again else None
    return ([], rows) if replies is None else (replies, None)


def _rows(connection: Connection, sender_id: str, message_id: str = "") -> list[Any]:
    """The newest summary of a conversation and what follows it; each says whether the message
    `asked` for was taken in already, at any time."""
    asked = {"sender_id": sender_id, "message_id": message_id}
    return list(connection.execute(_NEWEST, asked))


def _replies(
    connection: Connection, sender_id: str, message_id: str
) -> list[dict[str, Any]] | None:
    asked = {"sender_id": sender_id, "message_id": message_id}
    positions = list(connection.execute(_ASKED, asked).scalars())
    if not positions:
        return None
    replies = []
    for row in connection.execute(_AFTER, {"sender_id": sender_id, "position": max(positions)}):
        if row.snapshot or row.name == UserUttered.type_name:
            break
        if row.name == BotUttered.type_name:
            replies.append(json.loads(row.data))
    return replies


def _newest() -> Select[Any]:
    table, mine = tracker_events.c, tracker_events.c.conversation_id == bindparam("sender_id")
    summary = select(table.position).where(mine, table.snapshot.is_(True))
    start = summary.order_by(table.position.desc()).limit(1).scalar_subquery()
    asked = _asked().exists().label("asked")
    rows = select(table.position, table.data, asked)
    return rows.where(mine, table.position >= func.coalesce(start, 0)).order_by(table.position)


def _asked() -> Select[Any]:
    table, mine = tracker_events.c, tracker_events.c.conversation_id == bindparam("sender_id")
    # Not the highest of them: SQLite would look for it among all events of the conversation.
    return select(table.position).where(mine, table.message_id == bindparam("message_id"))


def _after() -> Select[Any]:
    table, mine = tracker_events.c, tracker_events.c.conversation_id == bindparam("sender_id")
    rows = select(table.name, table.data, table.snapshot)
    return rows.where(mine, table.position > bindparam("position")).order_by(table.position)


# What every turn asks, built once: to build a statement takes longer than to run it.
_NEWEST, _ASKED, _AFTER = _newest(), _asked(), _after()
_APPEND = insert(tracker_events)


def _described(row: Any) -> list[Any]:
    """The events of a row: one, or those of a summary. (Summaries were rows of one event each.)"""
    data = json.loads(row.data)
    return data if isinstance(data, list) else [data]


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


def _waits(tracker: DialogueStateTracker) -> bool:
    """Whether the turn is over: nothing more happens until the visitor writes."""
    last = tracker.events[-1]
    return isinstance(last, ActionExecuted) and last.action_name == ACTION_LISTEN_NAME


def _summary(tracker: DialogueStateTracker, position: int) -> dict[str, Any]:
    """What of the past still matters: the last exchange, without its words, then the slots' latest
    values and the active form. Policies look only at what follows the beginning of a session."""
    slots = [
        SlotSet(name, slot.value)
        for name, slot in tracker.slots.items()
        if slot.value != slot.initial_value
    ]
    form = [ActiveLoop(tracker.active_loop_name)] if tracker.active_loop_name else []
    listen = ActionExecuted(ACTION_LISTEN_NAME)
    events = [*_last_exchange(tracker), SessionStarted(), *slots, *form, listen]
    described = [event.as_dict() for event in events]
    return {
        **_record(tracker.sender_id, position, tracker.events[-1]),
        "snapshot": True,
        "name": SUMMARY,
        "data": json.dumps(described, ensure_ascii=False),
    }


def _last_exchange(tracker: DialogueStateTracker) -> list[Event]:
    """What the visitor's last message was taken for, and what the replies to it left open: what
    they offered, with the buttons, whose titles may be typed."""
    replies: list[Event] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            intent = {"name": event.intent_name}
            parsed = {"intent": intent}
            asked = UserUttered(None, intent, parse_data=parsed, message_id=event.message_id)
            return [asked, *replies]
        if isinstance(event, BotUttered):
            kept = (event.metadata or {}).get("mobilis") or {}
            left = {key: value for key, value in kept.items() if key not in FIELDS.values()}
            buttons = (event.data or {}).get("buttons") or []
            replies.insert(0, BotUttered(data={"buttons": buttons}, metadata={"mobilis": left}))
    return replies
