"""GET and POST /console/export: leads and conversations as files, made while they are sent.

The audit log tells who took what, by which filters, and at the end how many rows went out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from anyio import CancelScope
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mobilis import audit
from mobilis.assessment import fresh_assessment
from mobilis.cases import STATUSES
from mobilis.dates import day_of
from mobilis.exports import (
    FORMATS,
    WHAT,
    Export,
    Filters,
    Place,
    csv_head,
    csv_rows,
    json_rows,
)
from mobilis.leads import KINDS
from mobilis.store import now
from mobilis.web.console.gate import Page, Visit
from mobilis.web.door import Door

MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class File(StreamingResponse):
    """An export on its way; it stops when whoever asked for it leaves, and says so to the log."""

    def __init__(self, visit: Visit, export: Export, format: str) -> None:
        self.door: Door = visit.door
        self.export = export
        self.format = format
        self.actor = visit.person.id
        self.rows = 0
        self.complete = False
        day = day_of(now()).isoformat()
        name = f"mobilis-{export.filters.what}-{day}.{format}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(self._content(), media_type=MEDIA[format], headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.door.write(self._note, "export.begun")
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self.door.write(self._note, "export.ended")

    def _note(self, connection: Connection, action: str) -> None:
        detail: dict[str, Any] = {**self.export.filters.to_dict(), "format": self.format}
        if action == "export.ended":
            detail |= {"rows": self.rows, "complete": self.complete}
        subject = f"export:{self.export.filters.what}"
        audit.record(connection, self.actor, action, subject, detail)

    async def _content(self) -> AsyncIterator[str]:
        """The file in parts, each read in a transaction of its own."""
        columns = self.export.columns
        yield csv_head(columns) if self.format == "csv" else "[\n"
        place: Place | None = None
        while True:
            records, place = await self.door.read(self.export.records, place)
            if not records:
                break
            if self.format == "csv":
                yield csv_rows(records, columns)
            else:
                yield json_rows(records, first=not self.rows)
            self.rows += len(records)
        if self.format == "json":
            yield "\n]\n"
        self.complete = True


async def ask(visit: Visit) -> Response:
    """GET /console/export: what to export."""
    return _form(visit, Filters("leads"), "csv")


async def export(visit: Visit) -> Response:
    """POST /console/export: the file, or the form again with what is wrong."""
    format = visit.field("format")
    try:
        filters = Filters(
            visit.field("what"),
            _day(visit.field("since")),
            _day(visit.field("until")),
            visit.field("status"),
            visit.field("language"),
            visit.field("kind"),
        )
    except ValueError:
        return _form(visit, Filters("leads"), "csv", "days")
    problem = filters.wrong() or ("" if format in FORMATS else "format")
    if problem:
        return _form(visit, filters, "csv", problem)
    assessment = fresh_assessment(visit.door.settings.project_dir)
    public_url = visit.door.settings.public_url or str(visit.request.base_url)
    return File(visit, Export(filters, assessment, public_url), format)


def _day(given: str) -> date | None:
    return date.fromisoformat(given) if given else None


def _form(visit: Visit, filters: Filters, format: str, problem: str = "") -> Response:
    known = {"whats": WHAT, "statuses": STATUSES, "kinds": KINDS, "formats": FORMATS}
    more = {"filters": filters, "format": format, "problem": problem}
    return visit.show("export.html", 422 if problem else 200, here="export", **known, **more)


PAGES = (
    Page("/export", ask, "export"),
    Page("/export", export, "export", "POST"),
)
