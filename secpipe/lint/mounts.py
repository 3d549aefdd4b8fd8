"""What the mounts of a RUN keep out of the layer."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from secpipe.dockerfile.mounts import Mount

_NOT_KEPT = frozenset({"cache", "tmpfs"})


def covers(folder: str, path: str) -> bool:
    """Whether the folder is the path or one of its parents; both absolute."""
    folder = posixpath.normpath(folder)
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def kept_out(mounts: Iterable[Mount]) -> tuple[str, ...]:
    """The targets of caches and tmpfs: what is written there stays out of the layer."""
    targets = (mount.options.get("target", "") for mount in mounts if mount.type in _NOT_KEPT)
    return tuple(filter(None, targets))


def keep_out(mounts: Iterable[Mount], path: str) -> bool:
    """Whether a cache or a tmpfs takes what a command writes below an absolute path."""
    return any(covers(target, path) for target in kept_out(mounts))
