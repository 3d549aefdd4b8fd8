"""Large values by the digest of their key: a file each, in one folder that many processes may use at once.

A cache may be lost, full, read-only or damaged at any time without changing a verdict: every failure of it is a miss.
A file is written beside its place and moved there whole, and begins with the digest of its key and value. What others
could have written is neither read nor added to.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from secpipe.model.named import NamedTuple

_DIGEST = 32
_UNFINISHED = ".part"
_ABANDONED = 3600.0
"""Seconds after which nobody is still writing a file."""


class Size(NamedTuple):
    """How many files there are, and their bytes."""

    files: int
    bytes: int


class Folder:
    """The values in a folder, of which `most` bytes are kept."""

    trouble = ""
    """A folder of one's own that cannot be used costs time, and nothing else."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._grown = False

    def load(self, key: bytes) -> bytes | None:
        """The value, None when it is not known or not what was written."""
        path = self._path(key)
        try:
            if not private(self._folder):
                return None
            data = path.read_bytes()
        except OSError:
            return None
        value = data[_DIGEST:]
        if data[:_DIGEST] != _digest(key, value):
            _remove(path)
            return None
        # Its time tells when it was last of use.
        with suppress(OSError):
            os.utime(path)
        return value

    def save(self, key: bytes, value: bytes) -> None:
        """Remember a value."""
        if len(value) > self._most // 2:
            return
        path = self._path(key)
        part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}{_UNFINISHED}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not private(self._folder):
                return
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
                file.write(_digest(key, value))
                file.write(value)
            part.replace(path)
            self._grown = True
        except OSError:
            _remove(part)

    def has(self, key: bytes) -> bool:
        """Whether a value is there, which may turn out to be damaged when it is loaded."""
        try:
            return private(self._folder) and self._path(key).is_file()
        except OSError:
            return False

    def trim(self) -> None:
        """Once something was saved: forget what was not used for longest, down to three quarters, when there is too much."""
        if not self._grown:
            return
        files = sorted(_files(self._folder))
        excess = sum(size for _, size, _ in files) - self._most
        if excess > 0:
            excess += self._most // 4
        now = time.time()
        for changed, size, path in files:
            if path.name.endswith(_UNFINISHED):
                if now - changed > _ABANDONED:
                    _remove(path)
            elif excess > 0:
                _remove(path)
                excess -= size

    def _path(self, key: bytes) -> Path:
        return self._folder / _digest_of(key).hex()


def measure(folder: Path) -> Size:
    """What is in the folder."""
    sizes = [size for _, size, _ in _files(folder)]
    return Size(len(sizes), sum(sizes))


def clean(folder: Path) -> Size:
    """Remove every file in the folder, and say what went."""
    gone = [size for _, size, path in _files(folder) if _remove(path)]
    return Size(len(gone), sum(gone))


def private(folder: Path) -> bool:
    """Whether nobody else may write to the folder. Raises OSError where there is none."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(time of last use, bytes, path) of every file; what vanishes meanwhile is passed over."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        with suppress(OSError):
            if entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                yield found.st_mtime, found.st_size, Path(entry.path)


def _digest(key: bytes, value: bytes) -> bytes:
    return _digest_of(len(key).to_bytes(8, "big"), key, value)


def _digest_of(*parts: bytes) -> bytes:
    # Its import loads OpenSSL, which most lints do without.
    from hashlib import blake2b

    digest = blake2b(digest_size=_DIGEST)
    for part in parts:
        digest.update(part)
    return digest.digest()


def _remove(path: Path) -> bool:
    with suppress(OSError):
        path.unlink()
        return True
    return False
