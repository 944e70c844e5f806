"""GET /console/queue: the cases, the most urgent first."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection, Row
from starlette.responses import Response

from mobilis.models import cases
from mobilis.web.console.gate import Page, Visit


async def queue(visit: Visit) -> Response:
    """The queue."""
    rows = await visit.door.read(_rows)
    return visit.show("queue.html", here="queue", rows=rows)


def _rows(connection: Connection) -> list[Row[tuple[object, ...]]]:
    query = select(cases).where(cases.c.messages > 0, cases.c.status != "closed")
    return list(connection.execute(query.order_by(cases.c.priority.desc()).limit(50)))


PAGES = (Page("/queue", queue, "read"),)
