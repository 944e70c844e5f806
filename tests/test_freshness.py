"""Content files that have changed are seen within a second, and not looked at more often."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mobilis import freshness

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
        seen.append(freshness.load_fresh(lambda root, stamp: stamp, tmp_path, "content"))
    assert seen == [1.0, 1.0, 2.0, 3.0]
