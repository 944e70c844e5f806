"""What every request handler of the front door shares, gathered once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from mobilis import swift
from mobilis.settings import Settings
from mobilis.store import Database
from mobilis.swift import UseCase
from mobilis.web.brain import Brain
from mobilis.web.hub import Hub
from mobilis.web.limits import Limit, Room
from mobilis.web.peers import Peers
from mobilis.web.postman import Postman
from mobilis.web.presence import Presence
from mobilis.web.provider import Provider
from mobilis.web.retention import Retention
from mobilis.web.sender import Sender
from mobilis.web.worker import Worker
from mobilis.wording import Wording

P = ParamSpec("P")
T = TypeVar("T")
MOST_HASHES = 2  # of passwords at once: each takes 64 MB


@dataclass(frozen=True)
class Limits:
    """How often a conversation and an address may ask, and how many streams an address may have."""

    conversation: Limit
    address: Limit
    openings: Limit
    result_misses: Limit
    sign_ins: Limit
    streams: Room


@dataclass(frozen=True)
class Door:
    """The front door's parts."""

    settings: Settings
    wording: Wording
    database: Database
    brain: Brain
    hub: Hub
    peers: Peers
    retention: Retention
    sender: Sender
    worker: Worker
    limits: Limits
    presence: Presence
    postman: Postman
    provider: Provider | None = None
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MOST_HASHES))

    def told(self, conversation_id: str) -> None:
        """Something was said to a visitor: let it be seen wherever they are."""
        self.hub.news(conversation_id)
        self.sender.wake()

    async def read(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case in a reading transaction, off the event loop.

        Raises:
            StoreError: the database is unreachable or refuses.
        """

        def run() -> T:
            with self.database.read() as connection:
                return use_case(connection, *args, **kwargs)

        return await to_thread.run_sync(run)

    async def write(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in a writing transaction."""

        def run() -> T:
            with self.database.write() as connection:
                return use_case(connection, *args, **kwargs)

        return await to_thread.run_sync(run)

    async def read_now(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a short use case in a reading transaction, where that is soonest done.

        Raises:
            StoreError: the database is unreachable or refuses.
        """
        return await swift.read(self.database, use_case, *args, **kwargs)

    async def write_now(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in a writing transaction."""
        return await swift.write(self.database, use_case, *args, **kwargs)

    async def erase(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in an erasing transaction."""

        def run() -> T:
            with self.database.erase() as connection:
                return use_case(connection, *args, **kwargs)

        return await to_thread.run_sync(run)

    async def hash(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what hashes a password, off the event loop and not too many at once."""
        return await to_thread.run_sync(lambda: function(*args, **kwargs), limiter=self.hashing)


def door_of(request: Request) -> Door:
    """The front door that a request came through."""
    return cast(Door, request.app.state.door)
