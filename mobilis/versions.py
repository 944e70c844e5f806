"""What is live: the model, the content files and the code, each by a short name.

Every message of the assistant is kept with the three that said it (mobilis/turns.py); backups name
them, the console shows them, and `mobilis versions` counts them.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from mobilis import __version__
from mobilis.assessment import fresh_assessment
from mobilis.content import fresh_content
from mobilis.errors import ContentError
from mobilis.facets import fresh_vocabulary
from mobilis.freshness import load_fresh, problem_below
from mobilis.live import MODEL
from mobilis.models import outbox
from mobilis.settings import ROOT

LENGTH = 12  # characters of a version
READ_AT_RUN_TIME = ("faq/*.yml", "content/*.yml", "assessment/*.yml")
CODE = ("mobilis/**/*.py", "actions/*.py")
METADATA = "metadata.json"  # of a model of Rasa's


@dataclass(frozen=True)
class Versions:
    """The names of the three; None where one is not known."""

    model: str | None = None
    content: str | None = None
    code: str | None = None


UNKNOWN = Versions()


@dataclass(frozen=True)
class Used:
    """Three versions that answered together: how many messages, the first and the last of them."""

    versions: Versions
    messages: int
    first: str
    last: str


@lru_cache(maxsize=1)
def code_version() -> str:
    """The code that this process runs: its release, and a digest of its files."""
    return f"{__version__}+{_digest(ROOT, CODE)}"


def content_version(root: Path) -> str | None:
    """The content files that are read at run time, as they were last when none was wrong; None
    when one was wrong since this process began."""
    try:
        return load_fresh(_content_version, root, "faq", "content", "assessment")
    except ContentError:
        return None


@lru_cache(maxsize=1)
def _content_version(root: Path, stamp: float) -> str:
    fresh_content(root), fresh_assessment(root), fresh_vocabulary(root)
    problem = problem_below(root)
    if problem:
        raise ContentError(problem)
    return _digest(root, READ_AT_RUN_TIME)


def content_problem(root: Path) -> str | None:
    """Why not all content files are in use as they are now, as a sentence; None when all are."""
    content_version(root)
    return problem_below(root)


def short(model: str) -> str:
    """How a model is called here, of the id that Rasa gave it when it was trained."""
    return model[:LENGTH]


def model_version(path: Path) -> str | None:
    """The version of the model in a file; None when there is none, or it is no model."""
    try:
        return _model_version(path, path.stat().st_mtime)
    except OSError:
        return None


@lru_cache(maxsize=4)
def _model_version(path: Path, stamp: float) -> str | None:
    """The version of a file that was changed at `stamp`."""
    try:
        with tarfile.open(path) as model:
            for member in model:
                if member.name.strip("./") == METADATA:
                    file = model.extractfile(member)
                    return short(str(json.load(file)["model_id"])) if file else None
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError):
        return None
    return None


def here(root: Path) -> Versions:
    """The versions of the files below `root`, which processes that started earlier may not run."""
    return Versions(model_version(root / MODEL), content_version(root), code_version())


def said_by(connection: Connection, conversation_id: str) -> dict[str, Versions]:
    """What said each message of the assistant in a conversation, by its id, where it is known."""
    three = (outbox.c.by_model, outbox.c.by_content, outbox.c.by_code)
    query = select(outbox.c.id, *three).where(
        outbox.c.conversation_id == conversation_id, outbox.c.by_code.is_not(None)
    )
    return {row[0]: Versions(*row[1:]) for row in connection.execute(query)}


def used(connection: Connection, most: int = 20) -> list[Used]:
    """Which versions answered, the latest first."""
    three = (outbox.c.by_model, outbox.c.by_content, outbox.c.by_code)
    latest = func.max(outbox.c.at)
    counts = (func.count(), func.min(outbox.c.at), latest)
    query = select(*three, *counts).where(outbox.c.by_code.is_not(None)).group_by(*three)
    rows = connection.execute(query.order_by(latest.desc()).limit(most)).all()
    return [
        Used(Versions(*row[:3]), row[3], row[4].isoformat(), row[5].isoformat()) for row in rows
    ]


def _digest(root: Path, patterns: Iterable[str]) -> str:
    """A digest of files and their names. Ends of lines are those of the file."""
    found = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
        found.update(f"{path.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:LENGTH]
