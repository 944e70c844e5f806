"""Serving the front door with uvicorn, so that it stops promptly although streams are open."""

from __future__ import annotations

import resource
import socket
from collections.abc import Sequence

import uvicorn
from starlette.routing import Route

from mobilis.settings import Settings
from mobilis.web.app import create_app
from mobilis.web.door import Door

GRACE_SECONDS = 10


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
        ws="none",  # unused, and uvicorn cannot load the websockets that Rasa pins
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config, app.state.door)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    allow_connections()
    make_server(settings).run()


def allow_connections() -> None:
    """Have as many files open as the system lets this process: each event stream is one, and 1024,
    where many systems begin, are soon used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
