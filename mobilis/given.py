"""A text file that a person hands to a command: read as it is, or refused in one sentence."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

from mobilis.errors import FileRefused


def read_given(path: Path) -> str:
    """The text of a UTF-8 file, without the mark that some editors put before it.

    Raises:
        FileRefused: no such file, a directory, not UTF-8 (names the line), or nothing in it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileRefused(f"{path}: there is no such file") from None
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}") from None
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileRefused(f"{path}:{line}: the line is not UTF-8") from None
    if not text.strip():
        raise FileRefused(f"{path}: the file is empty")
    return text
