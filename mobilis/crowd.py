"""A crowd: so many visitors at once, each holding one conversation after the other, with time to
think before each message. Their conversations are the journeys of tests/journeys, in both
languages.

Called by `mobilis bench load` (mobilis/load_bench.py). Whoever is refused because too many write
comes back when told to, as the widget does; what they wait counts.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import aiohttp

from mobilis.expectations import Label, Message, Words, find_choice, titles
from mobilis.journeys import Journey, load_journeys
from mobilis.load import WAIT_SECONDS, RestChannel, TurnFailed, ask, client_for

PATIENCE_SECONDS = 60.0  # for one answer, refusals included
BUSY = 503
SEED = 2026


class Line(NamedTuple):
    """What a visitor does: types a text, or presses the button that a label names; `text` is then
    what is typed where there is no such button."""

    text: str
    label: Label | None = None


class Visit(NamedTuple):
    """A conversation to hold."""

    language: str
    lines: tuple[Line, ...]


def visits(root: Path) -> list[Visit]:
    """The journeys below `root` that need nothing restarted, well mixed.

    Raises:
        ContentError: a journey is wrong.
    """
    files = sorted((root / "tests" / "journeys").glob("*.yml"))
    found = [_visit(journey) for journey in load_journeys(files) if not journey.disturbs]
    random.Random(SEED).shuffle(found)
    return found


def _visit(journey: Journey) -> Visit:
    language, lines = journey.language, []
    for step in journey.steps:
        if step.choose is None:
            lines.append(Line(step.say or ""))
        else:
            text = _typed(journey.words, step.choose, language)
            lines.append(Line(text, step.choose))
        language = step.switch or language
    return Visit(journey.language, tuple(lines))


def _typed(words: Words, label: Label, language: str) -> str:
    """What somebody without buttons would type."""
    kind, name = next(iter(label.items()))
    if kind in ("option", "coach"):
        return str(name)
    return titles(words, label, {}, language)[0]


@dataclass
class Crowding:
    """What came of a crowd: `seconds` in all, those of each answered turn, how many were refused
    for a moment, and how many turns failed, by reason."""

    at_once: int
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answered turns a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0


class Talk(Protocol):
    """One conversation with an assistant. Raises `TurnFailed`."""

    async def open(self) -> None:
        """Begin it."""

    async def say(self, line: Line) -> None:
        """Do what a line says; returns when it is answered."""


class OurTalk:
    """Over our chat API, with the buttons that it offers."""

    def __init__(
        self, client: aiohttp.ClientSession, language: str, words: Words, crowding: Crowding
    ) -> None:
        self._client, self._language, self._words = client, language, words
        self._crowding = crowding
        self._headers: dict[str, str] = {}
        self._path = "/api/conversations"
        self._heard: list[Message] = []

    async def open(self) -> None:
        opened = await self._insist(self._path, 201, {"language": self._language})
        self._path += f"/{opened['conversation']}/messages"
        self._headers = {"Authorization": f"Bearer {opened['token']}"}
        self._heard = opened["messages"]

    async def say(self, line: Line) -> None:
        said = {"id": str(uuid.uuid4()), **self._said(line)}
        answer = await self._insist(f"{self._path}?wait={WAIT_SECONDS}", 200, said)
        if not answer["messages"]:
            raise TurnFailed("no answer")
        if answer["messages"][-1]["kind"] == "notice":
            raise TurnFailed("given up")
        self._heard += answer["messages"]

    def _said(self, line: Line) -> dict[str, str]:
        for message in reversed(self._heard) if line.label else ():
            choice = find_choice(self._words, line.label or {}, message, message["language"])
            if choice is not None and not choice.get("used"):
                return {"choice": choice["id"]}
        return {"text": line.text}

    async def _insist(self, path: str, status: int, content: Mapping[str, Any]) -> Any:
        """The answer; a refusal for now is waited out."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            answered, headers, data = await ask(self._client, path, content, self._headers)
            if answered == status:
                return data
            if answered not in (BUSY, 202) or time.monotonic() > end:
                raise TurnFailed(f"status {answered}")
            if answered == BUSY:
                self._crowding.refused += 1
                await asyncio.sleep(float(headers.get("Retry-After", "1")))


class StockTalk:
    """Over Rasa's REST channel, all of it typed."""

    def __init__(self, client: aiohttp.ClientSession, language: str) -> None:
        self._client, self._language, self._channel = client, language, RestChannel()
        self._conversation: Any = None

    async def open(self) -> None:
        self._conversation = await self._channel.open(self._client, self._language)

    async def say(self, line: Line) -> None:
        await self._channel.say(self._client, self._conversation, line.text)


async def crowd(
    base: str,
    plan: Iterable[Visit],
    crowding: Crowding,
    seconds: float,
    think: float,
    words: Words | None,
) -> None:
    """Visitors at `base` for so long, or until `plan` ends, counted in `crowding`.

    Each takes `think` seconds on average before each message. `words` when it is ours, None when it
    is the stock assistant. Turns that began in time are waited for.
    """
    at_once = crowding.at_once
    waiting, chance = iter(plan), random.Random(SEED)
    async with client_for(base, at_once, WAIT_SECONDS) as client:
        began = time.monotonic()

        async def visitor() -> None:
            await asyncio.sleep(chance.uniform(0, think))
            while time.monotonic() - began < seconds:
                visit = next(waiting, None)
                if visit is None:
                    return
                talk: Talk = StockTalk(client, visit.language)
                if words is not None:
                    talk = OurTalk(client, visit.language, words, crowding)
                try:
                    await talk.open()
                except TurnFailed as error:
                    crowding.errors[f"not opened: {error}"] += 1
                    await asyncio.sleep(think)
                    continue
                for line in visit.lines:
                    await asyncio.sleep(chance.expovariate(1 / think) if think else 0)
                    if time.monotonic() - began >= seconds:
                        return
                    await _turn(talk, line, crowding)

        await asyncio.gather(*(visitor() for _ in range(at_once)))
        crowding.seconds = time.monotonic() - began


async def _turn(talk: Talk, line: Line, crowding: Crowding) -> None:
    began = time.perf_counter()
    try:
        await talk.say(line)
    except TurnFailed as error:
        crowding.errors[str(error)] += 1
    else:
        crowding.latencies.append(time.perf_counter() - began)
