"""Content files that are read again once they have changed, so that a new wording needs no restart.

Actions and the context resolver ask here at every turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from mobilis.settings import ROOT

LOOK_SECONDS = 1.0  # how old what is known of the content files may be

T = TypeVar("T")


def load_fresh(load: Callable[[float], T], *folders: str) -> T:
    """What `load` gave last, or gives now when a file of `folders` has changed since. It is looked
    once in `LOOK_SECONDS`; `load` remembers its last answer (`lru_cache`)."""
    return load(_changed(folders, int(time.monotonic() / LOOK_SECONDS)))


@lru_cache(maxsize=8)
def _changed(folders: tuple[str, ...], moment: int) -> float:
    """When the newest file of `folders` was changed, as seen at a moment."""
    return max(file.stat().st_mtime for name in folders for file in (ROOT / name).iterdir())
