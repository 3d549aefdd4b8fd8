"""Reads a root filesystem in a directory of this machine as if it were the only layer of an image.

No link is followed and no name leads out of it: each directory is opened from the root on, component by component.
An entry's ordinal is told by its inode, so that a second pass finds the same file however much has changed meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from io import BufferedReader
from pathlib import Path

from secpipe.errors import ImageError
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.unpack._plain import EXECUTABLE, LEAST, PEEK, is_program, may_be_program
from secpipe.unpack.attributes import Attributes
from secpipe.unpack.budget import Budget, exceeded
from secpipe.unpack.layer import Distillers, LayerExtract, Run
from secpipe.unpack.tar import Kind, TarEntry

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_INODES = 1 << 64
_VIRTUAL = frozenset({b"dev", b"proc", b"run", b"sys"})
"""Directories of the root that hold no files of the system's when something else is mounted there (FHS 3.0)."""
_CHUNK = 1 << 18
_CHANGED = "it has changed while it was read"
_HINT = "run it as a user who may read all of the filesystem"

_Read = Callable[[Callable[[BufferedReader], bytes]], bytes | None]
"""Opens a file and hands it to a function; gives what that gives."""


def read_folder(
    root: Path,
    wanted: Callable[[bytes], bool],
    limits: Limits,
    only: Collection[int] | None,
    budget: Budget,
    whole: bool,
    distillers: Distillers,
) -> LayerExtract:
    """As `unpack.layer.read_layer` does for a layer. What may not be read is a problem of the extract.

    Raises ImageError when `root` itself cannot be read, LimitExceeded by name.
    """
    walk = _Walk(root, limits)
    kept = _Kept(wanted, limits, only, budget, distillers)
    entries: list[TarEntry | Run] = []
    attributes = Attributes() if whole else None
    count = 0
    with closing(walk):
        for count, (entry, read) in enumerate(walk.entries(), 1):
            if not count & 1023:
                budget.spend_entries(1024)
            interesting = kept.take(entry, read)
            if interesting is None:
                continue
            if only is None:
                if attributes:
                    attributes.note(entry.ordinal, entry.mode, entry.size)
                packed = entry.kind == "file" and not interesting
                parent, _, name = entry.name.rpartition(b"/")
                entries.append(Run(parent, entry.ordinal, name) if packed else entry)
    budget.spend_entries(count & 1023)
    return LayerExtract(
        0,
        tuple(entries),
        (),
        (),
        kept.contents,
        kept.oversized,
        count=count,
        problems=tuple(walk.problems),
        programs=tuple(sorted(kept.programs)),
        attributes=attributes,
    )


class _Kept:
    """The contents that were asked for; two names of one file are one."""

    def __init__(
        self,
        wanted: Callable[[bytes], bool],
        limits: Limits,
        only: Collection[int] | None,
        budget: Budget,
        distillers: Distillers,
    ) -> None:
        self.contents: dict[int, bytes] = {}
        self.oversized: dict[int, int] = {}
        self.programs: set[int] = set()
        self._looked: set[int] = set()
        self._wanted = wanted
        self._limits = limits
        self._only = only
        self._budget = budget
        self._distillers = distillers

    def take(self, entry: TarEntry, read: _Read) -> bool | None:
        """Whether somebody asks for the entry; None for one that was to be read and cannot be."""
        ordinal = entry.ordinal
        interesting = self._wanted(entry.name) if self._only is None else ordinal in self._only
        if entry.kind != "file":
            return interesting
        if not interesting:
            return self._only is None and self._program(entry, read)
        if ordinal in self.contents:
            return True
        reduce = self._distillers.by_name(entry.name)
        if entry.size > self._limits.file_bytes or not (reduce or self._budget.retain(entry.size)):
            self.oversized[ordinal] = entry.size
            return True
        data = read(self._whole)
        if data is not None:
            self._keep(ordinal, reduce(entry.name, data) if reduce else data, counted=reduce is None)
        return True if data is not None else None

    def _program(self, entry: TarEntry, read: _Read) -> bool:
        ordinal, distil = entry.ordinal, self._distillers.program
        if (
            distil
            and ordinal not in self._looked
            and entry.size > LEAST
            and may_be_program(entry.name, entry.mode)
        ):
            self._looked.add(ordinal)
            executable = bool(entry.mode & EXECUTABLE)
            data = read(
                lambda file: (
                    distil(_chunks(file), entry.name, executable)
                    if is_program(file.peek(PEEK)[:PEEK])
                    else b""
                )
            )
            if data:
                self.programs.add(ordinal)
                self._keep(ordinal, data)
        return ordinal in self.programs

    def _keep(self, ordinal: int, data: bytes, *, counted: bool = False) -> None:
        if counted or self._budget.retain(len(data)):
            self.contents[ordinal] = data
        else:
            self.oversized[ordinal] = len(data)

    def _whole(self, file: BufferedReader) -> bytes:
        data = file.read(self._limits.file_bytes + 1)
        if len(data) > self._limits.file_bytes:
            raise OSError(0, _CHANGED)
        return data


