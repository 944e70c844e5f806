"""The chat for any website: its one file, built in widget/, read once when the front door is made.

The same bytes are at /widget.js, which follows every build, and at an address named by their hash.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

DIST = Path("widget", "dist")
NOT_BUILT = "widget/dist/widget.js: not built; run make widget"
FOLLOWS_BUILDS = "public, max-age=300"
NEVER_CHANGES = "public, max-age=31536000, immutable"
ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Build:
    """What `npm run build` made."""

    hash: str
    plain: bytes
    gzipped: bytes


class Widget:
    """The handlers of the file's two addresses."""

    def __init__(self, project: Path) -> None:
        self.build = _read(project / DIST)
        if self.build is None:
            logger.warning(NOT_BUILT)

    async def newest(self, request: Request) -> Response:
        """GET /widget.js: a page that names it gets the newest build within minutes."""
        if self.build is None:
            return PlainTextResponse(NOT_BUILT, 404, ANYWHERE)
        return _answer(self.build, request, FOLLOWS_BUILDS)

    async def pinned(self, request: Request) -> Response:
        """GET /widget-{hash}.js: this build and no other, kept by browsers for a year."""
        if self.build is None:
            return PlainTextResponse(NOT_BUILT, 404, ANYWHERE)
        if request.path_params["hash"] != self.build.hash:
            raise HTTPException(404, headers=ANYWHERE)
        return _answer(self.build, request, NEVER_CHANGES)


def _read(dist: Path) -> Build | None:
    """The build, unless there is none or a half of one."""
    try:
        plain = (dist / "widget.js").read_bytes()
        named = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))["hash"]
    except FileNotFoundError:
        return None
    if not hashlib.sha256(plain).hexdigest().startswith(named):
        return None
    return Build(named, plain, gzip.compress(plain, mtime=0))


def _answer(build: Build, request: Request, caching: str) -> Response:
    etag = f'W/"{build.hash}"'  # weak: it names the script, compressed or not
    headers = {**ANYWHERE, "Cache-Control": caching, "ETag": etag, "Vary": "Accept-Encoding"}
    if _knows(request, etag):
        return Response(status_code=304, headers=headers)
    body = build.plain
    if _accepts_gzip(request):
        body, headers["Content-Encoding"] = build.gzipped, "gzip"
    return Response(body, headers=headers, media_type="text/javascript")


def _knows(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "").split(",")
    return any(tag.strip() in (etag, etag.removeprefix("W/"), "*") for tag in known)


def _accepts_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = part.replace(" ", "").partition(";q=")
        if name in ("gzip", "*"):
            return quality.strip("0.") != "" or quality == ""
    return False
