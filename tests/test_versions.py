"""Names of what is live: of a model's file, of the content files, of the code."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from mobilis import freshness, versions
from mobilis.cli import main
from mobilis.settings import ROOT
from mobilis.versions import code_version, content_problem, content_version, model_version


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the content, and a clock by which each look is a second after the last."""
    for name in ("faq", "content", "assessment"):
        shutil.copytree(ROOT / name, tmp_path / name)
    seconds = iter(range(10**6))
    monkeypatch.setattr(freshness.time, "monotonic", lambda: float(next(seconds)))
    return tmp_path


def test_the_content_has_another_version_when_a_file_has_changed(root: Path) -> None:
    first = content_version(root)
    assert first == content_version(root)
    file = root / "faq" / "cost.yml"
    kept = file.read_bytes()
    file.write_bytes(kept + b"\n# another word\n")
    assert content_version(root) != first
    file.write_bytes(kept)
    assert content_version(root) == first
    assert content_problem(root) is None


def test_a_wrong_file_keeps_the_version_and_is_named(root: Path) -> None:
    first = content_version(root)
    file = root / "assessment" / "readiness.yml"
    kept = file.read_bytes()
    file.write_bytes(kept[: len(kept) // 2])  # an editor that was cut off
    assert content_version(root) == first
    problem = content_problem(root)
    assert problem and problem.startswith("assessment/readiness.yml: ")
    file.write_bytes(kept)
    assert content_problem(root) is None


def test_content_that_was_never_right_has_no_version(root: Path) -> None:
    (root / "content" / "choices.yml").write_text("{")
    assert content_version(root) is None
    assert str(content_problem(root)).startswith("content/choices.yml: not valid YAML")


def model(path: Path, name: str, text: str) -> Path:
    file = path.parent / "file"
    file.write_text(text)
    with tarfile.open(path, "w:gz") as tar:
        tar.add(file, name)
    return path


def test_a_model_is_called_by_the_id_of_its_training(tmp_path: Path) -> None:
    path = tmp_path / "m.tar.gz"
    told = json.dumps({"model_id": "0123456789abcdef"})
    assert model_version(model(path, "./metadata.json", told)) == "0123456789ab"


def test_what_is_no_model_has_no_version(tmp_path: Path) -> None:
    path = tmp_path / "m.tar.gz"
    assert model_version(path) is None
    path.write_bytes(b"no model")
    assert model_version(path) is None
    for name, text in (("other", "{}"), ("metadata.json", "{}"), ("metadata.json", "{")):
        assert model_version(model(path, name, text)) is None


def test_the_code_is_called_by_its_release_and_its_files() -> None:
    assert code_version().startswith("0.1.0+")
    assert len(code_version()) == len("0.1.0+") + versions.LENGTH


def test_the_command_says_what_is_here_when_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MOBILIS_BRAIN_PORT", "9")
    assert main(["versions"]) == 0
    said = capsys.readouterr().out
    assert "live:  nothing answers here" in said
    assert f"code {code_version()}" in said
    assert main(["migrate"]) == 0
    capsys.readouterr()
    assert main(["versions", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["live"], told["answered"], told["content_problem"]) == (None, [], None)
    assert told["here"]["content"] == content_version(ROOT)
