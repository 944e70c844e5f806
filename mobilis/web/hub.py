"""News inside the process: whoever waits for a conversation is woken when something happens in it.

A signal says only that it is worth looking; the database stays the truth.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum

from mobilis.errors import ChatError
from mobilis.turns import BUSY_SECONDS

MOST_LISTENERS = 20  # of one conversation: tabs, devices and waiting requests
MOST_SIGNALS = 32  # kept for a listener that is slow


class Signal(Enum):
    """What may have happened in a conversation."""

    NEWS = "news"
    TYPING = "typing"
    SILENT = "silent"
    CLOSED = "closed"


QUIET = (Signal.TYPING, Signal.SILENT)  # nothing was written


class Listener:
    """The signals of one conversation that nobody has looked at yet, in order."""

    def __init__(self) -> None:
        self._signals: deque[Signal] = deque(maxlen=MOST_SIGNALS)
        self._ready = asyncio.Event()
        self._written = asyncio.Event()

    def put(self, signal: Signal) -> None:
        self._signals.append(signal)
        self._ready.set()
        if signal not in QUIET:
            self._written.set()

    async def news(self, seconds: float) -> None:
        """Wait, so long at most, until there is something to look at or nothing will come."""
        while self._signals:
            if self._signals.popleft() not in QUIET:
                return
        await _set_within(self._written, seconds)
        self._signals.clear()

    async def next(self, seconds: float) -> Signal | None:
        """The next signal, or None when there was none for so long."""
        if not self._signals:
            await _set_within(self._ready, seconds)
        return self._signals.popleft() if self._signals else None


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event that is not set yet, so long at most. (`wait_for` makes a task of it.)"""
    event.clear()
    end = asyncio.get_running_loop().call_later(seconds, event.set)
    try:
        await event.wait()
    finally:
        end.cancel()


class Hub:
    """Who listens to which conversation, and in which the assistant is typing."""

    def __init__(self, most_streams: int = 0) -> None:
        self.closed = False
        self._most_streams = most_streams
        self._streams = 0
        self._listeners: dict[str, set[Listener]] = {}
        self._typing: set[str] = set()
        self._elsewhere: dict[str, float] = {}  # listened to at other front doors, until when

    @contextmanager
    def listen(self, conversation_id: str) -> Iterator[Listener]:
        """A listener of a conversation, for as long as the block runs.

        Raises:
            ChatError: too_many_requests, when too many listen already.
        """
        self.check_room(conversation_id)
        listener = Listener()
        listeners = self._listeners.setdefault(conversation_id, set())
        listeners.add(listener)
        if self.closed:
            listener.put(Signal.CLOSED)
        elif conversation_id in self._typing:
            listener.put(Signal.TYPING)
        try:
            yield listener
        finally:
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(conversation_id, None)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """One event stream more, for as long as the block runs."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def check_streams(self) -> None:
        """Raise `ChatError` busy when no more streams may be open; 0: as many as there are."""
        if self._most_streams and self._streams >= self._most_streams:
            raise ChatError("busy", 503, retry_after=random.randint(*BUSY_SECONDS))

    def check_room(self, conversation_id: str) -> None:
        """Raise `ChatError` too_many_requests when nobody more may listen."""
        if len(self._listeners.get(conversation_id, ())) >= MOST_LISTENERS:
            raise ChatError("too_many_requests", 429, retry_after=10)

    def is_heard(self, conversation_id: str) -> bool:
        """Whether anybody listens: the chat of a visitor is open, or waits for an answer."""
        elsewhere = self._elsewhere.get(conversation_id, 0.0)
        return bool(self._listeners.get(conversation_id)) or elsewhere > time.monotonic()

    def heard(self) -> list[str]:
        """The conversations that somebody listens to here."""
        return list(self._listeners)

    def hear(self, conversation_ids: Iterable[str], seconds: float) -> None:
        """Somebody listens to these at another front door; it will say so again within a while."""
        moment = time.monotonic()
        still = {one: until for one, until in self._elsewhere.items() if until > moment}
        self._elsewhere = {**still, **dict.fromkeys(conversation_ids, moment + seconds)}

    def news(self, conversation_id: str) -> None:
        """Something was written in the conversation, or it was erased."""
        self._signal(conversation_id, Signal.NEWS)

    def look(self) -> None:
        """Something may have been written in any conversation."""
        for conversation_id in list(self._listeners):
            self.news(conversation_id)

    def typing(self, conversation_id: str, on: bool) -> None:
        """The assistant begins or ends to work on an answer."""
        (self._typing.add if on else self._typing.discard)(conversation_id)
        self._signal(conversation_id, Signal.TYPING if on else Signal.SILENT)

    def close(self) -> None:
        """End every wait and every stream: the front door is stopping."""
        self.closed = True
        for conversation_id in list(self._listeners):
            self._signal(conversation_id, Signal.CLOSED)

    def _signal(self, conversation_id: str, signal: Signal) -> None:
        for listener in self._listeners.get(conversation_id, ()):
            listener.put(signal)
