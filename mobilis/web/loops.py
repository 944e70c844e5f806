"""What runs beside the requests for as long as the front door does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from mobilis.seeing.logs import tell

AGAIN_SECONDS = 1.0

Loop = Callable[[], Coroutine[Any, Any, None]]

logger = logging.getLogger(__name__)


async def keep_up(loop: Loop) -> None:
    """Run `loop`, and begin it again when an error that nobody foresaw ends it; over when it is."""
    while True:
        try:
            return await loop()
        except Exception as error:  # noqa: BLE001 - the next time may go well
            tell(logger, "loop_failed", logging.ERROR, error=error)
            await asyncio.sleep(AGAIN_SECONDS)
