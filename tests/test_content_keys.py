"""The names of sentences that code asks for are those that the content check expects."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from mobilis.content_keys import NOTICES, STEPS, WORDING
from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

SOURCES = [*(ROOT / "actions").glob("*.py"), ROOT / "mobilis" / "brain" / "action.py"]
NODES = [
    node
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))
]


def texts() -> set[str]:
    """Every text in the source of the actions."""
    found = (node.value for node in NODES if isinstance(node, ast.Constant))
    return {text for text in found if isinstance(text, str)}


def patterns() -> list[re.Pattern[str]]:
    """What the texts with {…} in that source may become."""
    return [
        re.compile(
            "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
                for part in node.values
            )
        )
        for node in NODES
        if isinstance(node, ast.JoinedStr) and len(node.values) > 1
    ]


@pytest.mark.parametrize("names", [WORDING, STEPS, NOTICES])
def test_every_name_is_asked_for(names: frozenset[str]) -> None:
    said = texts()
    left = {name for name in names if name not in said}
    made = {name for name in left if any(p.fullmatch(name) for p in patterns())}
    assert left - made == set()


def asked(method: str) -> Iterator[str]:
    """The names given to a method of `Turn`, as far as they stand there."""
    for node in NODES:
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if called and node.func.attr == method and node.args:
            name = node.args[0]
            parts = [name.body, name.orelse] if isinstance(name, ast.IfExp) else [name]
            yield from (str(part.value) for part in parts if isinstance(part, ast.Constant))


def test_every_name_that_is_asked_for_is_expected() -> None:
    assert {*asked("respond"), *asked("wording")} <= WORDING
    assert set(asked("titled")) <= STEPS
    assert len({*asked("respond")}) > 20
