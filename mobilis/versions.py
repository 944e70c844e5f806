"""What exactly is running: the version of the code, of the model, and of the content files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from mobilis import __version__
from mobilis.training import MODEL

CONTENT = ("content/**/*.yml", "faq/*.yml", "assessment/*.yml", "data/*.yml", "domain.yml")
SHOWN = 12  # digits of a hash
NONE = "none"


def versions(root: Path) -> dict[str, str]:
    """`version` of the code; `model` and `content`, hashes of the files below `root`."""
    return {
        "version": __version__,
        "model": model_version(root),
        "content": content_version(root),
    }


def model_version(root: Path) -> str:
    """A hash of the trained model; "none" where there is none."""
    path = root / MODEL
    return _hash((path,), path.stat().st_mtime) if path.is_file() else NONE


def content_version(root: Path) -> str:
    """A hash of what people write: answers, wordings, questions, phrasings, dialogue."""
    found = tuple(sorted({path for pattern in CONTENT for path in root.glob(pattern)}))
    return _hash(found, max((path.stat().st_mtime for path in found), default=0.0))


@lru_cache(maxsize=4)
def _hash(paths: tuple[Path, ...], stamp: float) -> str:
    """A hash of files, whose newest is of `stamp`."""
    made = hashlib.sha256()
    for path in paths:
        made.update(path.name.encode() + b"\0" + path.read_bytes())
    return made.hexdigest()[:SHOWN]
