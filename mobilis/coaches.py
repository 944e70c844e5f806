"""The coach directory: searching it for a visitor's wishes, keeping and editing it in the database.

Actions, the console and `mobilis coaches import` call this; every change is in the history. Wishes
come from mobilis/facets.py, which also says what the values are called; the CSV file is read, and a
coach's fields are checked, by mobilis/coach_file.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import Connection

from mobilis import audit, edits
from mobilis.coach_file import FIELDS, MAY_LACK, Row, check_fields, read_rows, to_fields
from mobilis.content import LANGUAGES
from mobilis.errors import EditError
from mobilis.facets import FACETS
from mobilis.models import coaches as table
from mobilis.models import leads
from mobilis.store import Database
from mobilis.text import fold, unaccented

# Wishes given up when no coach meets them all, the first one first; a facet further on is given
# up only after all those before it.
RELAXING = ("level", "topic", "region", "language")
ID_LENGTH = 56  # of a made one; the numbers of namesakes come on top
# Facets in which a coach for everything matches less well than one for just what is wished.
BREADTH = ("region", "topic")


@dataclass(frozen=True)
class Coach:
    """One coach. The facets hold labels, never `*`; `bio` is {"fr", "en"}."""

    id: str
    name: str
    languages: tuple[str, ...]
    regions: tuple[str, ...]
    topics: tuple[str, ...]
    levels: tuple[str, ...]
    bio: Mapping[str, str]
    url: str | None = None
    accepting: bool = True

    def values(self, facet: str) -> tuple[str, ...]:
        """The coach's values of a facet: "region" → `regions`."""
        return {
            "language": self.languages,
            "region": self.regions,
            "topic": self.topics,
            "level": self.levels,
        }[facet]

    def has_all(self, facet: str) -> bool:
        """Whether no value of the facet is missing, as for a coach who works in all of Canada."""
        return set(self.values(facet)) >= set(FACETS[facet])


@dataclass(frozen=True)
class Match:
    """A coach found, with the wishes that are met as pairs of facet and value."""

    coach: Coach
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SearchResult:
    """The coaches found, best first, and the facets whose wishes had to be given up for it."""

    matches: tuple[Match, ...]
    relaxed: tuple[str, ...] = ()


# Searching


def search(coaches: Iterable[Coach], wishes: Mapping[str, Sequence[str]]) -> SearchResult:
    """Find the coaches who accept requests and meet `wishes` (facet → values).

    Values of one facet are alternatives, but for the languages: both mean a bilingual coach. When
    nobody meets all the wishes, as few and as light ones as possible are given up (`RELAXING`).
    First come those who meet most of the wished values by name (a coach for all of Canada is no
    specialist of Québec), then in the order of their ids.
    """
    accepting = [coach for coach in coaches if coach.accepting]
    wished = {facet: set(wishes[facet]) for facet in FACETS if wishes.get(facet)}
    for relaxed in _relaxations(wished):
        kept = {facet: values for facet, values in wished.items() if facet not in relaxed}
        matches = [_match(coach, kept) for coach in accepting if _meets(coach, kept)]
        if matches:
            return SearchResult(tuple(sorted(matches, key=_rank)), relaxed)
    return SearchResult(())


