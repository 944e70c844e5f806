"""`mobilis staff …`, `mobilis audit …` and the first account at `mobilis up`. Called by the CLI."""

from __future__ import annotations

import argparse
from typing import Any

from mobilis.content import LANGUAGES
from mobilis.errors import MobilisError
from mobilis.settings import Settings

ROLES = ("viewer", "triager", "exporter", "admin")


def add_staff_commands(commands: Any) -> None:
    """Their parsers, below `mobilis`."""
    people = commands.add_parser("staff", help="who may sign in to the console")
    actions = people.add_subparsers(required=True, metavar="ACTION")
    added = actions.add_parser("add", help="a new account, with a one-time password")
    added.add_argument("email", metavar="EMAIL")
    added.add_argument("--name", required=True)
    added.add_argument("--role", required=True, choices=ROLES)
    added.add_argument("--language", choices=LANGUAGES, default="fr")
    added.set_defaults(command=_add)
    listed = actions.add_parser("list", help="every account")
    listed.set_defaults(command=_list)
    reset = actions.add_parser("reset", help="a one-time password, and no second factor")
    reset.add_argument("email", metavar="EMAIL")
    reset.set_defaults(command=_reset)

    log = commands.add_parser("audit", help="the log of what staff did")
    actions = log.add_subparsers(required=True, metavar="ACTION")
    verified = actions.add_parser("verify", help="check that no entry was changed or taken out")
    verified.add_argument(
        "--noted", metavar="NUMBER:HASH", help="an entry noted before, which must still be there"
    )
    verified.set_defaults(command=_verify)


def welcome(settings: Settings) -> None:
    """On a database without staff, make an admin and say how to sign in, this once."""
    from mobilis.accounts import FIRST_ADMIN, first_admin
    from mobilis.seeing.logs import JSON, log_format
    from mobilis.store import Database
    from mobilis.supervisor import say

    database = Database.from_settings(settings)
    with database.write() as connection:
        password = first_admin(connection)
    database.dispose()
    if not password:
        return
    address = f"http://{settings.host}:{settings.port}/console"
    sentence = f"the staff console is at {address}: sign in as {FIRST_ADMIN}"
    if log_format(settings) == JSON:  # a log is no place for a password
        say(f"{sentence}, with what this gives: mobilis staff reset {FIRST_ADMIN}", settings)
        return
    say(sentence, settings)
    say(f"with the one-time password {password} (not shown again)", settings)


def _add(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis import audit
    from mobilis.accounts import invite
    from mobilis.errors import StaffError
    from mobilis.store import Database, migrate

    migrate(settings.database)
    try:
        with Database.from_settings(settings).write() as connection:
            person, password = invite(
                connection,
                audit.COMMAND,
                email=options.email,
                name=options.name,
                role=options.role,
                language=options.language,
            )
    except StaffError as error:
        raise MobilisError(_why(error.field, options.email)) from None
    _hand_over(person.email, password)
    return 0


def _list(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.staff import all_accounts
    from mobilis.store import Database, migrate

    migrate(settings.database)
    with Database.from_settings(settings).read() as connection:
        accounts = all_accounts(connection)
    for account in accounts:
        person = account.person
        state = "active" if person.active else "closed"
        print(f"{person.email}\t{person.name}\t{person.role}\t{person.language}\t{state}")
    return 0


def _reset(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis import accounts
    from mobilis.staff import find_by_email
    from mobilis.store import Database

    with Database.from_settings(settings).write() as connection:
        person = find_by_email(connection, options.email)
        if person is None:
            raise MobilisError(f"nobody of staff has the address {options.email}")
        accounts.reset_second_factor(connection, None, person.id)
        password = accounts.reset_password(connection, None, person.id)
    _hand_over(person.email, password)
    return 0


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis import audit
    from mobilis.store import Database

    witness = _witness(options.noted) if options.noted else None
    with Database.from_settings(settings).read() as connection:
        broken = audit.verify(connection, witness)
        newest = audit.last(connection)
    if broken:
        raise MobilisError(f"the audit log does not hold: {broken.why}")
    print(f"the audit log holds: {newest.number if newest else 0} entries")
    if newest:
        print(f"to be noted elsewhere, for --noted: {newest}")
    return 0


def _witness(noted: str) -> Any:
    from mobilis.audit import Witness

    number, _, digest = noted.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise MobilisError("--noted: what `mobilis audit verify` printed is expected")
    return Witness(int(number), digest)


def _hand_over(email: str, password: str) -> None:
    from mobilis.accounts import ONE_TIME_LASTS

    print(f"{email} can sign in within {ONE_TIME_LASTS.days} days, and then chooses a password")
    print(f"one-time password: {password}")


def _why(field: str, email: str) -> str:
    if field == "taken":
        return f"somebody of staff has the address {email} already"
    return f"staff: this {field} will not do"
