"""What runs is told by hashes that change with the files, and with nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mobilis import __version__
from mobilis.settings import ROOT
from mobilis.training import MODEL
from mobilis.versions import content_version, model_version, versions


def test_code_model_and_content_are_told_apart() -> None:
    told = versions(ROOT)
    assert told["version"] == __version__
    assert re.fullmatch(r"[0-9a-f]{12}", told["content"])
    assert re.fullmatch(r"[0-9a-f]{12}|none", told["model"])


def test_another_wording_is_another_content(tmp_path: Path) -> None:
    file = tmp_path / "content" / "wording.yml"
    file.parent.mkdir()
    file.write_text("a: 1")
    first = content_version(tmp_path)
    assert content_version(tmp_path) == first
    file.write_text("a: 2")
    os.utime(file, (1, 1))
    second = content_version(tmp_path)
    assert second != first
    os.utime(file, (2, 2))
    assert content_version(tmp_path) == second  # only touched
    file.rename(file.with_name("other.yml"))
    assert content_version(tmp_path) != second


def test_without_a_model_there_is_none(tmp_path: Path) -> None:
    assert model_version(tmp_path) == "none"
    path = tmp_path / MODEL
    path.parent.mkdir()
    path.write_bytes(b"model")
    assert len(model_version(tmp_path)) == 12
