"""The front door, put together. Run it with `mobilis.web.server`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mobilis.errors import ChatError, StoreError
from mobilis.priority import read_weights
from mobilis.results import page_path
from mobilis.retention import Periods
from mobilis.seeing import ids
from mobilis.settings import Settings
from mobilis.store import Database
from mobilis.web import announcing, chat, events, guard, health, pages, refusals, results
from mobilis.web.brain import Brain
from mobilis.web.channels import Channel
from mobilis.web.console import CONSOLE
from mobilis.web.door import Door, Limits
from mobilis.web.gauges import gauging
from mobilis.web.headers import Headers
from mobilis.web.hub import Hub
from mobilis.web.limits import AddressLimit, Limit, Room
from mobilis.web.loops import Loop, keep_up
from mobilis.web.peers import Peers
from mobilis.web.postman import Postman
from mobilis.web.presence import Presence
from mobilis.web.projector import keep_cases
from mobilis.web.provider import make_provider
from mobilis.web.relief import keep_relieving
from mobilis.web.retention import Retention
from mobilis.web.sender import Sender
from mobilis.web.slack import make_slack
from mobilis.web.teams.channel import make_teams
from mobilis.web.widget import Widget
from mobilis.web.worker import Worker
from mobilis.wording import load_wording

# Pages of this computer: a file ("null"), or whatever is served on loopback.
THIS_COMPUTER = r"null|https?://(localhost|127\.0\.0\.1)(:\d+)?"
CONVERSATION = "/api/conversations/{conversation}"
RESULT = page_path("{page}")


def make_channels(settings: Settings) -> list[Channel]:
    """The channels that the settings switch on."""
    made: list[Channel | None] = [make_slack(settings), make_teams(settings)]
    return [channel for channel in made if channel is not None]


def create_app(settings: Settings) -> Starlette:
    """The front door for these settings; the database must be migrated already.

    Raises:
        ContentError: a content file is incomplete.
        SettingError: the database's address, the sign-in provider, the e-mail server or a channel
            makes no sense.
    """
    channels = make_channels(settings)
    app = Starlette(
        routes=_routes(Widget(settings.project_dir), channels),
        middleware=_middleware(settings),
        exception_handlers={
            ChatError: refusals.on_chat_error,
            StoreError: refusals.on_store_error,
            HTTPException: refusals.on_http_error,
        },
        lifespan=_lifespan,
    )
    app.state.channels = channels
    door = app.state.door = _door(settings, channels)
    app.state.board = board = announcing.make_board(settings, door.wording)
    told = {channel for channel, _ in board.places}
    outlets = {channel.name: channel.outlet for channel in channels if channel.name in told}
    app.state.announcer = Sender(door.database, outlets, board)
    return app


def _routes(widget: Widget, channels: Sequence[Channel]) -> list[Route | Mount]:
    return [
        Route("/", pages.home),
        Route("/privacy", pages.privacy),
        Route("/healthz", health.read_health),
        Route("/readyz", health.read_readiness),
        Route("/widget.js", widget.newest),
        Route("/widget-{hash}.js", widget.pinned),
        Route(RESULT, results.read_result),
        Route(f"{RESULT}/erase", results.erase_result, methods=["GET", "POST"]),
        Route("/api/openapi.json", chat.read_description),
        Route("/api/conversations", chat.open_conversation, methods=["POST"]),
        Route(CONVERSATION, chat.delete_conversation, methods=["DELETE"]),
        Route(f"{CONVERSATION}/messages", chat.messages, methods=["GET", "POST"]),
        Route(f"{CONVERSATION}/messages/{{message}}/rating", chat.rate_message, methods=["PUT"]),
        Route(f"{CONVERSATION}/events", events.stream_events),
        Route(f"{CONVERSATION}/transcript.txt", chat.read_transcript),
        *(route for channel in channels for route in channel.routes()),
        *(page.route() for page in CONSOLE),
        Mount("/static", StaticFiles(directory=pages.STATIC)),
    ]


def _middleware(settings: Settings) -> list[Middleware]:
    middleware = [Middleware(Headers, https=settings.is_https), Middleware(guard.Guard)]
    local = THIS_COMPUTER if settings.is_local and not settings.cors_origins else None
    if settings.cors_origins or local:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_origin_regex=local,
            allow_methods=("GET", "POST", "PUT", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Last-Event-ID", ids.HEADER),
            expose_headers=("Retry-After", ids.RETURNED),
        )
        middleware.insert(1, cors)  # around the guard, so that other sites can read errors too
    return middleware


def _door(settings: Settings, channels: Sequence[Channel]) -> Door:
    wording = load_wording(settings.project_dir)
    database = Database.from_settings(settings)
    brain, hub = Brain(settings), Hub(settings.streams)
    presence = Presence()
    peers = Peers(database, hub, presence)
    sender = Sender(database, {channel.name: channel.outlet for channel in channels})
    return Door(
        settings=settings,
        wording=wording,
        database=database,
        brain=brain,
        hub=hub,
        peers=peers,
        retention=Retention(database, Periods.from_settings(settings)),
        sender=sender,
        worker=Worker(
            settings, database, brain, hub, peers, sender, wording.errors["not_answered"]
        ),
        limits=Limits(
            conversation=Limit(settings.messages_per_minute),
            address=AddressLimit(settings.messages_per_minute_address),
            openings=AddressLimit(settings.conversations_per_minute_address),
            result_misses=AddressLimit(settings.result_misses_per_minute_address),
            sign_ins=AddressLimit(settings.sign_ins_per_minute_address),
            streams=Room(settings.streams_per_address),
        ),
        presence=presence,
        postman=Postman(settings, database),
        provider=make_provider(settings),
    )


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    door: Door = app.state.door
    weights = read_weights(door.settings.priority)
    loops: tuple[Loop, ...] = (
        door.peers.keep,
        door.retention.keep,
        partial(keep_cases, door.database, weights),
        partial(keep_relieving, door, timedelta(minutes=door.settings.takeover_minutes), weights),
        door.postman.keep,
        partial(announcing.keep_targets, door.database, app.state.board),
    )
    beside = [asyncio.create_task(keep_up(loop)) for loop in loops]
    try:
        async with door.brain, AsyncExitStack() as channels:
            for channel in app.state.channels:
                await channels.enter_async_context(channel.running(door))
            door.worker.start()
            door.sender.start()
            app.state.announcer.start()
            channels.enter_context(gauging(door))
            yield
            door.hub.close()
            await door.worker.stop()
            await door.sender.stop()
            await app.state.announcer.stop()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        door.database.dispose()
