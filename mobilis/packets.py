"""What is said at once travels at once: the head of an HTTP message and its body in one packet.

uvicorn and aiohttp write one after the other, and each of the two wakes whoever reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import aiohttp

MOST_GATHERED = 65_536  # bytes


class Gathered:
    """A transport which writes once what is written in two steps of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._said = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._said:
            self._loop.call_soon(self._loop.call_soon, self.flush)
        self._said += data
        if len(self._said) > MOST_GATHERED:
            self.flush()

    def writelines(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        for part in parts:
            self.write(part)

    def flush(self) -> None:
        """Write what there is."""
        if self._said:
            self._transport.write(bytes(self._said))
            self._said.clear()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class GatheringConnector(aiohttp.TCPConnector):
    """The connections of a client that sends each of its requests in one packet."""

    async def connect(self, *given: Any, **named: Any) -> Any:
        connection = await super().connect(*given, **named)
        protocol: Any = connection.protocol
        if not isinstance(protocol.transport, Gathered):
            protocol.transport = Gathered(protocol.transport, asyncio.get_running_loop())
        return connection
