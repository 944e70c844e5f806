"""GET /console: where staff arrive."""

from __future__ import annotations

from starlette.responses import Response

from mobilis.web.console.gate import Page, Visit


async def home(visit: Visit) -> Response:
    """The first page: the queue."""
    return visit.back_to("/queue")


PAGES = (Page("", home, "read"),)
