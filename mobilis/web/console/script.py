"""htmx, which the console's pages use where it is there; built beside the widget."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from mobilis.web.console.gate import Page
from mobilis.web.door import door_of
from mobilis.web.widget import DIST, NOT_BUILT


async def htmx(request: Request) -> Response:
    """GET /console/htmx.js."""
    path = door_of(request).settings.project_dir / DIST / "htmx.js"
    if not path.exists():
        return PlainTextResponse(NOT_BUILT, 404)
    headers = {"Cache-Control": "public, max-age=3600"}
    return FileResponse(path, media_type="text/javascript", headers=headers)


PAGES = (Page("/htmx.js", htmx, "anyone"),)
