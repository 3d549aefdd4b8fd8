"""Values as files wherever fsspec reaches: `file:///shared/layers`, `s3://bucket/layers` (with s3fs), `gs://`, `abfs://`, ….
Credentials are those that the library of the place finds by itself. What is old is the place's to remove."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from secpipe.cache.shared import NOT_OURS, Seal
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SCHEMES = ("",)
"""Whatever no other module opens."""


class RemoteStore:
    """The values below a folder of a file system."""

    def __init__(self, files: AbstractFileSystem, folder: str, seal: Seal) -> None:
        self._files, self._folder, self._seal = files, folder.rstrip("/"), seal
        self.trouble = ""

    def load(self, key: bytes) -> bytes | None:
        """The value, None when it is not known or not what was written."""
        try:
            kept = cast(bytes, self._files.cat_file(self._path(key)))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            self.trouble = _told(error)
            return None
        value = self._seal.opened(key, kept)
        if value is None:
            self.trouble = NOT_OURS
        return value

    def save(self, key: bytes, value: bytes) -> None:
        """Remember a value. Whoever reads half of one takes it for damaged."""
        try:
            self._files.makedirs(self._folder, exist_ok=True)
            self._files.pipe_file(self._path(key), self._seal.closed(key, value))
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            self.trouble = _told(error)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                # What is left of it would be taken for a value until somebody loads it.
                with suppress(Exception):
                    self._files.rm_file(self._path(key))

    def has(self, key: bytes) -> bool:
        """Whether a value is there."""
        try:
            return bool(self._files.exists(self._path(key)))
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            self.trouble = _told(error)
            return False

    def trim(self) -> None:
        """The place's owner does that."""

    def _path(self, key: bytes) -> str:
        return f"{self._folder}/{self._seal.name(key)}"


def open_store(url: str, seal: Seal, most: int) -> RemoteStore:
    """The values below the folder of a URL."""
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            f"the store {url} needs the package fsspec", "pip install 'secpipe[remote]'"
        ) from error
    if not url.rpartition("://")[2].strip("/"):
        raise UsageError(f"the store {url} has no folder", "write one behind it: file:///shared/layers")
    try:
        # Listings are not asked for, and others write at the same time.
        files, folder = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except Exception as error:  # each file system has errors of its own
        why = str(error) or type(error).__name__
        raise UsageError(
            f"the store {url} cannot be opened: {why}", "see docs/fleet.md for what it may be"
        ) from error
    return RemoteStore(files, folder, seal)


def _told(error: Exception) -> str:
    # Without the name of the value: a thousand values that cannot be written are one trouble.
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"the store cannot be used: {why or type(error).__name__}"
