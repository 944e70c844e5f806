"""Content files that have changed are seen within a second, and not looked at more often."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mobilis import freshness
from mobilis.errors import ContentError

pytestmark = pytest.mark.pure


def test_a_change_of_the_content_is_seen_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(freshness.time, "monotonic", lambda: clock[0])
    (tmp_path / "content").mkdir()
    file = tmp_path / "content" / "wording.yml"
    seen = []
    for moment, changed in ((1000.0, 1.0), (1000.9, 2.0), (1001.9, 2.0), (1002.0, 3.0)):
        file.write_text("…")
        os.utime(file, (changed, changed))
        clock[0] = moment
        seen.append(freshness.load_fresh(_stamp, tmp_path, "content"))
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


def _stamp(root: Path, stamp: float) -> float:
    return stamp


class Reader:
    """Reads a file of content, whose word must not be "wrong"."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.reads, self.clock = root, 0, 1000.0
        monkeypatch.setattr(freshness.time, "monotonic", lambda: self.clock)
        (root / "content").mkdir()

    def load(self, root: Path, stamp: float) -> str:
        self.reads += 1
        word = (root / "content" / "a.yml").read_text()
        if word == "wrong":
            raise ContentError("content/a.yml: it is wrong")
        return word

    def asked(self, word: str | None = None) -> str:
        if word is not None:
            (self.root / "content" / "a.yml").write_text(word)
        self.clock += 1
        return freshness.load_fresh(self.load, self.root, "content")


def test_a_file_that_is_wrong_changes_nothing_until_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(tmp_path, monkeypatch)
    load = reader.load
    monkeypatch.setattr(reader, "load", load)  # the same function each time
    assert reader.asked("good") == "good"
    assert freshness.problem_below(tmp_path) is None
    for _ in range(3):
        assert reader.asked("wrong") == "good"
    assert freshness.problem_below(tmp_path) == "content/a.yml: it is wrong"
    reads = reader.reads
    for _ in range(3):
        assert reader.asked() == "good"
    assert reader.reads == reads  # it is not read again until it is another one
    assert "the content stays as it was: content/a.yml: it is wrong" in caplog.text
    assert reader.asked("better") == "better"
    assert freshness.problem_below(tmp_path) is None


def test_what_was_never_right_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(tmp_path, monkeypatch)
    for _ in range(2):
        with pytest.raises(ContentError, match="it is wrong"):
            reader.asked("wrong")
    assert freshness.problem_below(tmp_path) == "content/a.yml: it is wrong"
    assert reader.asked("good") == "good"


def test_a_file_that_goes_or_gets_its_old_time_back_is_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(tmp_path, monkeypatch)
    other = tmp_path / "content" / "b.yml"
    other.write_text("b")
    assert reader.asked("first") == "first"
    old = (tmp_path / "content" / "a.yml").stat()
    assert reader.asked("other") == "other"
    (tmp_path / "content" / "a.yml").write_text("first")
    os.utime(tmp_path / "content" / "a.yml", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert reader.asked() == "first"
    reads = reader.reads
    other.unlink()
    reader.asked()
    assert reader.reads == reads + 1


def test_a_file_that_goes_while_it_is_looked_at_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(tmp_path, monkeypatch)
    (tmp_path / "content" / ".editing").symlink_to(tmp_path / "nothing")
    assert reader.asked("good") == "good"


def test_what_was_mended_is_no_problem_although_nobody_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(tmp_path, monkeypatch)
    reader.asked("good")
    reader.asked("wrong")
    assert freshness.problem_below(tmp_path) == "content/a.yml: it is wrong"
    (tmp_path / "content" / "a.yml").write_text("good")
    reader.clock += 1
    assert freshness.problem_below(tmp_path) is None
