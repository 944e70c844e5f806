"""/console/coaches: the directory of coaches, for admins.

What a coach may be is mobilis/coach_file.py's, for the form as for a file; what is done is
mobilis/coaches.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import Connection
from starlette.datastructures import UploadFile
from starlette.responses import Response

from mobilis import audit, coach_file, coaches, edits
from mobilis.coach_file import ALL, FIELDS, LIMITS, LISTS, OPTIONAL, Problem, Row
from mobilis.coaches import COACH, Coach
from mobilis.dates import day_of
from mobilis.errors import ChatError, EditError
from mobilis.facets import FACETS, fresh_vocabulary
from mobilis.settings import ROOT
from mobilis.store import now
from mobilis.text import fold, single_spaced
from mobilis.web.console.edits import Told, in_words, tell
from mobilis.web.console.gate import Page, Visit, plain

DONE = ("added", "saved", "accepting", "not_accepting")
FILTERS = ("search", *FACETS, "accepting")
NEW = {"accepting": "yes"}  # what a form for a new coach begins with
SHOWN_EDITS = 3  # on the page of a coach


@dataclass(frozen=True)
class Known:
    """A coach as the form needs it."""

    row: Row
    seen: int
    requests: int
    history: list[Told]


async def show(visit: Visit) -> Response:
    """GET /console/coaches: those that the filters ask for."""
    given = {name: plain(visit.request.query_params.get(name)).strip() for name in FILTERS}
    everyone = await visit.door.read(coaches.listed)
    imported = visit.request.query_params.get("imported", "")
    return visit.show(
        "coaches.html",
        here="coaches",
        coaches=[coach for coach in everyone if _is_asked_for(coach, given)],
        total=len(everyone),
        imported=imported if imported.isdecimal() and len(imported) < 6 else "",
        given=given,
        facets=FACETS,
        vocabulary=fresh_vocabulary(ROOT),
    )


async def ask_new(visit: Visit) -> Response:
    """GET /console/coaches/new."""
    return _form(visit, {**dict.fromkeys(FIELDS, ""), **NEW})


async def add(visit: Visit) -> Response:
    """POST /console/coaches/new."""
    given = _given(visit, "")
    fields = {**given, "id": coaches.make_id(given["name"])}
    problems = coach_file.check_fields(fields)
    if problems:
        return _form(visit, given, problems, status=422)
    row = coach_file.to_row(fields)
    coach_id = await visit.door.write(coaches.add, visit.person.id, row)
    return visit.back_to(f"/coaches/{quote(coach_id)}/edit?done=added")


async def ask_change(visit: Visit) -> Response:
    """GET /console/coaches/{coach}/edit."""
    known = await _known(visit)
    done = visit.request.query_params.get("done", "")
    fields = coach_file.to_fields(known.row)
    return _form(visit, fields, known=known, done=done if done in DONE else "")


async def save(visit: Visit) -> Response:
    """POST /console/coaches/{coach}/edit; a form made before a colleague's change is refused."""
    known = await _known(visit)
    given = _given(visit, known.row["id"])
    seen = visit.field("seen")
    problems = coach_file.check_fields(given)
    if problems:
        return _form(visit, given, problems, known=known, status=422, seen=seen)
    row = coach_file.to_row(given)
    try:
        await visit.door.write(coaches.save, visit.person.id, row["id"], seen, row)
    except EditError as error:
        known = await _known(visit)  # as the colleague has left it; not found, when removed
        return _form(visit, given, known=known, refused=error.reason, status=409)
    return visit.back_to(f"/coaches/{quote(row['id'])}/edit?done=saved")


async def set_accepting(visit: Visit) -> Response:
    """POST /console/coaches/{coach}/accepting: found by visitors, or not."""
    accepting = visit.field("accepting") == "yes"
    await _do(visit, coaches.set_accepting, accepting)
    done = "accepting" if accepting else "not_accepting"
    return visit.back_to(f"/coaches/{quote(_id(visit))}/edit?done={done}")


async def ask_removal(visit: Visit) -> Response:
    """GET /console/coaches/{coach}/remove."""
    return await _removal(visit)


async def remove(visit: Visit) -> Response:
    """POST /console/coaches/{coach}/remove."""
    try:
        await _do(visit, coaches.remove, visit.field("seen"))
    except EditError as error:
        return await _removal(visit, 409, error.reason)
    return visit.back_to(f"/edits?kind=coach&key={quote(_id(visit))}&done=removed")


async def ask_forgetting(visit: Visit) -> Response:
    """GET /console/coaches/{coach}/forget: whether the history of a removed coach is to go."""
    return await _forgetting(visit)


async def forget(visit: Visit) -> Response:
    """POST /console/coaches/{coach}/forget."""
    if visit.field("confirmed") != "yes":
        return await _forgetting(visit, 422)
    await _do(visit, coaches.forget)
    return visit.back_to("/edits?kind=coach&done=forgotten")


async def _forgetting(visit: Visit, status: int = 200) -> Response:
    if not await visit.door.read(coaches.may_forget, _id(visit)):
        raise ChatError("not_found", 404)
    given = {"coach_id": _id(visit), "unsure": status == 422}
    return visit.show("coaches_forget.html", status, here="coaches", **given)


async def ask_import(visit: Visit) -> Response:
    """GET /console/coaches/import."""
    return _import_form(visit)


