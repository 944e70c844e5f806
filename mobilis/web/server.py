"""Serving the front door with uvicorn, so that it stops promptly although streams are open."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from sqlalchemy.engine import make_url
from starlette.routing import Route

from mobilis.errors import SettingError
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
        log_config=None,  # mobilis.seeing.logs writes its lines
        access_log=False,  # mobilis.web.guard writes them, without addresses
        proxy_headers=False,  # mobilis.web.limits knows how many proxies to trust
        server_header=False,
        ws="none",  # unused, and uvicorn cannot load the websockets that Rasa pins
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config, app.state.door)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SettingError: another front door serves the same SQLite file; else as `create_app`.
    """
    server = make_server(settings)
    with the_only_one(settings.database):
        server.run()


@contextmanager
def the_only_one(url: str) -> Iterator[None]:
    """Keeps other front doors from a SQLite file, for as long as the block runs or until the
    process ends. What one of them does, another would not know of; on PostgreSQL it does.

    Raises:
        SettingError: there is one already.
    """
    database = make_url(url)
    if database.get_backend_name() != "sqlite" or database.database in (None, "", ":memory:"):
        yield
        return
    descriptor = os.open(f"{database.database}.door", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SettingError(
            f"DATABASE_URL: a front door already serves {database.database};"
            " for several of them, PostgreSQL is needed"
        ) from None
    finally:
        os.close(descriptor)
