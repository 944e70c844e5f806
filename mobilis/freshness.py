"""Content files that are read again once they have changed, so that a new wording needs no restart.

Actions, the context resolver and the front door's pages ask here at every turn or page. A file
that is wrong, or half written, changes nothing: what was read last stays until it is mended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from mobilis.errors import ContentError

LOOK_SECONDS = 1.0  # how old what is known of the content files may be

T = TypeVar("T")

logger = logging.getLogger(__name__)

_kept: dict[tuple[Any, Path], Any] = {}  # what was read last and was right
# Since then: at which stamp, what is wrong, and in which folders it is looked.
_wrong: dict[tuple[Any, Path], tuple[int, str, tuple[str, ...]]] = {}


def load_fresh(load: Callable[[Path, float], T], root: Path, *folders: str) -> T:
    """What `load` gave last, or gives now when a file of `folders` has changed since. It is looked
    once in `LOOK_SECONDS`; `load` remembers its last answer (`lru_cache`).

    Raises:
        ContentError: a file is wrong, and none of this process's life was right.
    """
    key = (load, root)
    stamp = _changed(root, folders, int(time.monotonic() / LOOK_SECONDS))
    if key in _kept and key in _wrong and _wrong[key][0] == stamp:
        kept: T = _kept[key]
        return kept
    _wrong.pop(key, None)
    try:
        _kept[key] = load(root, stamp)
    except ContentError as error:
        _wrong[key] = (stamp, str(error), folders)
        if key not in _kept:
            raise
        logger.error("the content stays as it was: %s", error)
    found: T = _kept[key]
    return found


def problem_below(root: Path) -> str | None:
    """What is wrong now with a content file below `root` that this process has asked for, as a
    sentence that names the file and the field; None when nothing is."""
    for (load, where), (_, _, folders) in list(_wrong.items()):
        if where == root:
            with suppress(ContentError):
                load_fresh(load, where, *folders)  # mended since, and not asked for again
    return next((told for (_, where), (_, told, _) in _wrong.items() if where == root), None)


@lru_cache(maxsize=8)
def _changed(root: Path, folders: tuple[str, ...], moment: int) -> int:
    """A number that is another one when a file of `folders` came, went or was changed, as seen at
    a moment."""
    seen = []
    for name in folders:
        for file in (root / name).iterdir():
            try:
                stat = file.stat()
            except FileNotFoundError:  # an editor's own, gone since
                continue
            seen.append((str(file), stat.st_mtime_ns, stat.st_size))
    return hash(tuple(sorted(seen)))
