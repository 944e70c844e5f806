"""The grids of figures: values in rows and columns, what they are called, and a grid as a file.

A page writes the values in the person's language (figure_sections.py), the file as a program or a
spreadsheet reads them, with headings in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobilis.assessment import Assessment
from mobilis.casefile import band_title, label_title
from mobilis.content import LANGUAGES, Content
from mobilis.exports import csv_head, csv_rows
from mobilis.periods import Step
from mobilis.wording import Sentences


@dataclass(frozen=True)
class Named:
    """Something that has a name in each language: a question, a result, a part of a wait."""

    kind: str
    id: str


Head = Step | Named
Value = int | float | None
Row = tuple[Head, Sequence[Value]]


@dataclass(frozen=True)
class Grid:
    """A table of values. The first of the columns is that of the heads: what each row is of."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def by_days(self) -> bool:
        """Whether a row is of days."""
        return self.columns[0] == "days"


@dataclass(frozen=True)
class Speech:
    """What things are called: words of content/console, questions, results."""

    console: Mapping[str, Sentences]
    content: Content
    assessment: Assessment

    def word(self, key: str, language: str, **values: Any) -> str:
        """A sentence of content/console/figures.yml."""
        return self.console["figures"][key][language].format(**values)

    def column(self, key: str, language: str) -> str:
        """The heading of a column. Values of the queue's filters are called as they are there."""
        for group, name in (("figures", f"column_{key}"), ("queue", key)):
            if name in self.console[group]:
                return self.console[group][name][language]
        return key.partition("_")[2]

    def name(self, named: Named, language: str) -> str:
        """What something is called; its id when nothing calls it any more."""
        if named.kind == "question":
            question = self.assessment.find(named.id)
            if question is None:
                return named.id
            gap = question.gap[language]
            return f"{question.number}. {gap[:1].upper()}{gap[1:]}"
        if named.kind == "band":
            return band_title(self.assessment, named.id, language)
        if named.kind == "faq":
            return label_title(self.content, f"faq/{named.id}", language) or named.id
        return self.word(f"{named.kind}_{named.id}", language)


def ratio(part: int, of: int) -> float | None:
    """A share; none of nothing."""
    return part / of if of else None


def rows_of(heads: Sequence[Head], *columns: Sequence[Value]) -> tuple[Row, ...]:
    return tuple((head, cells) for head, *cells in zip(heads, *columns, strict=True))


def shared(values: Mapping[Named, int], of: int) -> tuple[Row, ...]:
    """Counts, each with its share of all."""
    return tuple((named, (n, ratio(n, of))) for named, n in values.items())


def csv_of(grid: Grid, speech: Speech) -> str:
    """A grid as a file: days as ISO 8601 has them, shares of 1, names in both languages."""
    named = ("id", *(f"name_{language}" for language in LANGUAGES))
    keys = ("first_day", "last_day") if grid.by_days else named
    columns = [
        " / ".join(speech.column(key, language) for language in LANGUAGES)
        for key in (*keys, *grid.columns[1:])
    ]
    records = [
        dict(zip(columns, (*_written(head, speech), *map(_plain, cells)), strict=True))
        for head, cells in grid.rows
    ]
    return csv_head(columns) + csv_rows(records, columns)


def _written(head: Head, speech: Speech) -> Sequence[str]:
    if isinstance(head, Step):
        return head.first.isoformat(), head.last.isoformat()
    return head.id, *(speech.name(head, language) for language in LANGUAGES)


def _plain(value: Value) -> Value:
    return round(value, 4) if isinstance(value, float) else value
