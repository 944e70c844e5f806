"""The Slack channel: verify, normalise, inbox; outbox, render, send. Neither side sees Rasa."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mobilis.errors import DeliveryError, DeliveryRefused, StoreError
from mobilis.seeing.logs import tell
from mobilis.settings import Settings
from mobilis.slack import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH, SlackApp, read_app
from mobilis.web.door import Door
from mobilis.web.incoming import read_body
from mobilis.web.sender import Outlet
from mobilis.web.slack.api import TIMEOUT_SECONDS, Slack, quiet_logger
from mobilis.web.slack.bolt import make_bolt
from mobilis.web.slack.desk import Desk
from mobilis.web.slack.outlet import SlackOutlet

BODY_LIMIT = 1_000_000  # bytes: a button's request holds the whole message that it stands below
RETRY_SECONDS = 1.0  # until Slack is asked again; doubles
LONGEST_RETRY_SECONDS = 60.0
PING_SECONDS = 5.0  # between two looks at the connection of Socket Mode, and two tries of it

logger = logging.getLogger(__name__)


def make_slack(settings: Settings) -> SlackChannel | None:
    """The channel, when the settings switch it on.

    Raises:
        SettingError: half of what it needs is set.
    """
    app = read_app(settings)
    return SlackChannel(app) if app else None


class SlackChannel:
    """Slack, by HTTP or by Socket Mode."""

    name: str = "slack"

    def __init__(self, app: SlackApp) -> None:
        self._outlet = SlackOutlet()
        self.outlet: Outlet = self._outlet
        self._app = app
        self._bolt: AsyncApp | None = None  # while the front door runs

    def routes(self) -> Sequence[Route]:
        """Where Slack sends what happens on it; nowhere in Socket Mode."""
        if self._app.by_socket:
            return ()
        found = [Route(EVENTS_PATH, self.receive, methods=["POST"])]
        if self._app.many:
            found += [Route(path, self.install) for path in (INSTALL_PATH, REDIRECT_PATH)]
        return found

    @asynccontextmanager
    async def running(self, door: Door) -> AsyncIterator[None]:
        """Open what the channel needs for as long as the front door runs."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            slack = Slack(self._app, door, session)
            desk = Desk(door, slack)
            self._bolt = make_bolt(door, slack, desk, self._outlet)
            self._outlet.open(slack, door)
            beside = [asyncio.create_task(work) for work in self._beside(slack, self._bolt)]
            try:
                yield
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                await desk.settle()

    async def receive(self, request: Request) -> Response:
        """POST /slack/events: what Slack sends, refused unread when it is not signed by it."""
        assert self._bolt is not None
        body = await read_body(request, BODY_LIMIT)
        if not is_signed(self._app.signing_secret, body, request):
            return PlainTextResponse("invalid request", 401)
        try:
            asked = to_async_bolt_request(request, body)
            answer = await self._bolt.async_dispatch(asked)
        except (ValueError, AttributeError, TypeError, LookupError):
            # Signed, but no object of JSON, or not one that Bolt can read. What our listeners
            # raise is no matter of this: it has become an answer in Bolt.
            return PlainTextResponse("bad request", 400)
        return to_starlette_response(answer)

    async def install(self, request: Request) -> Response:
        """GET /slack/install and /slack/oauth_redirect: a workspace installs the app."""
        assert self._bolt is not None
        flow = self._bolt.oauth_flow
        assert flow is not None
        handle = flow.handle_installation
        if request.url.path == REDIRECT_PATH:
            handle = flow.handle_callback
        return to_starlette_response(await handle(to_async_bolt_request(request, b"")))

    def _beside(self, slack: Slack, bolt: AsyncApp) -> list[Coroutine[Any, Any, None]]:
        work: list[Coroutine[Any, Any, None]] = []
        if not self._app.many:
            work.append(_insist(partial(_recognize, slack)))
        if self._app.by_socket:
            work.append(_connected(bolt, self._app.app_token))
        return work


def is_signed(secret: str, body: bytes, request: Request) -> bool:
    """Whether Slack signed a request, in the last five minutes. Compared in constant time."""
    try:
        return SignatureVerifier(secret).is_valid_request(body, request.headers)
    except (ValueError, TypeError):  # a time that is no number, a text that is not UTF-8
        return False


async def _recognize(slack: Slack) -> bool:
    """Whether Slack has said whose the token is, or that it is worth nothing."""
    try:
        await slack.recognize()
    except DeliveryRefused as error:
        tell(
            logger,
            "note",
            logging.ERROR,
            message="MOBILIS_SLACK_BOT_TOKEN does not work",
            error=error,
        )
    return True


async def _insist(attempt: Callable[[], Awaitable[bool]]) -> None:
    """Try until it is done, more and more rarely."""
    wait = RETRY_SECONDS
    while True:
        try:
            if await attempt():
                return
        except (DeliveryError, StoreError) as error:
            logger.warning("Slack: %s; trying again", type(error).__name__)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_RETRY_SECONDS)


async def _connected(bolt: AsyncApp, app_token: str) -> None:
    """Keep a connection to Slack, over which it sends what happens."""
    handler = AsyncSocketModeHandler(
        bolt, app_token, logger=quiet_logger(), ping_interval=PING_SECONDS
    )
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await asyncio.sleep(float("inf"))  # slack-sdk tries again by itself, as before
    finally:
        with suppress(aiohttp.ClientError, OSError):
            await handler.close_async()  # type: ignore[no-untyped-call]
