"""A backup's file: a tar of named parts behind a manifest, and a line with the digest of it all.

With a key the whole is a file of age (https://age-encryption.org/v1), which shows by itself when it
was cut, changed or put together anew; `age -d -i KEY FILE | tar x` opens it without us. Nothing is
under its final name before it is whole, and nothing of a file is used before all of it was checked.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage

from mobilis.errors import BackupRefused

FORMAT = 1
MANIFEST = "manifest.json"
AGE = b"age-encryption.org/"
PUBLIC, SECRET = "age1", "AGE-SECRET-KEY-"
DIGEST_LINE = b"\nmobilis-sha256 %s\n"
DIGEST_LENGTH = len(DIGEST_LINE % (b"0" * 64))
WORKSHOP = ".mobilis-work-"
PIECE = 1 << 20  # bytes read at once

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Key:
    """What a key's file holds: for whom to seal, and what opens. The public half alone seals."""

    path: Path
    public: tuple[Any, ...]
    secret: tuple[Any, ...]


@dataclass(frozen=True)
class Opened:
    """A backup that was checked whole: its manifest, and its parts as files of a folder."""

    manifest: Mapping[str, Any]
    parts: Mapping[str, Path]


def read_key(path: Path) -> Key:
    """The key of a file, as `make_key` or age-keygen wrote it.

    Raises:
        BackupRefused: it cannot be read, or holds no key.
    """
    public, secret = [], []
    with told(path):
        lines = path.read_text(encoding="utf-8", errors="replace").split()
    try:
        for word in lines:
            if word.startswith(SECRET):
                secret.append(pyrage.x25519.Identity.from_str(word))
            elif word.startswith(PUBLIC):
                public.append(pyrage.x25519.Recipient.from_str(word))
    except (pyrage.IdentityError, pyrage.RecipientError):
        raise BackupRefused(f"{path}: the key in it is broken") from None
    if not public and not secret:
        raise BackupRefused(f"{path}: there is no key in it (make one with: mobilis backup key)")
    public = [identity.to_public() for identity in secret] or public
    return Key(path, tuple(public), tuple(secret))


