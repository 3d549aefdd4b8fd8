"""Finds OSV records in files, directories and zips, the `<ECOSYSTEM>/all.zip` layout of the public feed included.

A record that cannot be read becomes a `Problem` that names its file, and the rest goes on; so does an archive that may hold
some and is of a kind that is not read. Other files are passed over. Sizes are bounded by what is really inflated, never by
what an archive says of itself (`Limits.advisory_bytes`, `feed_entries`, `feed_ratio`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from secpipe.advisories.osv import InvalidAdvisory, decode
from secpipe.advisories.zips import BROKEN, Zip
from secpipe.errors import UsageError
from secpipe.model.limits import MIB, Limits
from secpipe.model.problem import Problem

Found = tuple[str, Any]
"""Where a record stands (`Debian/all.zip/DSA-1.json`) and its decoded JSON, or what a `Read` made of it."""
Read = Callable[[bytes], Any]
"""Reads the text of a record; None for one whose JSON is wanted instead."""

_LINES = (".jsonl", ".ndjson")
_RECORDS = (".json", *_LINES)
_PACKED = (".7z", ".bz2", ".gz", ".tar", ".tgz", ".xz", ".zst")
_UNPACK = "is packed in a way that is not read: unpack it first"
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"


def records(
    paths: Iterable[Path], limits: Limits, problems: list[Problem], read: Read | None = None
) -> Iterator[Found]:
    """Every record below the paths, in a fixed order; what could not be read is added to `problems`.

    A file that several names lead to (links, overlapping paths) is read once.
    Raises `UsageError` for a path that does not exist.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if not path.exists():
            raise UsageError(
                f"no such file or directory: {path}", "name OSV records: JSON files, zips or directories"
            )
        for file in _files(path, problems) if path.is_dir() else [path]:
            if (known := _identity(file)) not in seen:
                if known:
                    seen.add(known)
                yield from _file(file, limits, problems, read)


def zip_records(
    file: IO[bytes], where: str, limits: Limits, problems: list[Problem], read: Read | None = None
) -> Iterator[Found]:
    """Every record in the zip that `file` holds; `where` names it in messages."""
    try:
        archive = Zip(file)
        if len(archive.members) > limits.feed_entries:
            problems.append(
                _unreadable(where, f"has more than {limits.feed_entries} entries (limit feed-entries)")
            )
        for index, member in enumerate(archive.members[: limits.feed_entries]):
            name = f"{where}/{member.name}"
            if name.lower().endswith(_RECORDS):
                data = _inflated(archive, index, name, limits, problems)
                if data is None:
                    continue
                whole = read is not None and name.endswith(".json") and len(data) <= limits.advisory_bytes
                if read is not None and whole and (found := read(data)) is not None:
                    yield name, found
                else:
                    yield from _documents(data, name, limits, problems, read)
            elif name.lower().endswith((".zip", *_PACKED)):
                problems.append(_unreadable(name, _UNPACK))
    except BROKEN as error:
        problems.append(_unreadable(where, f"is no readable zip: {_reason(error)}"))


def _files(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        problems.append(_unreadable(str(error.filename), f"cannot be listed: {_reason(error)}"))

    seen = {_identity(folder)}
    for parent, folders, files in os.walk(folder, onerror=refused, followlinks=True):
        kept = []
        for name in sorted(folders):
            # Links may lead round in circles.
            if not name.startswith(".") and (known := _identity(Path(parent, name))) not in seen:
                seen.add(known)
                kept.append(name)
        folders[:] = kept
        for name in sorted(files):
            if name.startswith("."):
                continue
            if name.lower().endswith((".zip", *_RECORDS)):
                yield Path(parent, name)
            elif name.lower().endswith(_PACKED):
                problems.append(_unreadable(str(Path(parent, name)), _UNPACK))


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that a name leads to; None when it leads nowhere."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _file(path: Path, limits: Limits, problems: list[Problem], read: Read | None) -> Iterator[Found]:
    where = str(path)
    try:
        if not path.is_file():
            raise OSError("not a regular file")
        with path.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic in (_ZIP, _EMPTY_ZIP):
                yield from zip_records(file, where, limits, problems, read)
            else:
                yield from _documents(file.read(limits.advisory_bytes + 1), where, limits, problems, read)
    except OSError as error:
        problems.append(_unreadable(where, f"cannot be read: {_reason(error)}"))


def _inflated(archive: Zip, index: int, name: str, limits: Limits, problems: list[Problem]) -> bytes | None:
    """The bytes of a member; None where a problem tells why not."""
    try:
        data = archive.read(index, limits.advisory_bytes + 1)
    except BROKEN as error:
        problems.append(_unreadable(name, f"cannot be inflated: {_reason(error)}"))
        return None
    if len(data) > MIB and len(data) > limits.feed_ratio * max(archive.members[index].packed, 1):
        problems.append(_unreadable(name, f"inflates more than {limits.feed_ratio} times (limit feed-ratio)"))
        return None
    return data


def _documents(
    data: bytes, where: str, limits: Limits, problems: list[Problem], read: Read | None
) -> Iterator[Found]:
    """The record in a JSON text, or each of a list of records or of a file with one a line."""
    if len(data) > limits.advisory_bytes:
        problems.append(
            _unreadable(where, f"is larger than {limits.advisory_bytes} bytes (limit advisory-bytes)")
        )
        return
    if where.lower().endswith(_LINES):
        lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
        for number, line in lines:
            yield from _document(line, f"{where}:{number}", problems, read)
    else:
        yield from _document(data, where, problems, read)


def _document(data: bytes, where: str, problems: list[Problem], read: Read | None) -> Iterator[Found]:
    if read is not None and (found := read(data)) is not None:
        yield where, found
        return
    try:
        value = decode(data)
    except InvalidAdvisory as error:
        problems.append(_unreadable(where, f"is no advisory: {error}"))
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield f"{where}[{index}]", item
    else:
        yield where, value


def _unreadable(where: str, what: str) -> Problem:
    return Problem(
        "unreadable-advisory", where, f"{where} {what}", "the rest was read; mend or remove this one"
    )


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
