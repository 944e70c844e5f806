"""The brain seen from the front door: one question, one answer, over loopback HTTP."""

from __future__ import annotations

import importlib.util
import sys
from types import TracebackType
from typing import Any

import anyio
import httpx

from mobilis.content import LANGUAGES
from mobilis.errors import BrainRefused, BrainUnavailable
from mobilis.seeing.ids import HEADER
from mobilis.seeing.spans import handed_on
from mobilis.settings import Settings
from mobilis.turns import FIELDS, KINDS, Reply, Turn

TURN = "/webhooks/mobilis/turn"
HEALTH = "/webhooks/mobilis/health"
HEALTH_TIMEOUT_SECONDS = 3.0
WORTH_ANOTHER_TRY = (408, 425, 429)

OK, ERROR, UNKNOWN = "ok", "error", "unknown"


class Brain:
    """A client of the brain's private channel. Asking twice about one message is harmless."""

    def __init__(self, settings: Settings) -> None:
        _tell_that_sniffio_is_missing()
        self._timeout = settings.turn_timeout
        self._client = httpx.AsyncClient(
            base_url=settings.brain_url,
            headers={"Authorization": f"Bearer {settings.secret}"},
            timeout=None,  # a turn as a whole has a time limit, below
            limits=httpx.Limits(max_connections=settings.workers + 4),
            trust_env=False,  # loopback needs no proxy
            verify=False,  # nor certificates, which take a while to load
        )

    async def __aenter__(self) -> Brain:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def answer(self, turn: Turn) -> list[Reply]:
        """What the brain says to one message.

        Raises:
            BrainUnavailable: it cannot be reached, is not ready or takes too long.
            BrainRefused: it refuses the message, or its answer makes no sense.
        """
        try:
            with anyio.fail_after(self._timeout):
                headers = {HEADER: handed_on()}
                response = await self._client.post(TURN, json=_question(turn), headers=headers)
        except TimeoutError:
            raise BrainUnavailable("the brain took too long") from None
        except httpx.HTTPError as error:
            raise BrainUnavailable(f"no answer from the brain: {type(error).__name__}") from None
        if response.status_code >= 500 or response.status_code in WORTH_ANOTHER_TRY:
            raise BrainUnavailable(f"the brain answered {response.status_code}")
        if response.status_code != 200:
            raise BrainRefused(f"the brain answered {response.status_code}")
        return _replies(response)

    async def health(self) -> dict[str, str]:
        """The state of the brain and of the action server behind it: ok, error or unknown."""
        try:
            with anyio.fail_after(HEALTH_TIMEOUT_SECONDS):
                response = await self._client.get(HEALTH)
            part = None if response.status_code == 200 else _failing_part(response)
        except (TimeoutError, httpx.HTTPError):
            return {"brain": ERROR, "actions": UNKNOWN}
        if part is None:
            return {"brain": OK, "actions": OK}
        if part == "actions":
            return {"brain": OK, "actions": ERROR}
        return {"brain": ERROR, "actions": UNKNOWN}


def _tell_that_sniffio_is_missing() -> None:
    """httpcore, below httpx, imports sniffio four times a call. Where it is not installed, each of
    these looks through every folder of packages, unless Python knows that it looks in vain."""
    if importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]


def _question(turn: Turn) -> dict[str, str]:
    question = {
        "conversation": turn.conversation_id,
        "message": turn.message_id,
        "channel": turn.channel,
    }
    if turn.payload is not None:
        return {**question, "payload": turn.payload}
    return {**question, "text": turn.text}


def _failing_part(response: httpx.Response) -> str:
    try:
        data = response.json()
    except ValueError:
        return UNKNOWN
    return str(data.get("part", UNKNOWN)) if isinstance(data, dict) else UNKNOWN


def _replies(response: httpx.Response) -> list[Reply]:
    try:
        data = response.json()
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
    )


def _choice(data: Any) -> tuple[str, str]:
    if isinstance(data, dict):
        title, payload = data.get("title"), data.get("payload")
        if isinstance(title, str) and isinstance(payload, str):
            return title, payload
    raise BrainRefused("a choice of the brain lacks its title or payload")
