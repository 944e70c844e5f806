"""The coach directory: searching it for a visitor's wishes, keeping it in the database.

Actions, the console and `mobilis coaches import` call this. Wishes come from mobilis/facets.py,
which also says what the values are called; the CSV file is read by mobilis/coach_file.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from mobilis.coach_file import read_rows
from mobilis.facets import FACETS
from mobilis.models import coaches as table
from mobilis.store import Database

# Wishes given up when no coach meets them all, the first one first; a facet further on is given
# up only after all those before it.
RELAXING = ("level", "topic", "region", "language")
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


def import_coaches(database: Database, path: Path) -> int:
    """Add the coaches of a CSV file, replacing those whose id is known; returns how many.

    All or nothing. Coaches that the file does not name stay as they are.

    Raises:
        ImportRefused: the file cannot be read or has bad rows; names every line and field.
        StoreError: the database is unreachable or refuses.
    """
    rows = read_rows(path)
    with database.write() as connection:
        addresses = dict(connection.execute(select(table.c.id, table.c.email)).all())
        known = delete(table).where(table.c.id == bindparam("known"))
        connection.execute(known, [{"known": row["id"]} for row in rows])
        # A file without addresses takes none away.
        connection.execute(insert(table), [{"email": addresses.get(r["id"]), **r} for r in rows])
    return len(rows)


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
