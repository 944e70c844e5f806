"""/console/me: one's own name, language, password and second factor."""

from __future__ import annotations

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import accounts, audit, second_factor, staff
from mobilis.errors import StaffError
from mobilis.web.console.gate import Page, Visit, plain
from mobilis.web.console.sign_in import give_session

DONE = ("profile", "password", "off")


async def me(visit: Visit) -> Response:
    """GET /console/me."""
    done = visit.request.query_params.get("done", "")
    return await _show(visit, done=done if done in DONE else "")


async def change_profile(visit: Visit) -> Response:
    """POST /console/me: name and language."""
    try:
        await visit.door.write(
            accounts.change_profile, visit.person, visit.field("name"), visit.field("language")
        )
    except StaffError as error:
        return await _show(visit, 400, problem=f"wrong_{error.field}")
    return visit.back_to("/me?done=profile")


async def ask_password(visit: Visit) -> Response:
    """GET /console/me/password."""
    return _password_form(visit)


async def change_password(visit: Visit) -> Response:
    """POST /console/me/password: another one, for the present one. All other sessions end."""
    door = visit.door
    old, new = (plain(visit.form.get(name)) for name in ("old", "new"))
    if new != plain(visit.form.get("again")):
        return _password_form(visit, 400, "differ")
    if new == old:
        return _password_form(visit, 400, "same")
    known = await door.read(staff.known_hash, visit.person.email)
    right = await door.hash(staff.is_password, known, old)
    try:
        hashed = await door.hash(staff.hash_password, new)
    except StaffError:
        return _password_form(visit, 400, "short")
    token = await door.write(_change_password, visit, known if right else None, hashed)
    if token is None:
        return _password_form(visit, 403, "wrong_old")
    response = visit.back_to("/me?done=password")
    give_session(response, door, token)
    return response


async def prepare(visit: Visit) -> Response:
    """POST /console/me/second-factor: a new secret, to be shown as a QR code."""
    if not visit.person.has_second_factor:
        await visit.door.write(second_factor.prepare, visit.person)
    return visit.back_to("/me/second-factor")


async def ask_first_code(visit: Visit) -> Response:
    """GET /console/me/second-factor: the QR code, and the form for the first code."""
    return await _first_code_form(visit)


async def switch_on(visit: Visit) -> Response:
    """POST /console/me/second-factor/on: the first code proves that the authenticator works."""
    codes = await visit.door.write(_switch_on, visit, visit.field("code"))
    if codes is None:
        return await _first_code_form(visit, 403, "wrong_code")
    return visit.show("me_codes.html", codes=codes, switched_on=True)


async def switch_off(visit: Visit) -> Response:
    """POST /console/me/second-factor/off, with a code."""
    if not await visit.door.write(_switch_off, visit, visit.field("code")):
        return await _show(visit, 403, problem="wrong_code")
    return visit.back_to("/me?done=off")


async def renew_codes(visit: Visit) -> Response:
    """POST /console/me/recovery-codes, with a code: the earlier ones are worth nothing then."""
    codes = await visit.door.write(_renew_codes, visit, visit.field("code"))
    if codes is None:
        return await _show(visit, 403, problem="wrong_code")
    return visit.show("me_codes.html", codes=codes, switched_on=False)


def _change_password(
    connection: Connection, visit: Visit, proven: str | None, hashed: str
) -> str | None:
    """Every session ends; a new one begins in this browser."""
    person = staff.settle_password(connection, visit.person.email, proven)
    if person is None:
        _note_refusal(connection, visit, "password")
        return None
    accounts.choose_password(connection, person, hashed)
    return staff.open_session(connection, person)


def _switch_on(connection: Connection, visit: Visit, code: str) -> list[str] | None:
    codes = second_factor.switch_on(connection, visit.person, code)
    if codes is not None:
        _note(connection, visit, "staff.second_factor_on")
    return codes


def _switch_off(connection: Connection, visit: Visit, code: str) -> bool:
    if not second_factor.check(connection, visit.person, code):
        _note_refusal(connection, visit, "second_factor")
        return False
    second_factor.switch_off(connection, visit.person.id)
    _note(connection, visit, "staff.second_factor_off")
    return True


def _renew_codes(connection: Connection, visit: Visit, code: str) -> list[str] | None:
    if not second_factor.check(connection, visit.person, code):
        _note_refusal(connection, visit, "second_factor")
        return None
    _note(connection, visit, "staff.recovery_codes")
    return second_factor.new_recovery_codes(connection, visit.person)


def _note(connection: Connection, visit: Visit, action: str) -> None:
    audit.record(connection, visit.person.id, action, f"staff:{visit.person.id}")


def _note_refusal(connection: Connection, visit: Visit, what: str) -> None:
    subject = f"staff:{visit.person.id}"
    audit.record(connection, visit.person.id, "staff.refused", subject, {"what": what})


async def _show(visit: Visit, status: int = 200, problem: str = "", done: str = "") -> Response:
    left = await visit.door.read(second_factor.codes_left, visit.person)
    return visit.show("me.html", status, here="me", problem=problem, done=done, codes_left=left)


def _password_form(visit: Visit, status: int = 200, problem: str = "") -> Response:
    return visit.show("me_password.html", status, problem=problem, most_short=staff.PASSWORD_LENGTH)


async def _first_code_form(visit: Visit, status: int = 200, problem: str = "") -> Response:
    secret = await visit.door.read(second_factor.prepared, visit.person)
    if secret is None:
        return visit.back_to("/me")
    picture = second_factor.picture(visit.person, secret)
    return visit.show(
        "me_second_factor.html", status, problem=problem, secret=secret, picture=picture
    )


PAGES = (
    Page("/me", me, "read"),
    Page("/me", change_profile, "read", "POST"),
    Page("/me/password", ask_password, "read", before_password=True),
    Page("/me/password", change_password, "read", "POST", before_password=True),
    Page("/me/second-factor", ask_first_code, "read"),
    Page("/me/second-factor", prepare, "read", "POST"),
    Page("/me/second-factor/on", switch_on, "read", "POST"),
    Page("/me/second-factor/off", switch_off, "read", "POST"),
    Page("/me/recovery-codes", renew_codes, "read", "POST"),
)
