"""Folders that are made once out of an installed package, and found again by every process."""

import tempfile
from collections.abc import Callable
from pathlib import Path


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, filled by `make` if it is not there yet: all or nothing, whoever comes first."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        half = Path(beside) / folder.name
        half.mkdir()
        make(half)
        try:
            half.rename(folder)
        except OSError:  # another process was faster
            if not folder.exists():
                raise
    return folder
