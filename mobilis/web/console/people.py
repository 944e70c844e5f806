"""/console/people: the accounts of staff, for admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from mobilis import accounts
from mobilis.errors import ChatError, StaffError
from mobilis.staff import RIGHTS, Account, all_accounts, find_account
from mobilis.web.console.gate import Page, Visit, plain
from mobilis.web.console.layout import stamp

DONE = ("role", "closed", "opened", "second_factor", "sessions")
EMPTY = {"email": "", "name": "", "role": "viewer", "language": "fr", "way": "password"}


async def people(visit: Visit) -> Response:
    """GET /console/people: everyone."""
    found = await visit.door.read(all_accounts)
    return visit.show("people.html", here="people", accounts=found, stamp=stamp)


async def ask_invitation(visit: Visit) -> Response:
    """GET /console/people/new."""
    return _invitation_form(visit, EMPTY)


async def invite(visit: Visit) -> Response:
    """POST /console/people/new: a new account, and its one-time password, shown this once."""
    given = {name: visit.field(name) for name in EMPTY}
    with_password = given["way"] != "provider" or visit.door.provider is None
    try:
        person, password = await visit.door.write(
            accounts.invite,
            visit.person.id,
            email=given["email"],
            name=given["name"],
            role=given["role"],
            language=given["language"],
            with_password=with_password,
        )
    except StaffError as error:
        return _invitation_form(visit, given, 400, f"wrong_{error.field}")
    return _handed_over(visit, person.id, person.name, person.email, password)


async def person(visit: Visit) -> Response:
    """GET /console/people/{staff}: one account."""
    done = visit.request.query_params.get("done", "")
    return await _show(visit, done=done if done in DONE else "")


async def change_role(visit: Visit) -> Response:
    """POST …/role."""
    return await _change(visit, "role", accounts.change_role, visit.field("role"))


async def close(visit: Visit) -> Response:
    """POST …/close: no session any more, and no sign-in."""
    return await _change(visit, "closed", accounts.set_active, False)


async def open_again(visit: Visit) -> Response:
    """POST …/open."""
    return await _change(visit, "opened", accounts.set_active, True)


async def reset_second_factor(visit: Visit) -> Response:
    """POST …/second-factor."""
    return await _change(visit, "second_factor", accounts.reset_second_factor)


async def end_sessions(visit: Visit) -> Response:
    """POST …/sessions."""
    return await _change(visit, "sessions", accounts.sign_out_everywhere)


async def reset_password(visit: Visit) -> Response:
    """POST …/password: a one-time password, shown this once."""
    account = await _account(visit)
    try:
        password = await visit.door.write(accounts.reset_password, visit.person, account.person.id)
    except StaffError as error:
        return await _show(visit, 409, problem=f"wrong_{error.field}")
    theirs = account.person
    return _handed_over(visit, theirs.id, theirs.name, theirs.email, password)


async def _change(visit: Visit, done: str, deed: Callable[..., None], *more: Any) -> Response:
    staff_id = (await _account(visit)).person.id
    try:
        await visit.door.write(deed, visit.person, staff_id, *more)
    except StaffError as error:
        return await _show(visit, 409, problem=f"wrong_{error.field}")
    if staff_id == visit.person.id:  # they ended their own sessions
        return visit.back_to("/sign-in")
    return visit.back_to(f"/people/{staff_id}?done={done}")


async def _account(visit: Visit) -> Account:
    account = await visit.door.read(find_account, plain(visit.request.path_params["staff"]))
    if account is None:
        raise ChatError("not_found", 404)
    return account


async def _show(visit: Visit, status: int = 200, problem: str = "", done: str = "") -> Response:
    account = await _account(visit)
    return visit.show(
        "people_person.html",
        status,
        here="people",
        account=account,
        roles=tuple(RIGHTS),
        problem=problem,
        done=done,
        stamp=stamp,
    )


def _invitation_form(
    visit: Visit, given: dict[str, str], status: int = 200, problem: str = ""
) -> Response:
    provider = visit.door.provider
    return visit.show(
        "people_new.html",
        status,
        here="people",
        given=given,
        roles=tuple(RIGHTS),
        problem=problem,
        provider=provider.name if provider else "",
    )


def _handed_over(visit: Visit, staff_id: str, name: str, email: str, password: str) -> Response:
    return visit.show(
        "people_password.html",
        here="people",
        staff_id=staff_id,
        name=name,
        email=email,
        password=password,
        days=accounts.ONE_TIME_LASTS.days,
    )


PAGES = (
    Page("/people", people, "admin"),
    Page("/people/new", ask_invitation, "admin"),
    Page("/people/new", invite, "admin", "POST"),
    Page("/people/{staff}", person, "admin"),
    Page("/people/{staff}/role", change_role, "admin", "POST"),
    Page("/people/{staff}/close", close, "admin", "POST"),
    Page("/people/{staff}/open", open_again, "admin", "POST"),
    Page("/people/{staff}/password", reset_password, "admin", "POST"),
    Page("/people/{staff}/second-factor", reset_second_factor, "admin", "POST"),
    Page("/people/{staff}/sessions", end_sessions, "admin", "POST"),
)
