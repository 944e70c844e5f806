"""`mobilis bench widget` measures the widget on the whole assistant, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mobilis.settings import ROOT
from mobilis.widget_bench import MEASURES

pytestmark = pytest.mark.whole  # which it starts itself


def test_a_short_run_measures_every_wait() -> None:
    command = [sys.executable, "-m", "mobilis.cli", "bench", "widget", "--turns", "4", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["visits"] == 1
    for name in MEASURES:
        browser, bare = report["measures"][name]["browser"], report["measures"][name]["bare"]
        assert browser["p50"] > 1
        assert name == "own" or 0 < bare["p50"] < browser["p50"]
    assert [url.rpartition("/")[2] for url in report["page"]["requests"]] == ["widget.js"]
    assert report["page"]["layout_shift"] == 0
    assert all(target["holds"] for target in report["targets"][2:])  # those that are no speed
    assert report["machine"]["chromium"]
    assert ended.stderr.splitlines() == ["starting the assistant", "visit 1 of 1"]
