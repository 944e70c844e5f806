"""`mobilis privacy …`: what grows old, and a person everywhere, from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilis.settings import Settings

if TYPE_CHECKING:  # else every command would load the database's packages
    from mobilis.persons import Found
    from mobilis.retention import Preview
    from mobilis.store import Database

WHOM = "an e-mail address, a reference (M-…) or a conversation's id"


def add_commands(commands: Any) -> None:
    """Add `privacy` and its actions to the commands of `mobilis`."""
    privacy = commands.add_parser("privacy", help="what is kept of people, and how long")
    actions = privacy.add_subparsers(required=True, metavar="ACTION")

    kept = actions.add_parser("retention", help="erase what has been kept long enough")
    kept.add_argument("--dry-run", action="store_true", help="only show what would be erased")
    kept.add_argument("--json", action="store_true", help="print it as JSON")
    kept.set_defaults(command=_retention)

    find = actions.add_parser("find", help="the conversations of a person")
    find.add_argument("person", metavar="PERSON", help=f"{WHOM}, or a name")
    find.add_argument("--json", action="store_true", help="print them as JSON")
    find.set_defaults(command=_find)

    export = actions.add_parser("export", help="all that is kept of a person, as JSON")
    export.add_argument("person", metavar="PERSON", help=WHOM)
    export.add_argument("--output", type=Path, metavar="FILE", help="a new file to write to")
    export.set_defaults(command=_export)

    erase = actions.add_parser("erase", help="erase all that is kept of a person, for good")
    erase.add_argument("person", metavar="PERSON", help=WHOM)
    erase.add_argument("--yes", action="store_true", help="do not ask")
    erase.set_defaults(command=_erase)


def _retention(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis import audit
    from mobilis.retention import Periods, erase_due, preview
    from mobilis.store import now

    database, periods = _database(settings), Periods.from_settings(settings)
    if options.dry_run:
        with database.read() as connection:
            found = preview(connection, periods, now())
        print(json.dumps(_as_json(found)) if options.json else _in_words(found))
        return 0
    counts = erase_due(database, periods, audit.COMMAND)
    erased = {name: count for name, count in counts.items() if count}
    print(json.dumps({"rows": erased}) if options.json else _rows(erased) or "nothing was due")
    return 0


def _as_json(found: Preview) -> dict[str, Any]:
    return {**vars(found), "oldest": found.oldest.date().isoformat() if found.oldest else None}


def _in_words(found: Preview) -> str:
    rows = {name: count for name, count in found.rows.items() if count}
    if not rows:
        return "nothing is due"
    lines = [
        f"conversations to erase whole: {found.conversations}",
        f"transcripts to erase, whose lead stays: {found.transcripts}",
    ]
    if found.oldest:
        lines.append(f"the oldest fell silent on {found.oldest.date()}")
    return "\n".join([*lines, _rows(rows)])


def _rows(counts: dict[str, int]) -> str:
    return "\n".join(f"{count:>8} {name}" for name, count in counts.items())


def _find(options: argparse.Namespace, settings: Settings) -> int:
    found = _found(_database(settings), options.person)
    if options.json:
        print(json.dumps([_told(one) for one in found], ensure_ascii=False))
    elif found:
        print("\n".join(_line(one) for one in found))
    else:
        print("nothing is kept of them", file=sys.stderr)
    return 0 if found else 1


def _export(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis import audit, persons
    from mobilis.learning import write_new

    database = _database(settings)
    ids = _own(_found(database, options.person))
    if not ids:
        print("nothing is kept of them", file=sys.stderr)
        return 1
    with database.write() as connection:
        text = persons.export(connection, audit.COMMAND, ids)
        if options.output:  # before it is committed: what was not written was not exported
            write_new(options.output, text)
    if options.output:
        print(f"wrote {len(ids)} conversations to {options.output}")
    else:
        print(text, end="")
    return 0


def _erase(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis import audit, persons

    database = _database(settings)
    found = _found(database, options.person)
    ids = _own(found)
    for one in found:
        print(_line(one), file=sys.stderr)
    if not ids:
        print("nothing was erased: no conversation is theirs for sure", file=sys.stderr)
        return 1
    if not options.yes and not _is_sure(len(ids)):
        print("nothing was erased", file=sys.stderr)
        return 1
    with database.erase() as connection:
        counts = persons.erase(connection, audit.COMMAND, ids)
    print(json.dumps(counts))
    return 0


def _is_sure(number: int) -> bool:
    """Whether the person at the terminal types how many conversations there are."""
    question = f"{number} conversations will be erased for good; type {number} to go on: "
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == str(number)


def _database(settings: Settings) -> Database:
    from mobilis.store import Database, migrate

    migrate(settings.database)
    return Database.from_settings(settings)


def _found(database: Database, wanted: str) -> list[Found]:
    from mobilis import audit, persons

    with database.write() as connection:
        found = persons.find(connection, wanted)
        persons.note_found(connection, audit.COMMAND, found)
    return found


def _own(found: Sequence[Found]) -> list[str]:
    """The conversations that are the person's for sure: a name is not enough, nor a mention."""
    return [one.id for one in found if one.sure]


def _told(found: Found) -> dict[str, Any]:
    times = {name: getattr(found, name).isoformat() for name in ("opened_at", "last_at")}
    return {**vars(found), **times, "sure": found.sure}


def _line(found: Found) -> str:
    rows = sum(found.rows.values())
    theirs = "theirs" if found.sure else "perhaps somebody else's"
    return f"{found.id}  {found.why:<12}  {found.last_at.date()}  {rows:>5} rows  {theirs}"