async def import_file(visit: Visit) -> Response:
    """POST /console/coaches/import: shows what a file would change; with `apply`, changes it."""
    parsed = coach_file.parse(await _uploaded(visit))
    if parsed.problems:
        said = [problem.say(visit.language) for problem in parsed.problems]
        return _import_form(visit, 422, problems=said)
    if not visit.field("apply"):
        return await _preview(visit, parsed.rows)
    given = visit.person.id, parsed.rows, visit.field("seen")
    try:
        count = await visit.door.write(coaches.import_seen, *given)
    except EditError:
        return await _preview(visit, parsed.rows, 409)
    return visit.back_to(f"/coaches?imported={count}")


async def _uploaded(visit: Visit) -> bytes:
    """The file of the form, or what the preview kept of it."""
    given = visit.form.get("file")
    if isinstance(given, UploadFile):
        return await given.read()
    return plain(visit.form.get("csv")).encode()


async def _preview(visit: Visit, rows: list[Row], status: int = 200) -> Response:
    found = await visit.door.read(coaches.preview_import, rows)
    changed = [(name, in_words(changes, visit.language)) for name, changes in found.changed]
    more = {"preview": found, "changed": changed, "csv": coach_file.write_rows(rows)}
    return _import_form(visit, status, **more)


def _import_form(visit: Visit, status: int = 200, **given: Any) -> Response:
    values = {"problems": [], "preview": None, "stale": status == 409, **given}
    return visit.show("coaches_import.html", status, here="coaches", **values)


async def export(visit: Visit) -> Response:
    """GET /console/coaches/export: the directory as a file, which imports back as it is."""
    text = await visit.door.write(_export, visit.person.id)
    name = f"mobilis-coaches-{day_of(now()).isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv", headers=headers)


def _export(connection: Connection, actor: str) -> str:
    rows = coaches.all_rows(connection)
    audit.record(connection, actor, "coaches.exported", "coaches", {"rows": len(rows)})
    return coach_file.write_rows(rows)


def _is_asked_for(coach: Coach, given: Mapping[str, str]) -> bool:
    if given["accepting"] and given["accepting"] != ("yes" if coach.accepting else "no"):
        return False
    if any(given[facet] and given[facet] not in coach.values(facet) for facet in FACETS):
        return False
    said = fold(" ".join((coach.id, coach.name, *coach.bio.values())))
    return all(word in said for word in fold(given["search"]).split())


def _given(visit: Visit, coach_id: str) -> dict[str, str]:
    """The form as the fields that a line of a file would have."""
    fields = {"id": coach_id}
    for name in FIELDS:
        if name in LISTS:
            chosen = [plain(value) for value in visit.form.getlist(name)]
            fields[name] = ALL if ALL in chosen else ";".join(chosen)
        else:
            fields[name] = single_spaced(visit.field(name))
    return {**fields, "accepting": fields["accepting"] or "no"}


async def _do(visit: Visit, deed: Callable[..., None], *given: Any) -> None:
    """Do something to the coach.

    Raises:
        ChatError: not_found.
        EditError: stale.
    """
    try:
        await visit.door.write(deed, visit.person.id, _id(visit), *given)
    except EditError as error:
        if error.reason == "gone":
            raise ChatError("not_found", 404) from None
        raise


async def _known(visit: Visit) -> Known:
    known = await visit.door.read(_look, _id(visit), visit.language)
    if known is None:
        raise ChatError("not_found", 404)
    return known


def _look(connection: Connection, coach_id: str, language: str) -> Known | None:
    row = coaches.current(connection, coach_id)
    if row is None:
        return None
    found = edits.find(connection, SHOWN_EDITS, COACH.name, coach_id)
    return Known(
        row=row,
        seen=edits.revision(connection, COACH.name, coach_id),
        requests=coaches.requests_for(connection, coach_id),
        history=tell(connection, found, language),
    )


def _form(
    visit: Visit,
    given: Mapping[str, str],
    problems: Sequence[Problem] = (),
    known: Known | None = None,
    status: int = 200,
    seen: str = "",
    refused: str = "",
    done: str = "",
) -> Response:
    words = visit.door.wording.console["coaches"]
    names = {field: words[field][visit.language] for field in FIELDS}
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        wrong.setdefault(problem.field, []).append(problem.say(visit.language, names))
    return visit.show(
        "coaches_form.html",
        status,
        here="coaches",
        given=given,
        chosen={name: given[name].split(";") for name in LISTS},
        wrong=wrong,
        known=known,
        seen=seen or (known.seen if known else ""),
        refused=refused,
        done=done,
        fields=FIELDS,
        lists=LISTS,
        limits=LIMITS,
        optional=OPTIONAL,
        facets=FACETS,
        vocabulary=fresh_vocabulary(ROOT),
    )


async def _removal(visit: Visit, status: int = 200, refused: str = "") -> Response:
    known = await _known(visit)
    return visit.show("coaches_remove.html", status, here="coaches", known=known, refused=refused)


def _id(visit: Visit) -> str:
    return plain(visit.request.path_params["coach"])


PAGES = (
    Page("/coaches", show, "admin"),
    Page("/coaches/new", ask_new, "admin"),
    Page("/coaches/new", add, "admin", "POST"),
    Page("/coaches/export", export, "admin"),
    Page("/coaches/import", ask_import, "admin"),
    Page("/coaches/import", import_file, "admin", "POST", upload=True),
    Page("/coaches/{coach}/edit", ask_change, "admin"),
    Page("/coaches/{coach}/edit", save, "admin", "POST"),
    Page("/coaches/{coach}/accepting", set_accepting, "admin", "POST"),
    Page("/coaches/{coach}/remove", ask_removal, "admin"),
    Page("/coaches/{coach}/remove", remove, "admin", "POST"),
    Page("/coaches/{coach}/forget", ask_forgetting, "admin"),
    Page("/coaches/{coach}/forget", forget, "admin", "POST"),
)
