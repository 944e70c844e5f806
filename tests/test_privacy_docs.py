"""The privacy pages: both languages in step, and a register that leaves no table out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mobilis.models import metadata
from mobilis.settings import ROOT

PAIRS = ("privacy", "incident-template")
CODE = re.compile(r"`[^`\n]+`")


def page(name: str, language: str) -> str:
    suffix = ".fr.md" if language == "fr" else ".md"
    return Path(ROOT / "docs" / f"{name}{suffix}").read_text(encoding="utf-8")


def headings(text: str) -> list[int]:
    """The level of each heading."""
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


def tables(text: str) -> list[list[list[str]]]:
    """Each table as rows of cells, the line below its head left out."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [re.split(r"(?<!\\)\|", row)[1:-1] for row in table.splitlines() if "|---" not in row]
        for table in found
    ]


@pytest.mark.parametrize("name", PAIRS)
def test_both_languages_have_the_same_headings_lists_and_tables(name: str) -> None:
    french, english = page(name, "fr"), page(name, "en")
    assert headings(french) == headings(english)
    assert french.count("\n- ") == english.count("\n- ")
    for one, other in zip(tables(french), tables(english), strict=True):
        assert [len(row) for row in one] == [len(row) for row in other]


@pytest.mark.parametrize("name", PAIRS)
def test_both_languages_name_the_same_tables_settings_and_commands(name: str) -> None:
    for one, other in zip(tables(page(name, "fr")), tables(page(name, "en")), strict=True):
        for french, english in zip(one, other, strict=True):
            assert CODE.findall("".join(french)) == CODE.findall("".join(english))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_register_has_every_table_of_the_database(language: str) -> None:
    rows = tables(page("privacy", language))[0][1:]
    assert sorted(row[0].strip(" `") for row in rows) == sorted(metadata.tables)
    assert all(cell.strip() for row in rows for cell in row)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_incident_note_has_what_the_regulation_lists(language: str) -> None:
    text = page("incident-template", language)
    assert "A-2.1, r. 3.1" in text
    assert len(tables(text)[0]) == 1 + 9  # its eight points, the seventh in two
