"""Secrets that come as files, and which secrets will not do once others can reach the front door.

No sentence here shows a secret, nor a part of one. Called by mobilis/settings.py alone.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mobilis.errors import SettingError

SHORTEST = 16  # characters of a secret that stands alone
SHORTEST_PASSWORD = 8  # of one in an address, which others may have chosen
FEWEST_KINDS = 5  # different characters
LARGEST = 65_536  # bytes of a file
# What stands in examples, without what is neither letter nor digit.
DEFAULTS = frozenset("admin mobilis postgres root secret test user".split())
PLACEHOLDERS = (
    *("changeme", "changethis", "replaceme", "password", "motdepasse", "placeholder", "example"),
    *("exemple", "yoursecret", "yourtoken", "mysecret", "topsecret", "insecure", "default"),
    *("12345678", "abcdefgh", "qwerty", "azerty", "letmein", "signingsecret", "xxxxxxxx"),
)


def named(variable: str) -> str:
    """The variable that names a secret's file."""
    return f"{variable}_FILE"


def read(
    given: Mapping[str, tuple[str, Path | None]], secrets: Sequence[str]
) -> tuple[dict[str, str], dict[str, Path]]:
    """The values, those of files read, and in which file each secret stands that is in one.

    Args:
        given: each variable's value, and the file it was itself read from, if any.
        secrets: the variables that may be files.

    Raises:
        SettingError: a secret is given twice, or its file cannot be read.
    """
    values = {variable: value for variable, (value, _) in given.items()}
    files = {v: path for v in secrets if v in given and values[v] and (path := given[v][1])}
    for variable in secrets:
        name = values.pop(named(variable), "")
        if not name:
            continue
        if values.get(variable):
            raise SettingError(f"{variable}: it is given twice, also as {named(variable)}")
        files[variable] = Path(name).expanduser()
        values[variable] = _text(named(variable), files[variable])
    return values, files


def _text(variable: str, path: Path) -> str:
    if not path.is_absolute():
        raise SettingError(f"{variable}: a path from the root (/…) is expected")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        text = content.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingError(f"{variable}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError(f"{variable}: {path} is not text in UTF-8") from None
    if len(content) > LARGEST or "\n" in text or "\0" in text:
        raise SettingError(f"{variable}: {path} holds more than one line with a secret")
    if not text:
        raise SettingError(f"{variable}: {path} is empty")
    return text


def check(variable: str, secret: str) -> None:
    """Refuse what anybody could guess. Of an address, that is its password.

    Raises:
        SettingError: it is too short, or looks like what stands in an example.
    """
    password = _password(secret) if "://" in secret else secret
    if not password:
        return
    shortest = SHORTEST if password is secret else SHORTEST_PASSWORD
    what = "" if password is secret else "the password in it: "
    if is_placeholder(password):
        raise SettingError(f"{variable}: {what}it looks like an example; put a random one")
    if len(password) < shortest:
        raise SettingError(f"{variable}: {what}at least {shortest} characters are expected")


def _password(address: str) -> str:
    try:
        return unquote(urlsplit(address).password or "")
    except ValueError:
        return ""  # no address at all, which is told by whoever uses it


def is_placeholder(secret: str) -> bool:
    """Whether it looks like a word to be replaced, or like one key held down."""
    bare = re.sub(r"[\W_]", "", secret.lower())
    return (
        bare in DEFAULTS
        or any(word in bare for word in PLACEHOLDERS)
        or len(set(secret)) < FEWEST_KINDS
    )


def check_readers(files: Mapping[str, Path]) -> None:
    """Refuse a secret in a file that every account of the machine can read.

    Raises:
        SettingError: it can.
    """
    for variable, path in files.items():
        if path.stat().st_mode & stat.S_IROTH:
            mend = f"chmod o-r {path}, or mount it with mode 0440"
            raise SettingError(f"{variable}: everybody on this machine can read {path}; {mend}")
