"""GET /healthz: whether the whole chain is ready, and if not, which part is to blame. GET /readyz:
whether this front door is, for whoever spreads visitors over several."""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mobilis.errors import StoreError
from mobilis.models import conversations
from mobilis.seeing.logs import tell_refusal
from mobilis.web.brain import ERROR, OK
from mobilis.web.door import Door, door_of

logger = logging.getLogger(__name__)


async def read_health(request: Request) -> Response:
    """200 when every part is ok, else 503; `part` names the first that is not, and `why` says more
    where more is known. A content file that is wrong is a warning: its earlier words are said on.
    """
    door = door_of(request)
    brain = await door.brain.health()
    parts = {"database": await _database(door), "brain": brain.brain, "actions": brain.actions}
    broken = [part for part, state in parts.items() if state == ERROR]
    if not broken:
        warning = {"warning": "content"} if brain.content else {}
        return JSONResponse({"status": OK, "parts": parts, **warning})
    why = {"why": brain.why} if brain.why else {}
    return JSONResponse({"status": ERROR, "part": broken[0], "parts": parts, **why}, 503)


async def read_readiness(request: Request) -> Response:
    """GET /readyz: whether this front door can take visitors in. Without a brain it can: what they
    say is kept, and answered once there is one."""
    if await _database(door_of(request)) == OK:
        return JSONResponse({"status": OK})
    return JSONResponse({"status": ERROR, "part": "database"}, 503)


async def _database(door: Door) -> str:
    try:
        await door.read(_look)
    except StoreError as error:
        tell_refusal(logger, "health", error)
        return ERROR
    return OK


def _look(connection: Connection) -> None:
    connection.execute(select(conversations.c.id).limit(1)).first()
