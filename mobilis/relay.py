"""What a process writes, passed on line by line: a few times a second, not whenever it writes.

Whoever writes into a pipe that is being read wakes the reader, which takes a core from the one that
wrote. A turn makes eight lines of a log.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import cast

GATHER_SECONDS = 0.05
LONGEST_LINE = 65_536  # bytes; of a longer line, only the end is passed on

Say = Callable[[Sequence[str]], None]


async def pass_on(pipe: int, say: Say) -> None:
    """Read a pipe until nobody writes into it any more. What is no UTF-8 is shown as well as it
    can be."""
    relay = _Relay(say)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: relay, os.fdopen(pipe, "rb", 0))
    try:
        await relay.ended
    finally:
        transport.close()


class _Relay(asyncio.Protocol):
    def __init__(self, say: Say) -> None:
        self._say = say
        self._begun = b""  # a line without its end
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.ReadTransport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun if len(self._begun) < LONGEST_LINE else b""
        self._tell(lines)
        self._transport.pause_reading()
        self._loop.call_later(GATHER_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell([self._begun] if self._begun else [])
        if not self.ended.done():
            self.ended.set_result(None)

    def _tell(self, lines: Sequence[bytes]) -> None:
        if lines:
            self._say([line.decode(errors="replace").rstrip() for line in lines])
