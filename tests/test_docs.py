"""The documents say what is there: commands, settings, links, paths and targets of make."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from functools import lru_cache
from pathlib import Path

import pytest

from mobilis.cli import _parser
from mobilis.settings import PREFIX, ROOT, SECRETS, Settings

README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
WRITTEN = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
MADE_PAGES = sorted((ROOT / "docs").glob("*/*.md"))  # by mobilis report and make transcripts
PAGES = [*WRITTEN, *MADE_PAGES]

# Made by commands, so not in a fresh clone.
MADE = (".venv", ".venv-door", "var", "models")
SUFFIXES = (".cfg", ".csv", ".lock", ".md", ".py", ".svg", ".toml", ".tsv", ".yml")

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", read(page))


def named(page: Path) -> list[str]:
    """What stands in backticks in the prose of a page."""
    return _CODE.findall(prose(page))


def commands(parser: argparse.ArgumentParser, name: str = "mobilis") -> Iterator[str]:
    """Every command of a parser that does something by itself: "mobilis content check"."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in below:
        for word, subparser in action.choices.items():
            yield from commands(subparser, f"{name} {word}")
    if not below or parser.get_default("command"):
        yield name


def anchor(heading: str) -> str:
    """The anchor that a heading gets where Markdown is shown."""
    kept = re.sub(r"[^\w\s-]", "", heading.strip().lower().replace("`", ""))
    return re.sub(r"\s", "-", kept)


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in _LINK.findall(prose(page)):
            if not re.match(r"[a-z]+:", target):
                yield page, target


def paths(page: Path) -> Iterator[str]:
    """What stands in backticks and looks like a file or a folder of the project."""
    for code in named(page):
        is_path = _PATH.fullmatch(code) and ("/" in code or code.endswith(SUFFIXES))
        if is_path and code.split("/")[0] not in MADE:
            yield code


def variable(field: Field) -> str:
    return "DATABASE_URL" if field.name == "database_url" else PREFIX + field.name.upper()


def settings_rows() -> dict[str, str]:
    """The table of the settings: variable → default as shown."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", read(SETTINGS), re.MULTILINE)
    return dict(rows)


def shown(default: object) -> str:
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


@pytest.mark.parametrize("command", commands(_parser()))
def test_every_command_is_documented(command):
    assert any(re.search(rf"{command}\b", read(page)) for page in PAGES)


def test_every_documented_command_exists():
    known = set(commands(_parser()))
    groups = {command.rpartition(" ")[0] for command in known}  # "mobilis content"
    said = {code for page in PAGES for code in named(page) if code.startswith("mobilis ")}
    unknown = {
        code for code in said - groups if not f"{code} ".startswith(tuple(f"{k} " for k in known))
    }
    assert unknown == set()


def test_every_target_of_make_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    said = {match for page in PAGES for match in re.findall(r"`make ([a-z]+)`", read(page))}
    assert said <= targets


@pytest.mark.parametrize(
    ("page", "target"),
    [pytest.param(*link, id=f"{link[0].name}-{link[1]}") for link in links()],
)
def test_every_relative_link_leads_somewhere(page, target):
    path, _, fragment = target.partition("#")
    found = (page.parent / path) if path else page
    assert found.exists(), f"{page.name}: {target}"
    if fragment:
        assert fragment in [anchor(heading) for heading in _HEADING.findall(prose(found))]


def test_every_image_says_what_it_shows():
    images = [alt for page in PAGES for alt in re.findall(r"!\[([^\]]*)\]\(", prose(page))]
    assert images
    assert all(len(alt) > 20 for alt in images)


@pytest.mark.parametrize("path", sorted(set(paths(README))))
def test_every_path_of_the_readme_is_there(path):
    assert any(ROOT.glob(path.rstrip("/")))


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_documented_with_its_default(field):
    rows = settings_rows()
    assert variable(field) in rows, "docs/settings.md: the setting has no row"
    if isinstance(field.default, int | float) or (field.default and field.type == "str"):
        assert rows[variable(field)] == shown(field.default)
    assert field.default is not MISSING


def test_no_setting_is_documented_that_does_not_exist():
    assert set(settings_rows()) == {variable(field) for field in fields(Settings)}
    known = {variable(field) for field in fields(Settings)}
    known |= {f"{name}_FILE" for name in SECRETS}
    said = {name for page in PAGES for name in re.findall(r"\bMOBILIS_[A-Z_]*[A-Z]\b", read(page))}
    assert said <= known


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_french_quotes_hold_no_break_spaces(page):
    assert re.findall(r"«(?![\u00a0])|(?<![\u00a0])»", read(page)) == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    wanted = {word for word in named(page) if re.fullmatch(r"test_\w+", word)}
    assert wanted <= all_tests(), page


def test_what_is_promised_of_the_platforms_names_tests() -> None:
    page = ROOT / "docs" / "platforms.md"
    rows = [line for line in prose(page).splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| expected")]
    assert len(promises) > 40
    assert [row for row in promises if "`test_" not in row] == []


@lru_cache(maxsize=1)
def all_tests() -> frozenset[str]:
    """The names of all tests."""
    found = (re.findall(r"^def (test_\w+)", read(p), re.M) for p in ROOT.glob("tests/**/test_*.py"))
    return frozenset(name for names in found for name in names)
