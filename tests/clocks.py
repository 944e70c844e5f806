"""A clock that tests set: what conversations do then happens at that moment."""

from __future__ import annotations

from datetime import datetime

import pytest
import talks

from mobilis import cases, conversations, leads, results, turns
from mobilis.dates import ZONE


class Clock:
    """`clock.set("2026-11-26 23:59")`, in Toronto's time; fold=1 is the second time of an hour that
    comes twice."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.moment = datetime(2026, 11, 26, 12, tzinfo=ZONE)
        for module in (cases, conversations, leads, results, turns, talks):
            patch.setattr(module, "now", lambda: self.moment)

    def set(self, here: str, fold: int = 0) -> datetime:
        self.moment = datetime.fromisoformat(here).replace(tzinfo=ZONE, fold=fold)
        return self.moment
