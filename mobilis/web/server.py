"""Serving the front door with uvicorn, so that it stops promptly although streams are open, and
hangs up on whoever takes for ever to say what they want."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import uvicorn
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from mobilis.settings import Settings
from mobilis.web.app import create_app
from mobilis.web.door import Door
from mobilis.web.guard import LARGEST_HEAD

GRACE_SECONDS = 10
HEAD_SECONDS = 10.0  # until all of a request's head is there


class PromptProtocol(H11Protocol):
    """HTTP with a limit to the time that a request's head may take, which uvicorn has not: else a
    connection could be held for ever by a byte now and then. Bodies have theirs where they are
    read."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()

    def handle_events(self) -> None:
        super().handle_events()
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()

    def _look(self) -> None:
        """Be patient while no request is under way, but not for ever."""
        if self.transport.is_closing() or (self.cycle and not self.cycle.response_complete):
            self._stop_waiting()
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Server(uvicorn.Server):
    """Ends the event streams first: uvicorn alone would wait for the visitors to leave."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._door.hub.close()
        await super().shutdown(sockets)


def make_server(settings: Settings, more: Sequence[Route] = ()) -> Server:
    """A server of the front door, not yet running; `more` are routes of a tool beside it."""
    app = create_app(settings)
    app.router.routes[:0] = more
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.lower(),
        proxy_headers=False,  # mobilis.web.limits knows how many proxies to trust
        server_header=False,
        http=PromptProtocol,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",  # unused, and uvicorn cannot load the websockets that Rasa pins
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config, app.state.door)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    make_server(settings).run()
