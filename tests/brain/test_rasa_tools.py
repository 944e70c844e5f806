"""Rasa's own tools on this project: the data is valid, and the conversation tests pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mobilis.live import MODEL
from mobilis.settings import ROOT

pytestmark = pytest.mark.timeout(900)  # each run imports Rasa and reads all the data

CONVERSATIONS = ROOT / "tests" / "conversations"
_WARNING = re.compile(r"\bWARNING\b|\b\w*Warning\b", re.IGNORECASE)
# What the installed packages say of themselves, and of an entity evaluation that has no entities.
_NOT_OURS = re.compile(
    r"DeprecationWarning"
    r"|rasa\.model_testing +- No labels to evaluate\. Skip evaluation\."
    r"|Stories with prediction warnings written to"
    r"|stories_with_warnings\.yml"
)


def rasa(*arguments: str) -> str:
    """What a `rasa` command says, after it ended well."""
    environment = {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "rasa", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
    return ended.stdout


def warnings_in(said: str) -> list[str]:
    """The lines that warn, without those of `_NOT_OURS`."""
    lines = re.split(r"[\r\n]+", said)
    return [line for line in lines if _WARNING.search(line) and not _NOT_OURS.search(line)]


def test_warnings_are_found() -> None:
    assert warnings_in("a.py:1: UserWarning: x\n2026 WARNING  rasa.validator  - y\nfine") == [
        "a.py:1: UserWarning: x",
        "2026 WARNING  rasa.validator  - y",
    ]
    assert warnings_in("b.py:2: DeprecationWarning: z\nfine") == []


def test_data_is_valid_without_a_warning() -> None:
    assert warnings_in(rasa("data", "validate", "--fail-on-warnings")) == []


def test_conversations_go_as_written(tmp_path: Path) -> None:
    said = rasa(
        *("test", "core", "--e2e", "--fail-on-prediction-errors", "--no-plot"),
        *("--stories", str(CONVERSATIONS), "--model", str(MODEL), "--out", str(tmp_path)),
    )
    assert warnings_in(said) == []
    for name in ("failed_test_stories.yml", "stories_with_warnings.yml"):
        assert "story:" not in (tmp_path / name).read_text(encoding="utf-8")
    stories = sum(
        file.read_text(encoding="utf-8").count("  - story: ")
        for file in CONVERSATIONS.glob("test_*.yml")
    )
    assert f"Correct:          {stories} / {stories}" in said
