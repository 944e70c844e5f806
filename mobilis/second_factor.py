"""The second factor of signing in: codes of an authenticator (TOTP), and recovery codes. No HTTP.

A code is good once, and a wrong one counts as a failure of signing in. Recovery codes are kept as
hashes and good once each.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any

import pyotp
import segno
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from mobilis.models import staff, staff_recovery_codes
from mobilis.staff import Person, count_failure, is_locked
from mobilis.store import now

ISSUER = "mobilis"  # what the authenticator shows
STEP_SECONDS = 30
CLOCKS_DIFFER = 1  # steps, either way
RECOVERY_CODES = 10


def prepare(connection: Connection, person: Person) -> str:
    """A new secret that is not yet in force; what was prepared before is worth nothing."""
    secret = pyotp.random_base32()
    _set(connection, person, totp_pending=secret)
    return secret


def prepared(connection: Connection, person: Person) -> str | None:
    """The secret that waits for its first code."""
    secret: str | None = _row(connection, person).totp_pending
    return secret


def address(person: Person, secret: str) -> str:
    """What the QR code of a secret says."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=ISSUER)


def picture(person: Person, secret: str) -> str:
    """The QR code as a data address, dark on light whatever the theme, since cameras want it so."""
    code = segno.make(address(person, secret), error="m", micro=False)
    uri: str = code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return uri


def switch_on(connection: Connection, person: Person, code: str) -> list[str] | None:
    """Put the prepared secret in force; the recovery codes, or None when the code is wrong."""
    row = _row(connection, person, lock=True)
    if row.totp_pending is None or row.totp_secret is not None:
        return None
    step = _step_of(row.totp_pending, code, None)
    if step is None:
        return None
    _set(connection, person, totp_secret=row.totp_pending, totp_step=step, totp_pending=None)
    return new_recovery_codes(connection, person)


def switch_off(connection: Connection, staff_id: str) -> None:
    """Sign in without a second factor from now on."""
    values = {"totp_secret": None, "totp_step": None, "totp_pending": None}
    connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))
    _forget_recovery_codes(connection, staff_id)


def new_recovery_codes(connection: Connection, person: Person) -> list[str]:
    """Codes for the day when the authenticator is lost; the earlier ones are worth nothing."""
    _forget_recovery_codes(connection, person.id)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    rows = [{"staff_id": person.id, "hash": _hash(code)} for code in codes]
    connection.execute(insert(staff_recovery_codes), rows)
    return codes


def codes_left(connection: Connection, person: Person) -> int:
    """How many recovery codes are still good."""
    query = select(func.count()).select_from(staff_recovery_codes)
    query = query.where(staff_recovery_codes.c.staff_id == person.id)
    return int(connection.execute(query).scalar_one())


def check(connection: Connection, person: Person, code: str) -> bool:
    """Whether a code is good now: it is not a second time. A wrong one counts as a failure.

    Must run in a writing transaction that is committed either way.
    """
    row = _row(connection, person, lock=True)
    if row.totp_secret is None or not row.active or is_locked(row):
        return False
    step = _step_of(row.totp_secret, code, row.totp_step)
    if step is not None:
        _set(connection, person, totp_step=step)
        return True
    if _use_recovery_code(connection, person, code):
        return True
    count_failure(connection, row)
    return False


def _step_of(secret: str, code: str, last: int | None) -> int | None:
    """The step of time that a code belongs to, if it is one after the last that was used."""
    given = "".join(code.split()).encode("utf-8", "replace")
    present = int(now().timestamp()) // STEP_SECONDS
    for step in range(present - CLOCKS_DIFFER, present + CLOCKS_DIFFER + 1):
        known = pyotp.TOTP(secret).generate_otp(step)
        if hmac.compare_digest(known.encode(), given) and (last is None or step > last):
            return step
    return None


def _use_recovery_code(connection: Connection, person: Person, code: str) -> bool:
    used = connection.execute(
        delete(staff_recovery_codes).where(
            staff_recovery_codes.c.staff_id == person.id,
            staff_recovery_codes.c.hash == _hash(code),
        )
    )
    return bool(used.rowcount)


def _recovery_code() -> str:
    """80 bits, in four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(code: str) -> str:
    """80 random bits cannot be guessed from a plain hash, unlike a password."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def _forget_recovery_codes(connection: Connection, staff_id: str) -> None:
    theirs = staff_recovery_codes.c.staff_id == staff_id
    connection.execute(delete(staff_recovery_codes).where(theirs))


def _row(connection: Connection, person: Person, lock: bool = False) -> Row[Any]:
    query = select(staff).where(staff.c.id == person.id)
    return connection.execute(query.with_for_update() if lock else query).one()


def _set(connection: Connection, person: Person, **values: Any) -> None:
    connection.execute(update(staff).where(staff.c.id == person.id).values(**values))
