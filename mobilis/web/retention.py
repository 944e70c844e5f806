"""Once a day, what has been kept long enough is erased."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from anyio import to_thread

from mobilis.errors import StoreError
from mobilis.privacy import Counts
from mobilis.retention import Periods, erase_due
from mobilis.seeing.logs import tell, tell_refusal
from mobilis.store import Database, is_alone, now

DAY_SECONDS = 24 * 60 * 60

logger = logging.getLogger(__name__)


class Retention:
    """The daily job; `next_at` is when it looks again, none while nothing grows old."""

    def __init__(self, database: Database, periods: Periods) -> None:
        self.database = database
        self.periods = periods
        self.next_at: datetime | None = None

    async def keep(self) -> None:
        """Erase now and then daily, for ever."""
        while self.periods.any:
            try:
                counts = await to_thread.run_sync(self._erase)
                tell(logger, "erased", count=counts.get("conversations", 0))
            except StoreError as error:
                tell_refusal(logger, "what is old cannot be erased", error)
            self.next_at = now() + timedelta(seconds=DAY_SECONDS)
            await asyncio.sleep(DAY_SECONDS)

    def _erase(self) -> Counts:
        """Erase what is due, unless another front door is at it."""
        with self.database.read() as connection:
            if is_alone(connection, "retention"):
                return erase_due(self.database, self.periods)
        return {}
