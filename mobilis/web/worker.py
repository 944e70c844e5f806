"""The worker: hands waiting messages to the brain, one at a time per conversation, whichever front
door took them in.

It is handed what is next in a conversation, and looks for itself every second, so that nothing that
a crash left waiting is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Context

from anyio import to_thread
from sqlalchemy.engine import Connection

from mobilis import swift
from mobilis.errors import BrainError, BrainRefused, StoreError
from mobilis.privacy import erase_left_behind
from mobilis.seeing.ids import begin_trace
from mobilis.seeing.logs import tell_refusal
from mobilis.seeing.metrics import ASKED_SECONDS, timed
from mobilis.seeing.spans import span
from mobilis.settings import Settings
from mobilis.store import Database
from mobilis.turns import Reply, Turn, complete_turn, due_turns, fail_turn, next_turn
from mobilis.web.brain import Brain
from mobilis.web.course import Course
from mobilis.web.hub import Hub
from mobilis.web.loops import keep_up
from mobilis.web.peers import Peers
from mobilis.web.sender import Sender

POLL_SECONDS = 1.0
GRACE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Worker:
    """Runs inside the front door's event loop; `start` and `stop` bracket its life.

    Args:
        notice: what a visitor reads in place of an answer that never came, in each language.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        brain: Brain,
        hub: Hub,
        peers: Peers,
        sender: Sender,
        notice: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._database = database
        self._brain = brain
        self._hub = hub
        self._peers = peers
        self._sender = sender
        self._notice = notice
        self._turns: dict[str, asyncio.Task[None]] = {}  # by conversation
        self._sweeps: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False  # before Python 3.12, `wait_for` may swallow a cancellation
        self._full = False  # whether messages may be due that no worker was free for

    def start(self) -> None:
        self._loop = asyncio.create_task(keep_up(self._run))

    async def stop(self) -> None:
        """Take no more messages; let running turns end, for a while; whatever is cut waits on."""
        self._stopping = True
        if self._loop is not None:
            await _cancel({self._loop})
        running = set(self._turns.values())
        if running:
            await asyncio.wait(running, timeout=GRACE_SECONDS)
        await _cancel(running | self._sweeps)

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def take(self, turn: Turn | None) -> None:
        """Begin with the next turn of a conversation, which was just looked up, where nothing is
        in its way; else it is looked for among all that is due. On PostgreSQL it always is, since
        there it has to be claimed."""
        if turn is None or self._stopping:
            return
        put_off, begun = turn.attempts > 0, turn.conversation_id in self._turns
        room = len(self._turns) < self._settings.workers and not self._full
        if room and not put_off and not begun and not self._database.is_shared:
            self._begin(turn)
        else:
            self.wake()

    def sweep_later(self, conversation_id: str) -> None:
        """Erase again what a turn that is still running in the brain may write afterwards."""
        sweep = asyncio.create_task(self._sweep(conversation_id, self._settings.turn_timeout))
        self._sweeps.add(sweep)
        sweep.add_done_callback(self._sweeps.discard)

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._start_due()
            except StoreError as error:
                tell_refusal(logger, "waiting messages cannot be read", error)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    async def _start_due(self) -> None:
        elsewhere: list[str] = []  # conversations whose turn another front door has
        more = True
        while more:
            free, known = self._settings.workers - len(self._turns), len(elsewhere)
            busy = [*self._turns, *elsewhere]
            due = await self._due(free, busy) if free > 0 else []
            self._full = len(due) >= free
            for turn in due:
                if await self._peers.claim(turn):
                    self._begin(turn)
                else:
                    elsewhere.append(turn.conversation_id)
            more = self._full and len(elsewhere) > known

    async def _due(self, limit: int, busy: list[str]) -> list[Turn]:
        return await swift.read(self._database, due_turns, limit, busy)

    def _begin(self, turn: Turn) -> None:
        """Take a turn in a task of its own, which is of no request."""
        self._turns[turn.conversation_id] = Context().run(asyncio.create_task, self._take(turn))

    async def _take(self, turn: Turn) -> None:
        begin_trace(turn.trace)
        self._hub.typing(turn.conversation_id, on=True)
        look, following = True, None
        try:
            following = await self._answer(turn)
            look = self._full
        except StoreError as error:
            tell_refusal(logger, "a turn cannot be stored, it will be tried again", error)
            await asyncio.sleep(POLL_SECONDS)
        finally:
            self._sender.wake()
            self._hub.news(turn.conversation_id)
            self._hub.typing(turn.conversation_id, on=False)
            await self._peers.release(turn.conversation_id)
            del self._turns[turn.conversation_id]
            if look:
                self.wake()
            else:
                self.take(following)

    async def _answer(self, turn: Turn) -> Turn | None:
        """Take one turn to its end; the next one of its conversation, if there is one then."""
        course = Course(turn)
        with span("turn", channel=turn.channel, language=turn.language, attempts=turn.attempts):
            course.hand_over()
            try:
                with timed(ASKED_SECONDS):
                    replies = await self._brain.answer(turn)
            except BrainError as error:
                attempts = 1 if isinstance(error, BrainRefused) else self._settings.turn_attempts
                kept, following = await self._fail(turn, str(error), attempts)
                course.fail(kept, error, attempts)
            except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
                kept, following = await self._fail(turn, type(error).__name__, 1)
                course.fail(kept, error, attempts=1)
            else:
                kept, following = await self._complete(turn, replies)
                course.end(kept)
        if not kept:
            await self._sweep(turn.conversation_id)
        return following

    async def _complete(self, turn: Turn, replies: list[Reply]) -> tuple[bool, Turn | None]:
        def complete(connection: Connection) -> tuple[bool, Turn | None]:
            kept = complete_turn(connection, turn, replies)
            return kept, next_turn(connection, turn.conversation_id)

        return await swift.write(self._database, complete)

    async def _fail(self, turn: Turn, error: str, attempts: int) -> tuple[bool, Turn | None]:
        def fail(connection: Connection) -> tuple[bool, Turn | None]:
            backoff = self._settings.turn_backoff
            kept = fail_turn(connection, turn, error, attempts, backoff, self._notice)
            return kept, next_turn(connection, turn.conversation_id)

        return await swift.write(self._database, fail)

    async def _sweep(self, conversation_id: str, delay: float = 0) -> None:
        await asyncio.sleep(delay)
        try:
            await to_thread.run_sync(self._erase_left_behind, conversation_id)
        except StoreError as error:
            tell_refusal(logger, "what an erased conversation left cannot be erased", error)

    def _erase_left_behind(self, conversation_id: str) -> None:
        with self._database.erase() as connection:
            erase_left_behind(connection, conversation_id)


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
