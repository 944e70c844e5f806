"""The short transactions of a turn, on the event loop itself where the database is a file.

To hand a transaction of half a millisecond to a thread takes as long as the transaction; and while
it holds SQLite's write lock there, it waits for the interpreter's again and again, and all others
for it. So it is made at once, unless somebody else writes: that is waited for in a thread, as
PostgreSQL always is.

What may take longer, such as the console's pages, belongs in a thread: see `Door.read`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

from anyio import to_thread
from sqlalchemy.engine import Connection

from mobilis.errors import StoreBusy
from mobilis.store import Database

P = ParamSpec("P")
T = TypeVar("T")
UseCase = Callable[Concatenate[Connection, P], T]


async def read(database: Database, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a short use case in a reading transaction.

    Raises:
        StoreError: the database is unreachable or refuses.
    """

    def run() -> T:
        with database.read() as connection:
            return use_case(connection, *args, **kwargs)

    return await to_thread.run_sync(run) if database.is_shared else run()


async def write(
    database: Database, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The same in a writing transaction."""

    def run(waits: bool = True) -> T:
        with database.write(waits) as connection:
            return use_case(connection, *args, **kwargs)

    if not database.is_shared:
        with suppress(StoreBusy):
            return run(waits=False)
    return await to_thread.run_sync(run)
