"""What a coach of the directory may be, as text: a line of the CSV file, or a form of the console.

One coach a line; several values of a field are separated by `;`, and `*` stands for all of them.
Both are checked by `check_fields`, whose sentences are in content/console/coach_fields.yml. Called
by mobilis/coaches.py and by the console's pages.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mobilis.contact_details import is_address
from mobilis.content import CONTROL, LANGUAGES, Text, both_languages, is_https, read_yaml
from mobilis.errors import ImportRefused
from mobilis.exports import safe_cell
from mobilis.facets import FACETS
from mobilis.settings import ROOT
from mobilis.text import single_spaced

SENTENCES = "content/console/coach_fields.yml"
# A coach's fields, in the order of the file's columns and of the form.
COLUMNS = tuple("id name languages regions topics levels bio_fr bio_en url accepting email".split())
FIELDS = COLUMNS[1:]  # what may be edited: the id stays
MAY_LACK = ("email",)  # columns without which a file is read: what is known stays
LISTS = {"languages": "language", "regions": "region", "topics": "topic", "levels": "level"}
OPTIONAL = frozenset(("url", "email"))  # none in the table, when empty
BIOS = tuple(f"bio_{language}" for language in LANGUAGES)
TEXTS = tuple(name for name in COLUMNS if name not in (*LISTS, *BIOS, "accepting"))
ALL = "*"
LIMITS = {"id": 64, "name": 120, "bio_fr": 600, "bio_en": 600, "url": 300, "email": 254}
FILE_LIMIT = 2_000_000  # bytes
YES = frozenset(("yes", "oui", "true", "vrai", "1"))
NO = frozenset(("no", "non", "false", "faux", "0"))

Fields = Mapping[str, str]  # a coach as text: a value for each of COLUMNS but those of MAY_LACK
Row = dict[str, Any]  # a row of the table `coaches`

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class Problem:
    """Something about a coach that will not do: its sentence's key, the field, the file's line."""

    reason: str
    field: str = ""
    values: Mapping[str, Any] = MappingProxyType({})
    line: int = 0

    def say(self, language: str, names: Mapping[str, str] | None = None) -> str:
        """The sentence, with the field by the name that `names` give it, else by its column."""
        sentences = _sentences()
        name = (names or {}).get(self.field, self.field)
        said = sentences[self.reason][language].format(field=name, **self.values)
        if not self.line:
            return said
        return sentences["on_line"][language].format(line=self.line, problem=said)


@dataclass(frozen=True)
class Parsed:
    """What a file holds: its coaches, or what is wrong with it."""

    rows: list[Row]
    problems: list[Problem]


# Reading


def read_rows(path: Path) -> list[Row]:
    """The coaches of a CSV file as rows of the table `coaches`; there is at least one.

    Raises:
        ImportRefused: the file cannot be read or has bad rows; names every line and field.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise ImportRefused([f"{path}: {error.strerror}"]) from None
    if len(data) > FILE_LIMIT:
        raise ImportRefused([f"{path}: larger than {FILE_LIMIT} bytes"])
    parsed = parse(data)
    if parsed.problems:
        raise ImportRefused([problem.say("en") for problem in parsed.problems])
    return parsed.rows


