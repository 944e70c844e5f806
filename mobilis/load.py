"""Many conversations at once over HTTP, timed turn by turn: the load of `mobilis bench turns`.

A channel is how one assistant is spoken to; the same conversations are held on each.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import aiohttp

WAIT_SECONDS = 30  # for one answer
GRACE_SECONDS = 5.0  # until an answer that should have come is given up
MOST_SECONDS = 240.0  # for one load: what is not said by then counts as failed
CONVERSATION = 8  # turns


class TurnFailed(Exception):
    """A turn that was not answered; the message is the reason, counted with others like it."""


class Script(NamedTuple):
    """What one visitor says, in one language."""

    language: str
    texts: Sequence[str]


class Channel(Protocol):
    """How an assistant is spoken to. Both raise `TurnFailed`."""

    async def open(self, client: aiohttp.ClientSession, language: str) -> Any:
        """A new conversation, as `say` wants it."""

    async def say(self, client: aiohttp.ClientSession, conversation: Any, text: str) -> None:
        """One message; returns when it is answered."""


class ChatApi:
    """Our front door's chat API, waiting for each answer."""

    async def open(self, client: aiohttp.ClientSession, language: str) -> Any:
        opened = await _post(client, "/api/conversations", 201, {"language": language})
        return opened["conversation"], {"Authorization": f"Bearer {opened['token']}"}

    async def say(self, client: aiohttp.ClientSession, conversation: Any, text: str) -> None:
        name, headers = conversation
        path = f"/api/conversations/{name}/messages?wait={WAIT_SECONDS}"
        answer = await _post(client, path, 200, {"id": str(uuid.uuid4()), "text": text}, headers)
        if not answer["messages"]:
            raise TurnFailed("no answer")


class RestChannel:
    """Rasa's REST channel, which answers an error with an empty list."""

    async def open(self, client: aiohttp.ClientSession, language: str) -> Any:
        return str(uuid.uuid4())

    async def say(self, client: aiohttp.ClientSession, conversation: Any, text: str) -> None:
        message = {"sender": conversation, "message": text}
        if not await _post(client, "/webhooks/rest/webhook", 200, message):
            raise TurnFailed("no answer")


def client_for(base: str, at_once: int, wait: float) -> aiohttp.ClientSession:
    """A client of an assistant, on the server's own machine the one that takes least of it."""
    return aiohttp.ClientSession(
        base,
        connector=aiohttp.TCPConnector(limit=at_once),
        timeout=aiohttp.ClientTimeout(total=wait + GRACE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def ask(
    client: aiohttp.ClientSession,
    path: str,
    content: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str], Any]:
    """The status, the headers and the object that answer a request.

    Raises:
        TurnFailed: nothing that makes sense was answered.
    """
    try:
        async with client.post(path, json=content, headers=headers) as answer:
            return answer.status, answer.headers, await answer.json(content_type=None)
    except asyncio.TimeoutError:
        raise TurnFailed("timeout") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise TurnFailed(type(error).__name__) from None


async def _post(
    client: aiohttp.ClientSession,
    path: str,
    status: int,
    content: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> Any:
    answered, _, data = await ask(client, path, content, headers)
    if answered != status:
        raise TurnFailed(f"status {answered}")
    return data


@dataclass
class Load:
    """What came of some conversations: `seconds` in all, those that the assistant had a core for,
    those of each answered turn, and how many turns failed, by reason."""

    seconds: float = 0.0
    core_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def plus(self, other: Load) -> Load:
        return Load(
            self.seconds + other.seconds,
            self.core_seconds + other.core_seconds,
            self.latencies + other.latencies,
            self.errors + other.errors,
        )

    @property
    def rate(self) -> float:
        """Answered turns a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0


def scripts(texts_by_language: Mapping[str, Sequence[str]], at_once: int) -> list[Script]:
    """Conversations of these texts: at most `CONVERSATION` turns each, and no fewer of them than
    are held at once, where there are texts enough. The languages take turns."""
    total = sum(len(texts) for texts in texts_by_language.values())
    turns = max(1, min(CONVERSATION, total // at_once))
    starts = range(0, max(len(texts) for texts in texts_by_language.values()), turns)
    return [
        Script(language, texts[start : start + turns])
        for start in starts
        for language, texts in texts_by_language.items()
        if start < len(texts)
    ]


async def hold(
    channel: Channel,
    base: str,
    conversations: Sequence[Script],
    at_once: int,
    used: Callable[[], float] = lambda: 0.0,
    wait: float = WAIT_SECONDS,
    most: float = MOST_SECONDS,
) -> Load:
    """Hold conversations at `base`, `at_once` at a time. Each visitor waits for the answer before
    the next message; opening is done beforehand and not timed. `used` tells for how many seconds
    the assistant has had a core so far."""
    load = Load()
    async with client_for(base, at_once, wait) as client:
        opened: deque[tuple[Any, Script]] = deque()

        async def open_one(script: Script) -> None:
            try:
                opened.append((await channel.open(client, script.language), script))
            except TurnFailed as error:
                load.errors[f"not opened: {error}"] += len(script.texts)

        async def hold_one(item: tuple[Any, Script]) -> None:
            conversation, script = item
            for text in script.texts:
                if time.perf_counter() - began > most:
                    load.errors["not said in time"] += 1
                else:
                    await _turn(channel, client, conversation, text, load)

        await _work(deque(conversations), at_once, open_one)
        used_before, began = used(), time.perf_counter()
        await _work(opened, at_once, hold_one)
        load.seconds = time.perf_counter() - began
        load.core_seconds = used() - used_before
    return load


async def _turn(
    channel: Channel, client: aiohttp.ClientSession, conversation: Any, text: str, load: Load
) -> None:
    began = time.perf_counter()
    try:
        await channel.say(client, conversation, text)
    except TurnFailed as error:
        load.errors[str(error)] += 1
    else:
        load.latencies.append(time.perf_counter() - began)


async def _work(queue: deque[Any], at_once: int, do: Callable[[Any], Awaitable[None]]) -> None:
    """Take everything from `queue`, so many at a time."""

    async def worker() -> None:
        while queue:
            await do(queue.popleft())

    await asyncio.gather(*(worker() for _ in range(at_once)))
