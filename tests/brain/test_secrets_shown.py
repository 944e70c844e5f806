"""No secret is seen from outside of a process: neither among its arguments, nor in what it logs."""

from __future__ import annotations

from pathlib import Path

from fake_teams import PASSWORD
from fakes.slack import SIGNING_SECRET, Team


def test_no_process_has_one_among_its_arguments_nor_in_its_log(stack):
    made = (stack.settings.data_dir / "secret").read_text().strip()
    kept = (made, SIGNING_SECRET, Team.token, PASSWORD)
    assert len(made) > 30
    log = stack.log.read_text(encoding="utf-8", errors="replace")
    for pid in stack.pids().values():
        arguments = Path("/proc", str(pid), "cmdline").read_text(errors="replace")
        assert arguments
        for secret in kept:
            assert secret not in arguments and secret not in log
