"""The `--mount` flags of a RUN.

Source: the Dockerfile reference (`RUN --mount`), as BuildKit's instructions/commands_runmount.go reads it: one CSV
record, keys in any case.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from secpipe.dockerfile.ast import Instruction

_TARGETS = ("target", "dst", "destination")
_NOT_KEPT = frozenset({"cache", "tmpfs"})


class Mount(NamedTuple):
    """One mount: its type (`bind` by default), where it stands, and every option as written."""

    type: str
    target: str
    options: Mapping[str, str]

    @property
    def kept_out(self) -> bool:
        """Whether what is written there stays out of the layer."""
        return self.type in _NOT_KEPT


def mounts(run: Instruction) -> tuple[Mount, ...]:
    """The mounts of a RUN, in order."""
    return tuple(_mount(flag.value) for flag in run.flags if flag.name == "mount" and flag.value)


def covers(folder: str, path: str) -> bool:
    """Whether the folder is the path or one of its parents; both absolute."""
    folder = posixpath.normpath(folder)
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def keep_out(all_mounts: Iterable[Mount], path: str) -> bool:
    """Whether a cache or a tmpfs takes what a command writes below an absolute path."""
    return any(mount.kept_out and mount.target and covers(mount.target, path) for mount in all_mounts)


def _fields(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    import csv

    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        return text.split(",")


def _mount(text: str) -> Mount:
    options: dict[str, str] = {}
    for field in _fields(text):
        key, _, value = field.partition("=")
        options[key.strip().lower()] = value
    target = next((options[key] for key in _TARGETS if options.get(key)), "")
    return Mount(options.get("type", "bind").lower(), target, options)
