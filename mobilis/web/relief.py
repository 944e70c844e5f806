"""Relief: a conversation whose person stays away goes back to the assistant by itself.

Runs inside the front door's event loop, as the projector does.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from anyio import to_thread

from mobilis.cases import Weights
from mobilis.errors import StoreError
from mobilis.seeing.logs import tell_refusal
from mobilis.store import Database
from mobilis.takeover import held_conversations, relieve
from mobilis.web.door import Door
from mobilis.wording import Sentences

POLL_SECONDS = 5.0

logger = logging.getLogger(__name__)


async def keep_relieving(door: Door, after: timedelta, weights: Weights) -> None:
    """Look now and then, for ever; never when `after` is no time."""
    while after:
        try:
            given = door.database, after, door.wording.takeover, weights
            for conversation_id in await to_thread.run_sync(_relieve, *given):
                door.told(conversation_id)
        except StoreError as error:
            tell_refusal(logger, "conversations that a person has cannot be looked at", error)
        await asyncio.sleep(POLL_SECONDS)


def _relieve(database: Database, after: timedelta, words: Sentences, weights: Weights) -> list[str]:
    with database.read() as connection:
        ids = held_conversations(connection)
    done = []
    for conversation_id in ids:  # each in its own transaction, since it locks much
        with database.write() as connection:
            if relieve(connection, conversation_id, after, words, weights):
                done.append(conversation_id)
    return done
