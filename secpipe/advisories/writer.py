"""Writes the advisory database: shards beside the old ones, and last the manifest that leads to them.

A process may be killed at any instant: files reach the disk before the name that leads to them, and each name is changed by
one `rename`. What a killed one left is removed by the next that writes. Writers keep each other out by `lock.locked`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from secpipe.advisories import manifest as manifests
from secpipe.advisories.manifest import NAME, SHARD_NAME, Manifest, Shard
from secpipe.advisories.rows import Rows, fill
from secpipe.advisories.schema import sqlite_uri
from secpipe.errors import AdvisoryError, UsageError

_NEW = ".new-"
_LABEL = 28
_MOST_HEADS = 16
"""Characters of a file's name before its digest; a tar has room for 100 in all."""
_ANOTHER = "choose another folder with --db or SECPIPE_DB"


class Origin(Struct, frozen=True):
    """Whence and when the records of a base ecosystem came: RFC 3339 time in UTC, address, ETags of the download and of the
    list of changes."""

    fetched: str
    url: str = ""
    etag: str = ""
    listing: str = ""


class Writer:
    """Changes the database at `path`; a context that leaves it as it was unless `commit` was called.

    A new one is made in a folder beside its place and moved there whole. Raises `AdvisoryError`; `UsageError` when
    `path` is something else, which is never overwritten.
    """

    def __init__(self, path: Path) -> None:
        refuse_foreign(path)
        self._path = self.path = path
        self._made = [folder for folder in path.parents if not folder.exists()]
        self._folder: Path | None = path if path.is_dir() else None
        self._committed = False

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._folder:
            _sweep(self._folder)
            if self._folder != self._path:
                shutil.rmtree(self._folder, ignore_errors=True)
        if not self._committed:
            for folder in self._made:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def shard(
        self, base: str, rows: Rows, origin: Origin, *, own: bool = False, on_top: bool = False
    ) -> Shard:
        """Write the rows to a file of their own, to which nothing leads yet."""
        import sqlite3

        with self._writing():
            path = self._file()
            try:
                with contextlib.closing(
                    sqlite3.connect(sqlite_uri(path, "mode=rw"), uri=True, isolation_level=None)
                ) as connection:
                    digest = fill(connection, rows)
                sha256 = self._place(path, ("own-" if own else "") + base)
            finally:
                path.unlink(missing_ok=True)
        return Shard(
            base,
            *sha256,
            digest=digest,
            records=len(rows.advisories) or len(rows.replaces),
            packages=sum(map(len, rows.packages.values())),
            newest=rows.newest,
            fetched=origin.fetched,
            own=own,
            on_top=on_top,
            url=origin.url,
            etag=origin.etag,
            listing=origin.listing,
            ecosystems={name: len(rows.ids(name)) for name in sorted(rows.packages)},
            heads=_heads(rows.advisories),
        )

    @contextlib.contextmanager
    def receiving(self) -> Iterator[Path]:
        """An empty file in the folder, for `adopt`."""
        with self._writing():
            path = self._file()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def adopt(self, path: Path, name: str) -> None:
        """Give a file from `receiving`, which is whole, the name that a manifest will have."""
        with self._writing():
            _to_disk(path)
            path.chmod(0o644)
            path.replace(path.parent / name)

    def commit(self, manifest: Manifest) -> Manifest:
        """Make the manifest, whose shards are all there, the database; returns it with its digest."""
        sealed = manifest.sealed()
        with self._writing():
            path = self._file()
            try:
                path.write_bytes(manifests.encode(sealed))
                path.chmod(0o644)
                _to_disk(path)
                _to_disk(path.parent)
                path.replace(path.parent / NAME)
            finally:
                path.unlink(missing_ok=True)
            _to_disk(path.parent)
            if path.parent != self._path:
                if self._path.is_file():
                    self._path.unlink()
                path.parent.chmod(0o755)
                self._folder = path.parent.rename(self._path)
                _to_disk(self._path.parent)
        self._committed = True
        return sealed

    def _file(self) -> Path:
        """An empty file in the folder, which is made where there is none yet."""
        if self._folder is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            for left in self._path.parent.glob(f".{_escaped(self._path.name)}{_NEW}*"):
                shutil.rmtree(left, ignore_errors=True)
            self._folder = self._path.with_name(f".{self._path.name}{_NEW}{os.getpid()}")
            self._folder.mkdir(mode=0o700)
        handle, name = tempfile.mkstemp(prefix=_NEW, dir=self._folder)
        os.close(handle)
        return Path(name)

    def _place(self, path: Path, label: str) -> tuple[str, str, int]:
        """Move a whole file to the name of its content: that name, its digest and its size."""
        sha256 = sha256_of(path)
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", label)[:_LABEL].strip("-.") or "own"
        name = f"{plain}-{sha256}.sqlite"
        size = path.stat().st_size
        path.chmod(0o644)
        _to_disk(path)
        path.replace(path.parent / name)
        return name, sha256, size

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        import sqlite3

        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise AdvisoryError(f"cannot write {self._path}: {reason}", _ANOTHER) from error
        except (sqlite3.Error, UnicodeError) as error:
            raise AdvisoryError(
                f"cannot write {self._path}: {error}", "is there room on the disk?"
            ) from error


def sha256_of(path: Path) -> str:
    """The digest of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_foreign(path: Path) -> None:
    """Only a database of ours, whole or broken, an empty folder or an empty file may be replaced."""
    try:
        if path.is_dir():
            names = {entry.name for entry in path.iterdir() if not entry.name.startswith(_NEW)}
            ours = all(name == NAME or SHARD_NAME.fullmatch(name) for name in names) and (
                NAME not in names or _leads(path / NAME)
            )
        elif path.exists():
            header = manifests.header_of(path) if path.is_file() else b"?"
            ours = not header or manifests.is_ours(header)
        else:
            return
    except OSError as error:
        raise AdvisoryError(f"cannot read {path}: {error.strerror}") from error
    if not ours:
        raise UsageError(
            f"{path} exists and is no advisory database", "remove it or choose another folder with --db"
        )


def _leads(path: Path) -> bool:
    """Whether a file is a manifest of ours, be it damaged."""
    with manifests.open_regular(path) as file:
        beginning = file.read(4096)
    return not beginning.strip() or manifests.KIND.encode() in beginning


def _sweep(folder: Path) -> None:
    """Remove files of ours that the manifest does not lead to: of earlier states, or of a process that was killed."""
    try:
        named = {shard.file for shard in manifests.read(folder).shards}
    except AdvisoryError:
        return  # A database that is damaged, or not there yet, may still be worth something to somebody.
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if file.name.startswith(_NEW) or (SHARD_NAME.fullmatch(file.name) and file.name not in named):
                with contextlib.suppress(OSError):
                    file.unlink()


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _heads(identifiers: Iterable[str]) -> tuple[str, ...]:
    """What ids begin with, of one publisher's hardly more than one; nothing where there are too many to tell."""
    found = {identifier.partition("-")[0] for identifier in identifiers}
    return tuple(sorted(found)) if len(found) <= _MOST_HEADS else ()
