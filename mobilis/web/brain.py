"""The brain seen from the front door: one question, one answer, over private HTTP.

Where there are several brains, another one is asked as soon as one fails, in mid-turn too: the
message has an id, and is answered once whoever is asked.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple

import aiohttp
import anyio

from mobilis.content import LANGUAGES
from mobilis.errors import BrainRefused, BrainUnavailable
from mobilis.live import brains
from mobilis.packets import GatheringConnector
from mobilis.seeing.ids import HEADER
from mobilis.seeing.spans import handed_on
from mobilis.settings import Settings
from mobilis.turns import FIELDS, KINDS, Reply, Turn
from mobilis.versions import Versions
from mobilis.web.brains import Brains

TURN = "/webhooks/mobilis/turn"
HEALTH = "/webhooks/mobilis/health"
HEALTH_TIMEOUT_SECONDS = 3.0
WORTH_ANOTHER_TRY = (408, 425, 429)
UNABLE = (502, 503, 504)  # this brain, now; another one may be able
IDLE_SECONDS = 3  # after which a connection is not used again; the brain closes it after 5
UNREACHED = (aiohttp.ClientError, asyncio.TimeoutError, OSError)

OK, ERROR, UNKNOWN = "ok", "error", "unknown"


@dataclass(frozen=True)
class Health:
    """The brain and the action server, each ok, error or unknown; why the brain is not well, and
    what is wrong with a content file, whose earlier words are said on, as sentences."""

    brain: str
    actions: str
    why: str = ""
    content: str = ""


class Answer(NamedTuple):
    """What a brain answered over HTTP."""

    status: int
    body: bytes


class Brain:
    """A client of the brains' private channel. Asking twice about one message is harmless."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.turn_timeout
        self._brains = Brains(lambda: brains(settings))
        self._headers = {"Authorization": f"Bearer {settings.secret}"}
        self._most = settings.workers + 4  # connections to each
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Brain:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def answer(self, turn: Turn) -> list[Reply]:
        """What the brain says to one message.

        Raises:
            BrainUnavailable: it cannot be reached, is not ready or takes too long.
            BrainRefused: it refuses the message, or its answer makes no sense.
        """
        answer = await self._ask(turn)
        if answer.status >= 500 or answer.status in WORTH_ANOTHER_TRY:
            raise BrainUnavailable(f"the brain answered {answer.status}")
        if answer.status != 200:
            raise BrainRefused(f"the brain answered {answer.status}")
        return _replies(answer)

    async def _ask(self, turn: Turn) -> Answer:
        """What the first brain says that can answer, else the last one that cannot."""
        answer, failure, asked = None, "there is none", ""
        try:
            with anyio.fail_after(self._timeout):
                for asked in await self._brains.in_order():
                    try:
                        answer = await self._post(asked, turn)
                    except UNREACHED as error:
                        answer, failure = None, type(error).__name__
                    if answer is not None and answer.status not in UNABLE:
                        return answer
                    self._brains.rest(asked)
        except TimeoutError:
            self._brains.rest(asked)
            raise BrainUnavailable("the brain took too long") from None
        if answer is None:
            raise BrainUnavailable(f"no answer from the brain: {failure}")
        return answer

    async def _post(self, address: str, turn: Turn) -> Answer:
        with self._brains.asking(address):
            asking = self._open().post(
                address + TURN,
                json=_question(turn),
                headers={HEADER: handed_on()},
                allow_redirects=False,
            )
            async with asking as response:
                return Answer(response.status, await response.read())

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=GatheringConnector(
                    limit=0,
                    limit_per_host=self._most,
                    keepalive_timeout=IDLE_SECONDS,
                    ssl=False,  # on a private network, any certificate will do
                ),
                timeout=aiohttp.ClientTimeout(),  # a turn as a whole has a time limit
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def health(self) -> Health:
        """The state of the brain and of the action server behind it. Of several brains, that of one
        that is well."""
        health = Health(ERROR, UNKNOWN)
        for address in await self._brains.in_order():
            health = await self._health(address)
            if health.actions == OK:
                break
        return health

    async def _health(self, address: str) -> Health:
        try:
            with anyio.fail_after(HEALTH_TIMEOUT_SECONDS):
                async with self._open().get(address + HEALTH, allow_redirects=False) as response:
                    answer = Answer(response.status, await response.read())
        except (TimeoutError, *UNREACHED):
            return Health(ERROR, UNKNOWN)
        told = _told(answer)
        if answer.status == 200:
            return Health(OK, OK, content=told.get("content") or "")
        if told.get("part") == "actions":
            return Health(OK, ERROR)
        return Health(ERROR, UNKNOWN, why=str(told.get("why") or ""))


def _question(turn: Turn) -> dict[str, str]:
    question = {
        "conversation": turn.conversation_id,
        "message": turn.message_id,
        "channel": turn.channel,
    }
    if turn.payload is not None:
        return {**question, "payload": turn.payload}
    return {**question, "text": turn.text}


def _told(answer: Answer) -> dict[str, Any]:
    try:
        data = json.loads(answer.body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _replies(answer: Answer) -> list[Reply]:
    try:
        data = json.loads(answer.body)
    except ValueError:
        raise BrainRefused("the brain's answer is not JSON") from None
    messages = data.get("messages") if isinstance(data, dict) else None
    if not isinstance(messages, list):
        raise BrainRefused("the brain's answer has no messages")
    return [_reply(message) for message in messages]


def _reply(data: Any) -> Reply:
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise BrainRefused("a message of the brain has no text")
    kind = data.get("kind", "text")
    if kind not in KINDS:
        raise BrainRefused("a message of the brain is of no known kind")
    language, field = data.get("language"), FIELDS.get(kind, "")
    return Reply(
        text=data["text"],
        language=language if language in LANGUAGES else None,
        kind=kind,
        choices=tuple(_choice(item) for item in data.get("choices") or ()),
        own={field: data[field]} if field in data else {},
        by=_versions(data.get("by")),
    )


def _versions(data: Any) -> Versions:
    names = data if isinstance(data, dict) else {}
    known = {name: names.get(name) for name in ("model", "content", "code")}
    return Versions(**{name: str(value)[:64] for name, value in known.items() if value})


def _choice(data: Any) -> tuple[str, str]:
    if isinstance(data, dict):
        title, payload = data.get("title"), data.get("payload")
        if isinstance(title, str) and isinstance(payload, str):
            return title, payload
    raise BrainRefused("a choice of the brain lacks its title or payload")
