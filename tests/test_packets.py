"""What is said at once travels at once, on both sides of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import aiohttp
import pytest

from mobilis.packets import Gathered, GatheringConnector


class Wire:
    """A transport that notes what happens to it."""

    def __init__(self) -> None:
        self.seen: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.seen.append(data)

    def close(self) -> None:
        self.seen.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.seen


def wire(play: Callable[[Gathered], None], steps: int = 2) -> list[bytes | str]:
    """What happens to a transport, so many steps of the loop after `play`."""

    async def step() -> list[bytes | str]:
        under = Wire()
        play(Gathered(under, asyncio.get_running_loop()))  # type: ignore[arg-type]
        for _ in range(steps):
            await asyncio.sleep(0)
        return list(under.seen)

    return asyncio.run(step())


def test_what_is_written_at_once_is_one_packet() -> None:
    def play(gathered: Gathered) -> None:
        for part in (b"head", b"body", b""):
            gathered.write(part)
        gathered.writelines([b" and", memoryview(b" more")])
        assert not gathered.is_closing()

    assert wire(play) == [b"headbody and more"]
    assert wire(play, steps=1) == []


def test_what_is_written_in_the_next_step_goes_with_it() -> None:
    def play(gathered: Gathered) -> None:
        gathered.write(b"head")
        asyncio.get_running_loop().call_soon(gathered.write, b"body")

    assert wire(play) == [b"headbody"]


def test_what_is_written_later_is_another_packet() -> None:
    def play(gathered: Gathered) -> None:
        loop = asyncio.get_running_loop()
        gathered.write(b"one")
        loop.call_soon(loop.call_soon, loop.call_soon, gathered.write, b"two")

    assert wire(play, steps=6) == [b"one", b"two"]


def test_nothing_is_written_when_nothing_is_said() -> None:
    assert wire(lambda gathered: gathered.write(b"")) == []
    assert wire(lambda gathered: gathered.flush()) == []


def test_what_was_said_is_written_before_the_end() -> None:
    def play(gathered: Gathered) -> None:
        gathered.write(b"last words")
        gathered.close()
        assert gathered.is_closing()

    assert wire(play) == [b"last words", "closed"]


def test_much_is_not_gathered_for_long() -> None:
    def play(gathered: Gathered) -> None:
        for _ in range(3):
            gathered.write(b"x" * 40_000)

    assert [len(part) for part in wire(play)] == [80_000, 40_000]


# --- a client


class Server(asyncio.Protocol):
    """Answers each packet that holds the end of a request, and notes what came."""

    def __init__(self, came: list[bytes]) -> None:
        self.came = came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.came.append(data)
        if data.endswith(b"}"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


async def asked(times: int, size: int) -> tuple[list[bytes], list[int]]:
    """What comes to a server of some requests, and the statuses of its answers."""
    came: list[bytes] = []
    server = await asyncio.get_running_loop().create_server(lambda: Server(came), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    statuses = []
    async with aiohttp.ClientSession(connector=GatheringConnector()) as client:
        for _ in range(times):
            body = {"text": "x" * size}
            async with client.post(f"http://127.0.0.1:{port}/", json=body) as answer:
                statuses.append(answer.status)
                assert await answer.json(content_type=None) == {}
    server.close()
    await server.wait_closed()
    return came, statuses


def test_each_request_is_one_packet_over_one_connection() -> None:
    came, statuses = asyncio.run(asyncio.wait_for(asked(3, 100), 20))
    assert statuses == [200] * 3
    assert [packet[:4] for packet in came] == [b"POST"] * 3


def test_a_large_request_arrives_whole() -> None:
    came, statuses = asyncio.run(asyncio.wait_for(asked(2, 300_000), 20))
    assert statuses == [200] * 2
    assert b"".join(came).count(b"x" * 300_000) == 2


def test_a_server_that_is_gone_is_an_error_of_the_client() -> None:
    async def play() -> None:
        came: list[bytes] = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Server(came), "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        server.close()
        await server.wait_closed()
        async with aiohttp.ClientSession(connector=GatheringConnector()) as client:
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.post(address, json={})

    asyncio.run(asyncio.wait_for(play(), 20))
