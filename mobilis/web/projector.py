"""The projector: keeps the console's cases up with the conversations, beside the turns.

It is woken by nothing and looks every second, less often while that is much work, since staff can
wait and a visitor's turn must not wait for staff. Runs inside the front door's event loop, as the
retention does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from anyio import to_thread

from mobilis.cases import behind, grow_older, project
from mobilis.casework import resurface
from mobilis.errors import StoreError
from mobilis.seeing.logs import tell_refusal
from mobilis.store import Database, is_alone, now

POLL_SECONDS = 1.0
REST = 9  # times as long as the last look took; after one that was not enough, as long
LONGEST_PAUSE_SECONDS = 5.0
AT_ONCE = 50  # cases of one look
BREATH_SECONDS = 0.002  # after each case, in which whoever waits for SQLite's write lock gets it
AGEING_EVERY = 300  # polls: within about five minutes a follow-up that is due is back
WORK = "cases"  # that one front door at a time does
OVERLAP = timedelta(minutes=10)  # of the looks, longer than a transaction may take

logger = logging.getLogger(__name__)


async def keep_cases(database: Database, weights: Mapping[str, int]) -> None:
    """Project what is behind, for ever. Every conversation is looked at when it begins and now and
    then; in between, those of late are enough."""
    polls, since = 0, None
    while True:
        done, moment, began = 0, now(), time.monotonic()
        try:
            if polls % AGEING_EVERY == 0:
                since = None
                await to_thread.run_sync(_age, database, weights)
            done = await to_thread.run_sync(catch_up, database, weights, since)
            if done < AT_ONCE:
                since = moment - OVERLAP
        except StoreError as error:
            tell_refusal(logger, "the console's cases cannot be projected", error)
        polls += 1
        await asyncio.sleep(pause_after(done, time.monotonic() - began))


def pause_after(done: int, took: float) -> float:
    """Seconds until the next look, after one that projected so many cases and took so long."""
    pause = max(POLL_SECONDS, took * REST) if done < AT_ONCE else took
    return min(pause, LONGEST_PAUSE_SECONDS)


def catch_up(database: Database, weights: Mapping[str, int], since: datetime | None = None) -> int:
    """Project some of what is behind, of what was said `since` a moment; how many."""
    with database.read() as connection:
        ids = behind(connection, AT_ONCE, since)
    for conversation_id in ids:
        with database.write() as connection:  # one of its own for each: others want to write too
            if not is_alone(connection, WORK):  # another front door is at it
                return 0
            project(connection, conversation_id, weights)
        time.sleep(BREATH_SECONDS)
    return len(ids)


def _age(database: Database, weights: Mapping[str, int]) -> None:
    with database.write() as connection:
        if is_alone(connection, WORK):
            grow_older(connection, weights, limit=1000)
            resurface(connection, weights, limit=200)