def parse(data: bytes) -> Parsed:
    """The coaches of a CSV file, checked as a whole."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Parsed([], [Problem("not_utf8", line=line)])
    lines, problems = _lines(text)
    if problems:
        return Parsed([], problems)
    known: dict[str, int] = {}
    for line, fields in lines:
        for problem in check_fields(fields):
            problems.append(Problem(problem.reason, problem.field, problem.values, line))
        first = known.setdefault(fields["id"], line)
        if first != line and fields["id"]:
            values = {"value": _shown(fields["id"]), "first": first}
            problems.append(Problem("twice", "id", values, line))
    return Parsed([] if problems else [to_row(fields) for _, fields in lines], problems)


def _lines(text: str) -> tuple[list[tuple[int, Fields]], list[Problem]]:
    """The rows with the line each begins in, every column present, all spaces single."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, Fields]] = []
    problems: list[Problem] = []
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            cells = [_unguarded(single_spaced(cell)) for cell in cells]
            if not any(cells):
                pass
            elif not header:
                header = cells
                problems += _header_problems(line, header)
            elif len(cells) != len(header):
                counts = {"count": len(cells), "wanted": len(header)}
                problems.append(Problem("other_length", values=counts, line=line))
            else:
                rows.append((line, dict(zip(header, cells, strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem("not_csv", values={"why": str(error)}, line=line))
    if not problems and not rows:
        problems.append(Problem("no_coach"))
    return rows, problems


def _header_problems(line: int, header: Sequence[str]) -> Iterator[Problem]:
    if len(header) == 1 and ";" in header[0]:
        yield Problem("semicolons", line=line)
        return
    for column in COLUMNS:
        if column not in header and column not in MAY_LACK:
            yield Problem("column_missing", column, line=line)
    for position, column in enumerate(header):
        if column not in COLUMNS:
            yield Problem("column_unknown", values={"value": _shown(column)}, line=line)
        elif column in header[:position]:
            yield Problem("column_twice", column, line=line)


# The rules


def check_fields(fields: Fields) -> list[Problem]:
    """Everything about a coach's fields that will not do; empty when all is well."""
    return list(_problems(fields))


def _problems(fields: Fields) -> Iterator[Problem]:
    for column, limit in LIMITS.items():
        if len(fields.get(column, "")) > limit:
            yield Problem("too_long", column, {"limit": limit})
    for column, text in fields.items():
        if CONTROL.search(text):
            yield Problem("control", column)
        if column not in OPTIONAL and not text.strip("; "):
            yield Problem("empty", column)
    if fields["id"] and not _ID.fullmatch(fields["id"]):
        yield Problem("bad_id", "id")
    for column, facet in LISTS.items():
        for value in _parts(fields[column]):
            if value != ALL and value not in FACETS[facet]:
                yield Problem(f"not_a_{facet}", column, {"value": _shown(value)})
    if fields["url"] and not is_https(fields["url"]):
        yield Problem("not_https", "url")
    if fields.get("email") and not is_address(fields["email"]):
        yield Problem("not_address", "email")
    if fields["accepting"] and fields["accepting"].casefold() not in YES | NO:
        yield Problem("not_yes_or_no", "accepting")


def to_row(fields: Fields) -> Row:
    """Fields that are well as a row of the table, without what they lack."""
    chosen = {column: {*_parts(fields[column])} for column in LISTS}
    return {
        **{name: fields[name] or None for name in TEXTS if name in fields},
        **{
            column: [value for value in FACETS[facet] if {value, ALL} & chosen[column]]
            for column, facet in LISTS.items()
        },
        "bio": {language: fields[f"bio_{language}"] for language in LANGUAGES},
        "accepting": fields["accepting"].casefold() in YES,
    }


def to_fields(row: Mapping[str, Any]) -> dict[str, str]:
    """A row of the table as text: what `to_row` makes the same row of."""
    return {
        **{name: row[name] or "" for name in TEXTS},
        **{
            column: ALL if set(row[column]) >= set(FACETS[facet]) else ";".join(row[column])
            for column, facet in LISTS.items()
        },
        **{f"bio_{language}": row["bio"][language] for language in LANGUAGES},
        "accepting": "yes" if row["accepting"] else "no",
    }


# Writing


def write_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of the table as a CSV file, which imports back as it was."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        fields = to_fields(row)
        writer.writerow([_guarded(fields[column]) for column in COLUMNS])
    return text.getvalue()


def _guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `_unguarded` takes the apostrophe off."""
    return f"'{cell}" if _is_formula(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    bare = cell.lstrip("'")
    return safe_cell(bare) != bare


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _shown(text: str) -> str:
    """A field as it may stand in a problem: short and in one line."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


@lru_cache(maxsize=1)
def _sentences() -> Mapping[str, Text]:
    data = read_yaml(ROOT, SENTENCES)
    return {key: both_languages(SENTENCES, key, value) for key, value in data.items()}
