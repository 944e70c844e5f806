"""Whole conversations, over HTTP, through real Rasa and a real database; on SQLite and PostgreSQL.

With --write-transcripts FOLDER, what was said is written as docs/transcripts/*.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import Stack

from mobilis.journeys import load_journey, play, to_markdown
from mobilis.settings import ROOT

FILES = sorted((ROOT / "tests" / "journeys").glob("*.yml"))
# The flows that write most, once more on PostgreSQL.
ON_POSTGRES = ("assessment_ready_by_buttons_fr", "declaration_happy_fr", "deletion_en")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_journey(path: Path, stack: Stack, request: pytest.FixtureRequest) -> None:
    transcript = play(load_journey(path), stack.base, stack)
    folder = request.config.getoption("--write-transcripts")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{path.stem}.md").write_text(to_markdown(transcript), encoding="utf-8")


@pytest.mark.parametrize("name", ON_POSTGRES)
def test_journey_on_postgres(name: str, stack_on_postgres: Stack) -> None:
    play(load_journey(ROOT / "tests" / "journeys" / f"{name}.yml"), stack_on_postgres.base)
