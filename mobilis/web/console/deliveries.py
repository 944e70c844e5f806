"""/console/deliveries: messages that could not be shown on Slack or Teams, and why; staff try
again or set aside. What the messages say is the case's to show.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import dead_letters
from mobilis.dead_letters import DeadLetter, Removed, Unsent
from mobilis.errors import ChatError
from mobilis.staff import Person
from mobilis.web.console.gate import Page, Visit
from mobilis.web.console.layout import local

DONE = ("again", "aside")
LARGEST = 2**31 - 1  # that PostgreSQL takes for a number


async def show_undelivered(visit: Visit) -> Response:
    """GET /console/deliveries: the newest first."""
    letters, unsent, removed = await visit.door.read(_look)
    done = visit.request.query_params.get("done", "")
    return visit.show(
        "deliveries.html",
        here="deliveries",
        letters=letters,
        unsent=unsent,
        removed=removed,
        when=lambda moment: local(moment, visit.language),
        done=done if done in DONE else "",
    )


async def try_again(visit: Visit) -> Response:
    """POST /console/deliveries/{number}/again: deliver it after all."""
    response = await _do(visit, dead_letters.try_again, "again")
    visit.door.sender.wake()
    return response


async def set_aside(visit: Visit) -> Response:
    """POST /console/deliveries/{number}/aside: off the list."""
    return await _do(visit, dead_letters.set_aside, "aside")


async def _do(visit: Visit, deed: Callable[[Connection, Person, int], None], done: str) -> Response:
    number = str(visit.request.path_params["number"])
    usable = number.isascii() and number.isdecimal() and len(number) < 20
    if not usable or int(number) > LARGEST:
        raise ChatError("not_found", 404)
    await visit.door.write(deed, visit.person, int(number))
    return visit.back_to(f"/deliveries?done={done}")


def _look(connection: Connection) -> tuple[list[DeadLetter], list[Unsent], list[Removed]]:
    return (
        dead_letters.read_dead_letters(connection),
        dead_letters.read_unsent(connection),
        dead_letters.read_removed(connection),
    )


PAGES = (
    Page("/deliveries", show_undelivered, "act"),
    Page("/deliveries/{number}/again", try_again, "act", "POST"),
    Page("/deliveries/{number}/aside", set_aside, "act", "POST"),
)
