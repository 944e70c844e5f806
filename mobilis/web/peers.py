"""The other front doors of the same database: who takes which turn, and news from one to another.

On PostgreSQL each front door keeps one connection of its own, its line. A conversation whose turn
it takes is locked on that line; when the process ends, or says nothing for LEASE_SECONDS, the
database closes the line, and the turn is anybody's again. News come over the same line; while it
is down, whoever listens here looks for themselves every second. On SQLite there are no others.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.engine import Connection

from mobilis import news
from mobilis.errors import StoreError
from mobilis.store import Database, refusing
from mobilis.turns import Turn, turn_state
from mobilis.web.hub import Hub
from mobilis.web.presence import Presence

LEASE_SECONDS = 12  # of silence, after which the database takes a front door for dead
BEAT_SECONDS = 3.0  # between two signs of life, which also say who is here
AT_ONCE = 150  # conversations of one piece of news
RETRY_SECONDS = 1.0

T = TypeVar("T")
logger = logging.getLogger(__name__)

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))")


class Peers:
    """`keep` runs for as long as the front door does."""

    def __init__(self, database: Database, hub: Hub, presence: Presence) -> None:
        self._database = database
        self._hub = hub
        self._presence = presence
        self._line: tuple[Connection, Any] | None = None  # and what the driver calls it
        self._using = asyncio.Lock()
        self._ready = asyncio.Event()  # there may be something to hear

    async def claim(self, turn: Turn) -> bool:
        """Take a turn, which nobody else then takes; False when somebody has, or it is over.

        Raises:
            StoreError: the database is unreachable or refuses.
        """
        return not self._database.is_shared or await self._ask(_claim, turn)

    async def release(self, conversation_id: str) -> None:
        """A turn of the conversation is over, or given back."""
        if self._database.is_shared:
            with suppress(StoreError):  # the line is down, and with it the lock is gone
                await self._ask(_release, conversation_id)

    async def keep(self) -> None:
        """Listen to the others, for ever."""
        while self._database.is_shared:
            try:
                await self._listen()
            except StoreError as error:
                logger.error("the other front doors cannot be heard: %s", error)
            self._hub.look()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        line = await to_thread.run_sync(_open, self._database)
        raw = line.connection.dbapi_connection
        self._line = line, raw
        try:
            self._watch(raw, on=True)
            self._hub.look()  # for what was said while nobody listened
            loop = asyncio.get_running_loop()
            beat_at = loop.time()
            while True:
                # No `wait_for`: before Python 3.12, it may swallow a cancellation.
                beat = loop.call_at(beat_at, self._ready.set)
                await self._ready.wait()
                beat.cancel()
                if loop.time() < beat_at:
                    await self._read(raw)
                else:
                    beat_at = loop.time() + BEAT_SECONDS
                    await self._ask(_beat, self._hub.heard(), self._met())
                self._hear(raw.notifies)
                self._ready.clear()
        finally:
            async with self._using:
                self._line = None
                self._watch(raw, on=False)
                await to_thread.run_sync(_close, line)

    async def _read(self, raw: Any) -> None:
        """Take what has arrived on the line, which does not wait for anything."""
        async with self._using:
            try:
                raw.poll()
            except raw.Error as error:
                raise StoreError(f"the line ended: {type(error).__name__}") from None
            self._watch(raw, on=True)

    async def _ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """Do something on the line, one after the other. What arrives meanwhile is heard later.

        Raises:
            StoreError: the line is down.
        """
        async with self._using:
            if self._line is None:
                raise StoreError("the line to the database is down")
            line, raw = self._line
            self._watch(raw, on=False)
            try:
                return await to_thread.run_sync(function, line, *arguments)
            except StoreError:
                self._line = None  # what was locked on it is not locked any more
                self._ready.set()
                raise
            finally:
                self._watch(raw, on=True)

    def _watch(self, raw: Any, on: bool) -> None:
        """Have the loop say when something arrives on the line, once."""
        loop = asyncio.get_running_loop()
        try:
            number = raw.fileno()
        except raw.InterfaceError:  # it is closed
            return
        if on and self._line is not None:
            loop.add_reader(number, self._arrived, raw)
        else:
            loop.remove_reader(number)
        if raw.notifies:  # it came with an answer
            self._ready.set()

    def _arrived(self, raw: Any) -> None:
        self._ready.set()
        self._watch(raw, on=False)

    def _hear(self, heard: list[Any]) -> None:
        while heard:
            told = news.read(heard.pop(0).payload)
            if told is None or told.teller == self._database.name:
                continue
            if told.what == news.WRITTEN:
                self._hub.news(told.said)
            elif told.what == news.HEARD:
                self._hub.hear(told.said.split(","), LEASE_SECONDS)
            elif told.what == news.MET:
                with suppress(ValueError, TypeError):  # told by another version
                    self._presence.hear(*json.loads(told.said))
            elif told.what in (news.TYPING, news.SILENT):
                self._hub.typing(told.said, on=told.what == news.TYPING)

    def _met(self) -> list[str]:
        """Who of staff has opened a case here since this was last asked."""
        met = self._presence.news
        return [json.dumps(met.popleft()) for _ in range(len(met))]


def _open(database: Database) -> Connection:
    line = database.open_line()
    with refusing():
        if (line.dialect.server_version_info or (0,)) >= (14,):
            line.execute(text(f"SET idle_session_timeout = '{LEASE_SECONDS}s'"))
        line.execute(text("SET synchronous_commit = off"))  # it writes nothing but news
        line.execute(text(f"LISTEN {news.CHANNEL}"))
    return line


def _close(line: Connection) -> None:
    with suppress(StoreError), refusing():
        line.close()


def _beat(line: Connection, heard: Sequence[str], met: Sequence[str]) -> None:
    with refusing():
        line.execute(text("SELECT 1"))
        for start in range(0, len(heard), AT_ONCE):
            news.tell(line, ",".join(heard[start : start + AT_ONCE]), news.HEARD)
        for one in met:
            news.tell(line, one, news.MET)


def _claim(line: Connection, turn: Turn) -> bool:
    key = {"key": _key(turn.conversation_id)}
    with refusing():
        if not line.execute(_LOCK, key).scalar():
            return False
        state = turn_state(line, turn.conversation_id, turn.message_id)
        if state is None or state[0] != "pending":  # another front door has just ended it
            line.execute(_UNLOCK, key)
            return False
        news.tell(line, turn.conversation_id, news.TYPING)
    return True


def _release(line: Connection, conversation_id: str) -> None:
    with refusing():
        line.execute(_UNLOCK, {"key": _key(conversation_id)})
        news.tell(line, conversation_id, news.SILENT)


def _key(conversation_id: str) -> str:
    return f"mobilis.turn {conversation_id}"