def _chunks(file: BufferedReader) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


class _Walk:
    """One pass over a filesystem, directories before what is in them, names in their order."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.problems: list[Problem] = []
        self._limits = limits
        self._steps = 0
        self._devices: dict[int, int] = {}
        try:
            self._root = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        except OSError as error:
            raise ImageError(f"cannot read {root}: {error.strerror}", _HINT) from error

    def close(self) -> None:
        os.close(self._root)

    def entries(self) -> Iterator[tuple[TarEntry, _Read]]:
        """Each entry, and how to read it if it is a file: None, and a problem, where that may not be."""
        device = os.fstat(self._root).st_dev
        pending = [b""]
        while pending:
            path = pending.pop()
            below: list[bytes] = []
            try:
                with self._directory(path) as directory:
                    for name, status in _listed(directory):
                        whole = path + b"/" + name if path else name
                        yield self._entry(directory, name, whole, status)
                        if stat.S_ISDIR(status.st_mode) and not (
                            not path and name in _VIRTUAL and status.st_dev != device
                        ):
                            below.append(whole)
            except OSError as error:
                self._tell(path, error)
            pending += below[::-1]

    @contextmanager
    def _directory(self, path: bytes) -> Iterator[int]:
        """A descriptor of a directory, reached without following a link."""
        parts = path.split(b"/") if path else []
        self._steps += len(parts)
        limits = self._limits
        if len(parts) > limits.path_components or len(path) > limits.path_bytes:
            name = "path-components" if len(parts) > limits.path_components else "path-bytes"
            raise exceeded(name, getattr(limits, name.replace("-", "_")), "a path in the filesystem is long")
        if self._steps > limits.path_steps:
            raise exceeded("path-steps", limits.path_steps, "the filesystem's paths take too many steps")
        current = os.open(b".", _FLAGS | os.O_DIRECTORY, dir_fd=self._root)
        try:
            for part in parts:
                following = os.open(part, _FLAGS | os.O_DIRECTORY, dir_fd=current)
                os.close(current)
                current = following
            yield current
        finally:
            os.close(current)

    def _entry(
        self, directory: int, name: bytes, path: bytes, status: os.stat_result
    ) -> tuple[TarEntry, _Read]:
        mode = status.st_mode
        link, size = b"", 0
        kind: Kind = "device"
        if stat.S_ISLNK(mode):
            kind, link = "symlink", os.readlink(name, dir_fd=directory)
        elif stat.S_ISDIR(mode):
            kind = "directory"
        elif stat.S_ISREG(mode):
            kind, size = "file", status.st_size
        number = self._devices.setdefault(status.st_dev, len(self._devices))
        ordinal = number * _INODES + status.st_ino
        entry = TarEntry(path, kind, link, size, ordinal, None, stat.S_IMODE(mode))
        return entry, lambda take: self._read(directory, name, path, take)

    def _read(
        self, directory: int, name: bytes, path: bytes, take: Callable[[BufferedReader], bytes]
    ) -> bytes | None:
        try:
            # Non-blocking, as a pipe may have come in the file's place.
            descriptor = os.open(name, _FLAGS | os.O_NONBLOCK, dir_fd=directory)
            with os.fdopen(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return take(file)
                raise OSError(0, _CHANGED)
        except OSError as error:
            self._tell(path, error)
            return None

    def _tell(self, path: bytes, error: OSError) -> None:
        shown = printable(path) or "/"
        self.problems.append(
            Problem("unreadable-file", shown, f"{shown} cannot be read: {error.strerror}", _HINT)
        )


def _listed(directory: int) -> list[tuple[bytes, os.stat_result]]:
    """The names in a directory with what they are, sorted. One that goes away meanwhile is left out."""
    found = []
    with os.scandir(directory) as listing:
        for entry in listing:
            try:
                found.append((os.fsencode(entry.name), entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue
    return sorted(found, key=lambda one: one[0])
