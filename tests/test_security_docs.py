"""docs/security.md says what is there: every test that it names exists, its figures are true."""

from __future__ import annotations

import ast
import re

import pytest

from mobilis.settings import ROOT
from mobilis.web import guard, headers, limits, server
from mobilis.web.console import gate

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs" / "security.svg").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", PAGE)))


def rows(section: str) -> list[list[str]]:
    lines = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def tried() -> list[list[str]]:
    return rows(PAGE.partition("<!-- tried -->")[2].partition("<!-- /tried -->")[0])


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_is_named_exists(name: str) -> None:
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert any(name.startswith("test_") for name in functions)
    assert not function or function in functions


def test_every_row_says_what_was_tried_how_often_what_was_lost_and_how_to_see_it() -> None:
    assert len(tried()) > 25
    for boundary, threat, what, often, lost, shown in tried():
        assert threat and what and often and lost, threat
        assert re.fullmatch(r"[1-8](–8)?", boundary), threat
        assert re.search(r"`(tests/|make |mobilis )", shown), threat
        assert lost.startswith(("0", "not asked yet")), threat


def test_every_boundary_is_in_the_picture_and_was_tried() -> None:
    table = PAGE.partition("## Boundaries")[2].partition("\n## ")[0]
    numbered = [row[0] for row in rows(table)]
    assert numbered == [str(number) for number in range(1, 9)]
    assert {row[0][0] for row in tried()} == set(numbered)
    assert re.findall(r">(\d)</text>", PICTURE) == numbered


def test_the_figures_of_the_limits_are_those_of_the_code() -> None:
    for said in (
        f"{server.HEAD_SECONDS:.0f} s and {guard.LARGEST_HEAD // 1024} kB until its head",
        f"{gate.BODY_SECONDS:.0f} s and `MOBILIS_BODY_LIMIT`",
        f"a whole /{limits.WIDE} for {('seven', 'eight', 'nine')[limits.WIDE_TIMES - 7]} of them",
    ):
        assert said in PAGE, said


def test_every_header_is_named() -> None:
    for name in (*headers.ALWAYS, "Strict-Transport-Security", "Cache-Control"):
        assert f"`{name}`" in PAGE, name
