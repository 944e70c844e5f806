"""The CSV file of the coach directory: read and checked as a whole, for mobilis/coaches.py.

One coach a line; several values of a field are separated by `;`, and `*` stands for all of them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mobilis.content import LANGUAGES
from mobilis.errors import ImportRefused
from mobilis.facets import FACETS
from mobilis.leads import is_address

COLUMNS = tuple("id name languages regions topics levels bio_fr bio_en url accepting".split())
OPTIONAL = ("email",)  # a file may lack it: what is known stays
LISTS = {"languages": "language", "regions": "region", "topics": "topic", "levels": "level"}
MAY_BE_EMPTY = ("url", *OPTIONAL)
ALL = "*"
LIMITS = {"id": 64, "name": 120, "bio_fr": 600, "bio_en": 600, "url": 300, "email": 254}
FILE_LIMIT = 2_000_000  # bytes
YES = frozenset(("yes", "oui", "true", "vrai", "1"))
NO = frozenset(("no", "non", "false", "faux", "0"))

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SPACES = re.compile(r"[ \t\r\n]+")  # a no-break space stays
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The coaches of a CSV file as rows of the table `coaches`; there is at least one.

    Raises:
        ImportRefused: the file cannot be read or has bad rows; names every line and field.
    """
    problems: list[str] = []
    lines: dict[str, int] = {}
    rows = _rows(path)
    for line, row in rows:
        problems += [f"line {line}: {problem}" for problem in _row_problems(row)]
        known = lines.setdefault(row["id"], line)
        if known != line and row["id"]:
            problems.append(f"line {line}: id {_shown(row['id'])} stands in line {known} already")
    if problems:
        raise ImportRefused(problems)
    return [_table_row(row) for _, row in rows]


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows with the line each begins in, every column present, all spaces single."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    problems: list[str] = []
    header: list[str] = []
    line = 1
    try:
        for fields in reader:
            fields = [_SPACES.sub(" ", field).strip() for field in fields]
            if not any(fields):
                pass
            elif not header:
                header = fields
                problems += _header_problems(line, header)
            elif len(fields) != len(header):
                count = f"{len(fields)} fields instead of {len(header)}"
                problems.append(f"line {line}: {count}; put quotes around a text with a comma")
            else:
                rows.append((line, dict(zip(header, fields, strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"line {line}: not CSV: {error}")
    if not problems and not rows:
        problems.append("the file holds no coach")
    if problems:
        raise ImportRefused(problems)
    return rows


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise ImportRefused([f"{path}: {error.strerror}"]) from None
    if len(data) > FILE_LIMIT:
        raise ImportRefused([f"{path}: larger than {FILE_LIMIT} bytes"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"line {line}: not UTF-8; save the file as « CSV UTF-8 »"
        raise ImportRefused([problem]) from None


def _header_problems(line: int, header: Sequence[str]) -> Iterator[str]:
    if len(header) == 1 and ";" in header[0]:
        yield f"line {line}: separate the columns with commas, not semicolons"
        return
    for column in COLUMNS:
        if column not in header:
            yield f"line {line}: the column {column} is missing"
    for position, column in enumerate(header):
        if column not in (*COLUMNS, *OPTIONAL):
            yield f"line {line}: {_shown(column)} is not a column"
        elif column in header[:position]:
            yield f"line {line}: the column {column} stands there twice"


def _row_problems(row: Mapping[str, str]) -> Iterator[str]:
    for column, limit in LIMITS.items():
        if len(row.get(column, "")) > limit:
            yield f"{column} is longer than {limit} characters"
    for column, text in row.items():
        if _CONTROL.search(text):
            yield f"{column} holds a control character"
        if column not in MAY_BE_EMPTY and not text.strip("; "):
            yield f"{column} is empty"
    if row["id"] and not _ID.fullmatch(row["id"]):
        yield "id may only have a-z, 0-9 and single hyphens"
    for column, facet in LISTS.items():
        for value in _parts(row[column]):
            if value != ALL and value not in FACETS[facet]:
                yield f"{column}: {_shown(value)} is not a {facet}"
    if row["url"] and not _is_https(row["url"]):
        yield "url must start with https:// and name a site"
    if row.get("email") and not is_address(row["email"]):
        yield "email must be one address, such as name@example.org"
    if row["accepting"] and row["accepting"].casefold() not in YES | NO:
        yield "accepting must be yes or no"


def _table_row(row: Mapping[str, str]) -> dict[str, Any]:
    chosen = {column: {*_parts(row[column])} for column in LISTS}
    return {
        "id": row["id"],
        "name": row["name"],
        **{
            column: [value for value in FACETS[facet] if {value, ALL} & chosen[column]]
            for column, facet in LISTS.items()
        },
        "bio": {language: row[f"bio_{language}"] for language in LANGUAGES},
        "url": row["url"] or None,
        "accepting": row["accepting"].casefold() in YES,
        **({"email": row["email"] or None} if "email" in row else {}),
    }


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not re.search(r"\s", url)


def _shown(text: str) -> str:
    """A field as it may stand in a problem: short and in one line."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