def make_key(path: Path) -> str:
    """Write a new key to a new file, for its owner alone; its public half, which may be known.

    Raises:
        BackupRefused: there is such a file already, or it cannot be written.
    """
    key = pyrage.x25519.Identity.generate()
    text = f"# public key: {key.to_public()}\n{key}\n"
    with told(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    return str(key.to_public())


def write(
    target: Path,
    parts: Mapping[str, Path],
    manifest: Mapping[str, Any],
    key: Key | None,
    work: Path,
) -> dict[str, Any]:
    """Make the file `target` of these parts, in the order given; its whole manifest.

    Args:
        work: a folder of our own, for what is not sealed yet.

    Raises:
        BackupRefused: `target` cannot be written, or is there already.
    """
    if target.exists():
        raise BackupRefused(f"{target}: there is such a file already")
    listed = {name: _measured(path) for name, path in parts.items()}
    whole = {**manifest, "format": FORMAT, "encrypted": key is not None, "parts": listed}
    half = target.with_name(f".{target.name}.half")
    try:
        with told(target.parent), _new(half) as file:
            if key is None:
                _pack(file, parts, whole)
            else:
                _seal(file, parts, whole, key, work)
            file.flush()
            os.fsync(file.fileno())
        with told(target.parent):
            half.rename(target)
            _keep_names(target.parent)
    finally:
        half.unlink(missing_ok=True)
    return whole


def open_file(path: Path, key: Key | None, work: Path) -> Opened:
    """Check a backup whole and take its parts out, into the folder `work`.

    Raises:
        BackupRefused: it is none, was cut or changed, or the key is missing or another one.
    """
    with told(path):
        sealed = _starts_with(path, AGE)
    plain = path
    if sealed:
        if key is None:
            raise BackupRefused(f"{path}: it is encrypted: --key-file is needed")
        plain = work / "plain"
        _unseal(path, plain, key)
    _check_digest(path, plain)
    opened = _unpack(path, plain, work)
    if sealed:
        plain.unlink()
    return opened


@contextmanager
def workshop(beside: Path) -> Iterator[Path]:
    """A folder of our own in `beside`, for us alone, gone afterwards. Those of processes that were
    killed go too: what is in them is not sealed."""
    with told(beside):
        beside.mkdir(parents=True, exist_ok=True)
        for left in beside.glob(f"{WORKSHOP}*"):
            _remove_unheld(left)
        folder = Path(tempfile.mkdtemp(prefix=WORKSHOP, dir=beside))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _remove_unheld(folder: Path) -> None:
    with suppress(OSError):  # gone since, or not ours
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the system refuses, as a sentence about `path`."""
    try:
        yield
    except OSError as error:
        raise BackupRefused(f"{error.filename or path}: {error.strerror or error}") from None


@contextmanager
def _new(path: Path) -> Iterator[IO[bytes]]:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _keep_names(folder: Path) -> None:
    """Have the disk know the names of a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Digested(io.RawIOBase):
    """Writes to a file and digests what it writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.file.write(data)
        return len(data)


class _Heeded:
    """Writes to a file; what the system refuses is kept, since age tells it as a text."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.refused: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        self.file.flush()


def _pack(file: IO[bytes], parts: Mapping[str, Path], manifest: Mapping[str, Any]) -> None:
    digested = _Digested(file)
    text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    with tarfile.open(fileobj=digested, mode="w|") as tar:
        tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        for name, path in parts.items():
            with path.open("rb") as part:
                tar.addfile(_member(name, path.stat().st_size), part)
    file.write(DIGEST_LINE % digested.digest.hexdigest().encode())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _seal(
    file: IO[bytes], parts: Mapping[str, Path], manifest: Mapping[str, Any], key: Key, work: Path
) -> None:
    plain = work / "plain"
    with told(work), _new(plain) as packed:
        _pack(packed, parts, manifest)
    heeded = _Heeded(file)
    try:
        with plain.open("rb") as packed:
            pyrage.encrypt_io(packed, heeded, list(key.public))
    except (pyrage.EncryptError, OSError):
        if heeded.refused is None:
            raise
        raise heeded.refused from None
    finally:
        plain.unlink()


def _unseal(path: Path, plain: Path, key: Key) -> None:
    if not key.secret:
        raise BackupRefused(f"{key.path}: it holds the public half of a key, which does not open")
    try:
        with path.open("rb") as sealed, told(plain.parent), _new(plain) as file:
            heeded = _Heeded(file)
            try:
                pyrage.decrypt_io(sealed, heeded, list(key.secret))
            except OSError:
                if heeded.refused:
                    raise heeded.refused from None
                raise BackupRefused(f"{path}: it was cut or changed") from None
    except pyrage.DecryptError as error:
        if "matching keys" in str(error):
            why = f"the key of {key.path} does not open it, or its first lines were changed"
            raise BackupRefused(f"{path}: {why}") from None
        raise BackupRefused(f"{path}: it was cut or changed") from None


def _check_digest(path: Path, plain: Path) -> None:
    with told(path), plain.open("rb") as file:
        rest = plain.stat().st_size - DIGEST_LENGTH
        if rest <= 0:
            raise BackupRefused(f"{path}: it is no backup, or was cut")
        digest = hashlib.sha256()
        while rest:
            piece = file.read(min(rest, PIECE))
            digest.update(piece)
            rest -= len(piece)
        if file.read() != DIGEST_LINE % digest.hexdigest().encode():
            raise BackupRefused(f"{path}: it is no backup, or was cut or changed")


def _unpack(path: Path, plain: Path, work: Path) -> Opened:
    try:
        with told(work), tarfile.open(plain, "r:") as tar:
            manifest = json.loads(_extracted(tar, MANIFEST).read())
            if manifest["format"] != FORMAT:
                why = f"its format is {manifest['format']}, which a newer version made"
                raise BackupRefused(f"{path}: {why}")
            parts = {}
            for name, measured in manifest["parts"].items():
                parts[name] = part = work / Path(name).name
                with _new(part) as file:
                    shutil.copyfileobj(_extracted(tar, name), file, PIECE)
                if _measured(part) != measured:
                    raise BackupRefused(f"{path}: {name} is not what the manifest says")
    except (tarfile.TarError, KeyError, TypeError, AttributeError, ValueError):
        raise BackupRefused(f"{path}: it is no backup") from None
    return Opened(manifest, parts)


def _extracted(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _starts_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _measured(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return {"size": path.stat().st_size, "sha256": digest.hexdigest()}
