"""Once a day, conversations older than the retention period are erased."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from anyio import to_thread

from mobilis.errors import StoreError
from mobilis.privacy import purge_expired
from mobilis.store import Database, now

DAY_SECONDS = 24 * 60 * 60

logger = logging.getLogger(__name__)


async def keep_retention(database: Database, days: int) -> None:
    """Purge now and then daily, for ever; 0 days keeps everything."""
    while days:
        try:
            await to_thread.run_sync(purge, database, days)
        except StoreError as error:
            logger.error("old conversations cannot be erased: %s", error)
        await asyncio.sleep(DAY_SECONDS)


def purge(database: Database, days: int) -> None:
    """Erase what is older than so many days."""
    with database.erase() as connection:
        counts = purge_expired(connection, before=now() - timedelta(days=days))
    logger.info("%d old conversations were erased", counts.get("conversations", 0))
