"""GET /console/figures: how much is asked, understood and answered; each figure as a file.

Nothing of it is personal, so that everyone who may read sees it, and no audit is kept.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis.assessment import fresh_assessment
from mobilis.casefile import facet_title
from mobilis.content import fresh_content
from mobilis.dates import day_of, local_day
from mobilis.periods import KNOWN, PERIODS, Filters, read_filters
from mobilis.store import now
from mobilis.web.console.figure_grids import Speech, csv_of
from mobilis.web.console.figure_sections import SECTIONS, Section, Sections
from mobilis.web.console.gate import Page, Visit


async def figures(visit: Visit) -> Response:
    """All figures of a period."""
    filters, problem = read_filters(visit.request.query_params, day_of(now()))
    sections = Sections(_speech(visit), filters, visit.language)
    return visit.show(
        "figures.html",
        422 if problem else 200,
        here="figures",
        filters=filters,
        problem=problem,
        sections=await visit.door.read(_read, sections),
        periods=PERIODS,
        selects=_selects(visit, sections.speech),
        told=sections,
        gone=_gone(visit, filters),
    )


async def file(visit: Visit) -> Response:
    """GET /console/figures/{file}: one figure as CSV."""
    name, _, format = visit.request.path_params["file"].rpartition(".")
    filters, problem = read_filters(visit.request.query_params, day_of(now()))
    if format != "csv" or name not in SECTIONS:
        return visit.refuse(404, "not_found")
    if problem:
        return visit.back_to(f"/figures?{visit.request.url.query}")  # which says what
    sections = Sections(_speech(visit), filters, visit.language, each_day=True)
    section = await visit.door.read(sections.read, name)
    called = f"mobilis-{name}-{filters.since}-{filters.until}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{called}"'}
    text = csv_of(section.grid, sections.speech)
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _read(connection: Connection, sections: Sections) -> list[Section]:
    return [sections.read(connection, name) for name in SECTIONS]


def _speech(visit: Visit) -> Speech:
    root = visit.door.settings.project_dir
    return Speech(visit.door.wording.console, fresh_content(root), fresh_assessment(root))


def _selects(visit: Visit, speech: Speech) -> list[tuple[str, list[tuple[str, str]]]]:
    """The filters that are chosen from a list, with what they offer."""

    def called(name: str, value: str) -> str:
        if name in ("topic", "region"):
            return facet_title(speech.content, name, value, visit.language)
        return speech.column(f"{name}_{value}", visit.language)

    return [
        (name, [(value, called(name, value)) for value in values]) for name, values in KNOWN.items()
    ]


def _gone(visit: Visit, filters: Filters) -> dict[str, Any] | None:
    """Since when everything is still there, when the period goes further back."""
    kept = visit.door.settings.transcript_days
    oldest = now() - timedelta(days=kept)
    if not kept or filters.since >= day_of(oldest):
        return None
    return {"days": kept, "day": local_day(oldest, visit.language)}


PAGES = (
    Page("/figures", figures, "read"),
    Page("/figures/{file}", file, "read"),
)