def _relaxations(wished: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    """The sets of facets to give up, the lightest first: nothing, level, topic, level and topic…"""
    facets = [facet for facet in RELAXING if facet in wished]
    sets = [chosen for size in range(len(facets) + 1) for chosen in combinations(facets, size)]
    yield from sorted(sets, key=lambda chosen: sum(2 ** RELAXING.index(f) for f in chosen))


def _meets(coach: Coach, wished: Mapping[str, set[str]]) -> bool:
    return all(
        values <= set(coach.values(facet))
        if facet == "language"
        else values & set(coach.values(facet))
        for facet, values in wished.items()
    )


def _match(coach: Coach, wished: Mapping[str, set[str]]) -> Match:
    return Match(
        coach,
        tuple(
            (facet, value)
            for facet in FACETS
            for value in FACETS[facet]
            if value in wished.get(facet, ()) and value in coach.values(facet)
        ),
    )


def _rank(match: Match) -> tuple[int, str]:
    by_name = [
        facet
        for facet, _ in match.reasons
        if facet not in BREADTH or not match.coach.has_all(facet)
    ]
    return -len(by_name), match.coach.id


# Reading and writing


def all_coaches(database: Database) -> list[Coach]:
    """Every coach, in the order of their ids.

    Raises:
        StoreError: the database is unreachable or refuses.
    """
    with database.read() as connection:
        return [_from_row(row) for row in connection.execute(select(table).order_by(table.c.id))]


def get_coach(database: Database, coach_id: str) -> Coach | None:
    """The coach of that id, if there is one.

    Raises:
        StoreError: the database is unreachable or refuses.
    """
    with database.read() as connection:
        row = connection.execute(select(table).where(table.c.id == coach_id)).first()
    return _from_row(row) if row else None


def listed(connection: Connection) -> list[Coach]:
    """Every coach, in the order of their names."""
    found = [_from_row(row) for row in connection.execute(select(table))]
    return sorted(found, key=lambda coach: (fold(coach.name), coach.id))


def requests_for(connection: Connection, coach_id: str) -> int:
    """How many people have asked for a coach."""
    query = select(func.count()).select_from(leads).where(leads.c.coach_id == coach_id)
    return int(connection.execute(query).scalar_one())


def import_coaches(database: Database, path: Path) -> int:
    """Add the coaches of a CSV file, replacing those whose id is known; returns how many it names.

    All or nothing. Coaches that the file does not name stay as they are.

    Raises:
        ImportRefused: the file cannot be read or has bad rows; names every line and field.
        StoreError: the database is unreachable or refuses.
    """
    rows = read_rows(path)
    with database.write() as connection:
        import_rows(connection, audit.COMMAND, rows)
    return len(rows)


def import_rows(connection: Connection, actor: str, rows: Iterable[Row]) -> int:
    """The same for rows that were read from a file; returns how many coaches it changed.

    Each change is in the history; in the audit log they are one deed.
    """
    whole = [_completed(connection, row) for row in rows]
    changes = [edits.keep(connection, COACH, actor, row["id"], to_state(row)) for row in whole]
    changed = [number for number in changes if number is not None]
    if changed:
        detail = {"changed": len(changed), "edits": [changed[0], changed[-1]]}
        audit.record(connection, actor, "coaches.imported", "coaches", detail)
    return len(changed)


def _completed(connection: Connection, row: Row) -> Row:
    """A row of a file with what is known of what the file lacks."""
    known = current(connection, row["id"]) or {}
    return {**{name: known.get(name) for name in MAY_LACK}, **row}


@dataclass(frozen=True)
class Preview:
    """What importing a file would do."""

    added: list[str]  # names
    changed: list[tuple[str, list[edits.Difference]]]  # names, and what of them
    same: int
    seen: int  # the last change of the directory when it was looked at


def preview_import(connection: Connection, rows: Iterable[Row]) -> Preview:
    """What importing rows of a file would add and change."""
    added, changed, same = [], [], 0
    for row in (_completed(connection, one) for one in rows):
        before, after = _read_state(connection, row["id"]), to_state(row)
        if before is None:
            added.append(row["name"])
        elif before == after:
            same += 1
        else:
            changed.append((row["name"], edits.compare(before, after)))
    return Preview(added, changed, same, edits.newest(connection, COACH.name))


def import_seen(connection: Connection, actor: str, rows: Iterable[Row], seen: str) -> int:
    """Import rows of a file if the directory still is as it was seen; how many it changed.

    Raises:
        EditError: stale.
    """
    edits.hold(connection)
    if seen != str(edits.newest(connection, COACH.name)):
        raise EditError("stale")
    return import_rows(connection, actor, rows)


# Editing


def to_state(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table as the history keeps it: a value for each of a coach's fields."""
    texts = {f"bio_{language}": row["bio"][language] for language in LANGUAGES}
    return {field: texts.get(field, row.get(field)) for field in FIELDS}


def current(connection: Connection, coach_id: str) -> Row | None:
    """A coach as a row of the table, if there is one of that id."""
    found = connection.execute(select(table).where(table.c.id == coach_id)).one_or_none()
    return dict(found._mapping) if found else None


def all_rows(connection: Connection) -> list[Row]:
    """Every coach as a row of the table, in the order of their ids."""
    return [dict(row._mapping) for row in connection.execute(select(table).order_by(table.c.id))]


def add(connection: Connection, actor: str, row: Row) -> str:
    """Add a coach, whatever id the row has; the id that it gets, made from the name."""
    edits.hold(connection)
    coach_id = _free_id(connection, row["name"])
    edits.change(connection, COACH, actor, coach_id, to_state(row))
    return coach_id


def save(connection: Connection, actor: str, coach_id: str, seen: str, row: Row) -> None:
    """Give a coach other values.

    Raises:
        EditError: stale, gone.
    """
    _take(connection, coach_id, seen)
    edits.change(connection, COACH, actor, coach_id, to_state(row))


def set_accepting(connection: Connection, actor: str, coach_id: str, accepting: bool) -> None:
    """Have a coach found by visitors, or not, whatever else was changed since.

    Raises:
        EditError: gone.
    """
    edits.hold(connection)
    row = _find(connection, coach_id)
    edits.change(connection, COACH, actor, coach_id, {**to_state(row), "accepting": accepting})


def remove(connection: Connection, actor: str, coach_id: str, seen: str) -> None:
    """Take a coach out of the directory; the history keeps what was there.

    Raises:
        EditError: stale, gone.
    """
    _take(connection, coach_id, seen)
    edits.change(connection, COACH, actor, coach_id, None)


def may_forget(connection: Connection, coach_id: str) -> bool:
    """Whether there is a history of a coach who is in the directory no more."""
    known = edits.revision(connection, COACH.name, coach_id)
    return bool(known) and current(connection, coach_id) is None


def forget(connection: Connection, actor: str, coach_id: str) -> None:
    """Erase the history of a coach who was removed, for good.

    Raises:
        EditError: gone, when there is none, or the coach is in the directory.
    """
    edits.hold(connection)
    if not may_forget(connection, coach_id):
        raise EditError("gone")
    count = edits.forget(connection, COACH.name, coach_id)
    audit.record(connection, actor, "coach.forgotten", f"coach:{coach_id}", {"edits": count})


def make_id(name: str) -> str:
    """The id that a name would give: "Ana Érable" is "ana-erable"."""
    words = re.findall("[a-z0-9]+", unaccented(name).lower())
    return "-".join(words)[:ID_LENGTH].strip("-") or "coach"


def _free_id(connection: Connection, name: str) -> str:
    """An id that nobody has or ever had: what was asked of one coach is never another's."""
    made = make_id(name)
    names = (f"{made}-{number}" if number > 1 else made for number in count(1))
    return next(name for name in names if not _is_taken(connection, name))


def _is_taken(connection: Connection, coach_id: str) -> bool:
    return bool(
        current(connection, coach_id)
        or edits.revision(connection, COACH.name, coach_id)
        or requests_for(connection, coach_id)
    )


def _take(connection: Connection, coach_id: str, seen: str) -> Row:
    edits.check_seen(connection, COACH.name, coach_id, seen)
    return _find(connection, coach_id)


def _find(connection: Connection, coach_id: str) -> Row:
    row = current(connection, coach_id)
    if row is None:
        raise EditError("gone")
    return row


def _read_state(connection: Connection, coach_id: str) -> dict[str, Any] | None:
    row = current(connection, coach_id)
    return to_state(row) if row else None


def _write_state(connection: Connection, coach_id: str, state: edits.State | None) -> None:
    connection.execute(delete(table).where(table.c.id == coach_id))
    if state is not None:
        connection.execute(insert(table).values(**_to_row(coach_id, state)))


def _to_row(coach_id: str, state: edits.State) -> Row:
    bio = {language: state[f"bio_{language}"] for language in LANGUAGES}
    values = {field: state.get(field) for field in FIELDS if field in table.c}
    return {**values, "id": coach_id, "bio": bio}


def _check_state(connection: Connection, coach_id: str, state: edits.State | None) -> None:
    """Undoing asks nothing, so it does not take away a coach whom people have asked for, and what
    comes back must still be well."""
    if state is None and requests_for(connection, coach_id):
        raise EditError("in_use")
    if state is not None and check_fields(to_fields(_to_row(coach_id, state))):
        raise EditError("rules")


COACH = edits.Kind("coach", _read_state, _write_state, _check_state)


def _from_row(row: Any) -> Coach:
    return Coach(
        id=row.id,
        name=row.name,
        languages=tuple(row.languages),
        regions=tuple(row.regions),
        topics=tuple(row.topics),
        levels=tuple(row.levels),
        bio=dict(row.bio),
        url=row.url,
        accepting=row.accepting,
    )
