"""From a visitor who was not understood to a new phrasing in the content, through the whole
assistant and its database."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select
from visitors import Visitor

from mobilis.cli import main
from mobilis.content import load_content
from mobilis.models import unhandled
from mobilis.phrasings import shelves
from mobilis.settings import ROOT
from mobilis.store import Database

# What could mean several things, or nothing: one of each at least is not understood.
VAGUE = (  # many, since what is too vague changes with what is learned
    *("paperwork", "documents", "approval", "your program", "details", "money and people"),
    *("registration forms", "government things", "what about the papers", "people in it"),
)
WITH_A_NUMBER = (
    "paperwork 514 555-0199",
    "the form 514 555-0199",
    "government things 514 555-0199",
    "people in it, 514 555-0199",
    "what about the papers 514 555-0199",
)
QUESTION = "How much does the coaching cost?"


def not_understood(database: Database, visitor: Visitor) -> list[Any]:
    query = select(unhandled).where(unhandled.c.conversation_id == visitor.id)
    with database.read() as connection:
        return list(connection.execute(query.order_by(unhandled.c.created_at)))


def said_until(
    visitor_in: Callable[..., Visitor], database: Database, texts: Iterable[str], *outcomes: str
) -> tuple[Visitor, str]:
    """A visitor whose message, the first of `texts` with such an outcome, was not understood."""
    for text in texts:
        visitor = visitor_in("en")
        visitor.hears(text)
        if [row for row in not_understood(database, visitor) if row.outcome in outcomes]:
            end = time.monotonic() + 60
            while not not_understood(database, visitor)[0].text:  # it is being masked
                assert time.monotonic() < end
                time.sleep(0.1)
            return visitor, text
    pytest.fail(f"every message was understood: {texts}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the content."""
    for name in ("faq", "content", "assessment", "data", "tests/evaluation"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name)
    shutil.copy(ROOT / "domain.yml", tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def export(
    kept: Database, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Path]:
    """Runs `mobilis learn export` on the database of the assistant; the file it wrote."""
    monkeypatch.setenv("DATABASE_URL", kept.url)
    monkeypatch.setenv("MOBILIS_PROJECT_DIR", str(project))

    def export() -> Path:
        path = tmp_path / "review.yml"
        assert main(["learn", "export", "--output", str(path)]) == 0
        return path

    return export


def entry_of(path: Path, text: str) -> dict[str, Any]:
    messages = yaml.safe_load(path.read_text(encoding="utf-8"))["messages"]
    return next(entry for entry in messages if entry["text"] == text)


def accept(path: Path, text: str) -> None:
    """What a reviewer does in an editor."""
    before, marker, after = path.read_text(encoding="utf-8").partition(f"- text: {text}\n")
    assert marker
    after = after.replace("accept: false", "accept: true", 1)
    path.write_text(before + marker + after, encoding="utf-8")


def test_what_a_visitor_picked_becomes_a_phrasing(
    visitor_in: Callable[..., Visitor],
    kept: Database,
    export: Callable[[], Path],
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    visitor, text = said_until(visitor_in, kept, VAGUE, "clarified")
    [asked] = [message for message in visitor.history() if message["kind"] == "clarify"]
    visitor.choose(asked["choices"][0]["id"])
    [row] = not_understood(kept, visitor)
    assert row.chosen == row.guesses[0]["label"]

    path = export()
    entry = entry_of(path, text)
    assert (entry["label"], entry["chosen"][row.chosen], entry["accept"]) == (row.chosen, 1, False)
    accept(path, text)
    assert main(["learn", "apply", str(path)]) == 0
    assert main(["content", "check"]) == 0
    capsys.readouterr()
    [shelf] = [s for s in shelves(project) if (s.label, s.language) == (row.chosen, "en")]
    assert shelf.phrasings[-1].text == text
    title = load_content(ROOT).title(row.chosen, "en")
    assert asked["choices"][0]["title"] == title


def test_what_was_said_next_is_told_and_no_detail_is(
    visitor_in: Callable[..., Visitor],
    kept: Database,
    export: Callable[[], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    visitor, text = said_until(visitor_in, kept, WITH_A_NUMBER, "lost", "clarified")
    visitor.hears(QUESTION)
    path = export()
    assert "555" not in path.read_text(encoding="utf-8")
    masked = text.replace("514 555-0199", "[téléphone]")
    entry = entry_of(path, masked)
    assert (entry["label"], entry["followed_by"]) == (None, {"faq/cost": 1})
    filled = path.read_text(encoding="utf-8").replace("  label:\n", "  label: faq/cost\n")
    path.write_text(filled, encoding="utf-8")
    accept(path, masked)
    capsys.readouterr()
    assert main(["learn", "apply", str(path)]) == 1
    assert "text still holds [téléphone]" in capsys.readouterr().err


def test_none_of_these_is_told_too(visitor_in: Callable[..., Visitor], kept: Database) -> None:
    visitor, _ = said_until(visitor_in, kept, VAGUE, "clarified")
    visitor.presses("/out_of_scope")
    assert [row.chosen for row in not_understood(kept, visitor)] == ["none"]
