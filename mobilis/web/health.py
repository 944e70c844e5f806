"""GET /healthz: whether the whole chain is ready, and if not, which part is to blame."""

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
    """200 when every part is ok, else 503; `part` names the first that is not."""
    door = door_of(request)
    parts = {"database": await _database(door), **await door.brain.health()}
    broken = [part for part, state in parts.items() if state == ERROR]
    if not broken:
        return JSONResponse({"status": OK, "parts": parts})
    return JSONResponse({"status": ERROR, "part": broken[0], "parts": parts}, 503)


async def _database(door: Door) -> str:
    try:
        await door.read(_look)
    except StoreError as error:
        tell_refusal(logger, "health", error)
        return ERROR
    return OK


def _look(connection: Connection) -> None:
    connection.execute(select(conversations.c.id).limit(1)).first()
