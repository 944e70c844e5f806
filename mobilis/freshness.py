"""Content files that are read again once they have changed, so that a new wording needs no restart.

Actions, the context resolver and the front door's pages ask here at every turn or page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

LOOK_SECONDS = 1.0  # how old what is known of the content files may be

T = TypeVar("T")


def load_fresh(load: Callable[[Path, float], T], root: Path, *folders: str) -> T:
    """What `load` gave last, or gives now when a file of `folders` has changed since. It is looked
    once in `LOOK_SECONDS`; `load` remembers its last answer (`lru_cache`)."""
    return load(root, _changed(root, folders, int(time.monotonic() / LOOK_SECONDS)))


@lru_cache(maxsize=8)
def _changed(root: Path, folders: tuple[str, ...], moment: int) -> float:
    """When the newest file of `folders` was changed, as seen at a moment."""
    return max(file.stat().st_mtime for name in folders for file in (root / name).iterdir())
