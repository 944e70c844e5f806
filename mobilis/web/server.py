"""Serving the front door with uvicorn, so that it stops promptly although streams are open, and
hangs up on whoever takes for ever to say what they want."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import h11
import uvicorn
from sqlalchemy.engine import make_url
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from mobilis.errors import SettingError
from mobilis.packets import Gathered
from mobilis.settings import Settings
from mobilis.web.app import create_app
from mobilis.web.door import Door
from mobilis.web.guard import LARGEST_HEAD

GRACE_SECONDS = 10
HEAD_SECONDS = 10.0  # until all of a request's head is there
# Between two requests of a connection: longer than the proxies before it keep one that they do not
# use (Caddy two minutes, nginx one), else they would send a request into one that is just closing.
IDLE_SECONDS = 150


class PromptProtocol(H11Protocol):
    """HTTP with a limit to the time that a request's head may take, which uvicorn has not: else a
    connection could be held for ever by a byte now and then. Bodies have theirs where they are
    read."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._gathered = Gathered(transport, self.loop)
        super().connection_made(self._gathered)  # type: ignore[arg-type]
        self._look()

    def eof_received(self) -> None:
        self._gathered.flush()  # the transport closes now

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
        """Be patient while a head is under way, but not for ever."""
        under_way = self.cycle and not self.cycle.response_complete
        is_read = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        between = self.cycle and is_read  # uvicorn's to end
        if self.transport.is_closing() or under_way or between:
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
        log_config=None,  # mobilis.seeing.logs writes its lines
        access_log=False,  # mobilis.web.guard writes them, without addresses
        proxy_headers=False,  # mobilis.web.limits knows how many proxies to trust
        server_header=False,
        http=PromptProtocol,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",  # unused, and uvicorn cannot load the websockets that Rasa pins
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config, app.state.door)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SettingError: another front door serves the same SQLite file; else as `create_app`.
    """
    allow_connections()
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


def allow_connections() -> None:
    """Have as many files open as the system lets this process: each event stream is one, and 1024,
    where many systems begin, are soon used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
