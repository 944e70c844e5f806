"""The brain's only door: one turn in, the replies out, behind a shared secret, on loopback.

Replies are collected and returned after the tracker is saved. A message that was already answered
gets the same replies again, so the front door may ask as often as it likes.
"""

import asyncio
import gc
import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from mobilis.brain.masker import Masker
from mobilis.brain.processor import BY, TurnProcessor
from mobilis.brain.seen import seen_turn
from mobilis.brain.smoke import ADVICE, problem_of
from mobilis.brain.tracker_store import DatabaseTrackerStore
from mobilis.brain.turn import TurnAborted
from mobilis.errors import SettingError
from mobilis.nlu.french import the_french
from mobilis.secret_files import SHORTEST
from mobilis.seeing.ids import HEADER
from mobilis.seeing.spans import span, take_over
from mobilis.settings import ROOT, load_settings
from mobilis.store import Database
from mobilis.text import guard
from mobilis.versions import content_problem

# One turn at a time per conversation: a repeat that arrives in mid-turn waits for its answer.
_locks: "WeakValueDictionary[str, asyncio.Lock]" = WeakValueDictionary()


class SilentOutput(OutputChannel):
    """Sends nothing: replies are read from the saved conversation when the turn is over."""

    @classmethod
    def name(cls) -> str:
        return "mobilis"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        return None


class MobilisInput(InputChannel):
    """`POST /webhooks/mobilis/turn` and `GET /webhooks/mobilis/health`."""

    @classmethod
    def name(cls) -> str:
        return "mobilis"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "MobilisInput":
        secret = load_settings().secret
        if len(secret) < SHORTEST:
            raise SettingError(f"MOBILIS_SECRET: at least {SHORTEST} characters are expected")
        return cls(secret)

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.turns = 0  # under way

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        webhook = Blueprint("mobilis_webhook")

        @webhook.listener("after_server_start")
        async def start_masking(app: Sanic, loop: Any) -> None:
            database = Database.from_settings(load_settings())
            app.ctx.masker = Masker(database, the_french(), busy=lambda: self.turns > 0)
            app.ctx.masker.start()

        @webhook.listener("before_server_stop")
        async def stop_masking(app: Sanic, loop: Any) -> None:
            app.ctx.masker.stop()

        @webhook.route("/turn", methods=["POST"])
        async def turn(request: Request) -> HTTPResponse:
            if not self._allowed(request):
                return _error(401, "the secret is missing or wrong")
            take_over(request.headers.get(HEADER))
            message, problem = _message(request)
            if problem:
                return _error(422, problem)
            agent = request.app.ctx.agent
            if agent is None or not agent.is_ready():
                return _error(503, "no model is loaded")
            self.turns += 1
            try:
                with span("brain"), seen_turn():
                    return response.json({"messages": await _take_turn(agent, message)})
            except TurnAborted as error:
                return _error(503, str(error))
            finally:
                self.turns -= 1

        @webhook.route("/health", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            if not self._allowed(request):
                return _error(401, "the secret is missing or wrong")
            told: dict[str, Any] = {"turns": self.turns, "content": content_problem(ROOT)}
            broken, why = await _broken_part(request.app)
            if broken:
                told |= {"status": "error", "part": broken, "why": why}
                return response.json(told, status=503)
            processor = _take_over(request.app.ctx.agent)
            told |= {"status": "ok", "versions": vars(processor.versions())}
            return response.json(told)

        return webhook

    def _allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        expected = f"Bearer {self.secret}"
        return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _error(status: int, sentence: str) -> HTTPResponse:
    return response.json({"error": sentence}, status=status)


def _message(request: Request) -> Any:
    """The turn's message, or None and why it is refused."""
    try:
        body = request.json
    except Exception:  # noqa: BLE001 - sanic raises its own class for any broken body
        return None, "the body is not JSON"
    if not isinstance(body, dict):
        return None, "the body is not an object"
    for key in ("conversation", "message"):
        if not isinstance(body.get(key), str) or not body[key]:
            return None, f"{key} is missing"
    text, payload = body.get("text"), body.get("payload")
    if isinstance(payload, str) and payload.startswith("/"):
        content = payload
    elif isinstance(text, str) and text.strip():
        content = guard(text)
    else:
        return None, "text or payload is missing"
    message = UserMessage(
        content,
        SilentOutput(),
        body["conversation"],
        input_channel=body.get("channel") or "web",
        message_id=body["message"],
    )
    return message, None


async def _take_turn(agent: Agent, message: UserMessage) -> list[dict[str, Any]]:
    processor = _take_over(agent)
    async with _locks.setdefault(message.sender_id, asyncio.Lock()):
        return [_reply(event) for event in await processor.answer(message)]


def _take_over(agent: Agent) -> TurnProcessor:
    """The agent's processor, which is made ours when it is not yet."""
    if not isinstance(agent.processor, TurnProcessor):
        url = f"{load_settings().actions}/webhook"
        agent.processor = TurnProcessor(agent.processor, _store(agent), url)
        gc.collect()
        gc.freeze()  # what is loaded stays: to look through it again holds a turn up by 300 ms
    return agent.processor


def _store(agent: Agent) -> DatabaseTrackerStore:
    # Rasa wraps the store in one that forgets to memory on an Exception.
    store = getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)
    if not isinstance(store, DatabaseTrackerStore):
        raise TurnAborted("endpoints.yml: tracker_store must be DatabaseTrackerStore")
    return store


def _reply(event: dict[str, Any]) -> dict[str, Any]:
    """A stored bot event as a message of the wire: what an action passed as `mobilis`, its text,
    and its buttons as choices."""
    extra = (event.get("metadata") or {}).get("mobilis") or {}
    buttons = (event.get("data") or {}).get("buttons") or []
    reply = {"kind": "text", "text": event.get("text") or "", **extra}
    if BY in event.get("metadata", {}):
        reply[BY] = event["metadata"][BY]
    if buttons:
        reply["choices"] = [{"title": b["title"], "payload": b["payload"]} for b in buttons]
    return reply


async def _broken_part(app: Sanic) -> tuple[str | None, str]:
    """The part that is not well, if any, and why, where there is something to be said."""
    agent = app.ctx.agent
    if agent is None or not agent.is_ready():
        return "model", f"no model could be loaded: {ADVICE}"
    processor = _take_over(agent)
    if not hasattr(app.ctx, "model_problem"):
        app.ctx.model_problem = await problem_of(processor)
    if app.ctx.model_problem:
        return "model", app.ctx.model_problem
    try:
        await processor.tracker_store.replies("health", "health")
    except TurnAborted:
        return "database", ""
    url = f"{load_settings().actions}/health"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            async with session.get(url) as answer:
                return (None, "") if answer.status == 200 else ("actions", "")
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
        return "actions", ""
