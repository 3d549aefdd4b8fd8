"""OCI image layouts: `index.json`, `oci-layout` and `blobs/ALGORITHM/HEX`, in a directory or in a tar.

Source: OCI image-spec 1.1 image-layout.md. A name is matched against `org.opencontainers.image.ref.name` (a tag, or a full
name as podman writes it) and `io.containerd.image.name` (buildx). Docker's media types occur in layouts and are read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from secpipe.errors import ImageError, InvalidReference, LimitExceeded, UsageError
from secpipe.model.image import Descriptor, Extent, Platform
from secpipe.model.limits import KIB, Limits
from secpipe.oci import document, image, manifest, reference

_REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
_INDEX_KEYS = frozenset({"schemaVersion", "mediaType", "manifests", "config", "layers", "annotations"})
_BLOBS = "blobs/"
CHUNK = 256 * KIB
EMPTY = "no image was written to it, or one of another kind: export the image again"


class Files(Protocol):
    """Named files, in a directory or an archive. Names are relative, with `/`."""

    @property
    def where(self) -> str:
        """The directory or archive, for messages."""

    def size(self, name: str) -> int | None:
        """Bytes of a regular file; None when there is no such file."""

    def stream(self, name: str) -> Iterator[bytes]:
        """The file's bytes from the start."""

    def is_repeated(self, name: str) -> bool:
        """Whether there are several of that name, as a tar may have them: some readers take the first, others the last."""

    def extent(self, name: str) -> Extent | None:
        """Where they lie on this machine, None where they are packed or do not lie there."""


class Directory:
    """Files below a directory of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.where = str(root)

    def size(self, name: str) -> int | None:
        try:
            status = (self._root / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self._root / name, error) from error
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def stream(self, name: str) -> Iterator[bytes]:
        path = self._root / name
        try:
            # Non-blocking, so that a pipe in a blob's place cannot hold the program up.
            descriptor = os.open(
                path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
            )
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ImageError(f"{path} is no regular file")
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise _unreadable(path, error) from error

    def is_repeated(self, name: str) -> bool:
        return False

    def extent(self, name: str) -> Extent | None:
        return Extent(self._root / name)


def read(files: Files, name: str, limit: int, limit_name: str) -> bytes:
    """A whole small file. ImageError when it is missing, LimitExceeded when larger than `limit` bytes."""
    size = files.size(name)
    if size is None:
        raise ImageError(f"{files.where} has no {name}", "the copy is incomplete: export the image again")
    if size > limit:
        raise LimitExceeded(f"{name} in {files.where} has {size} bytes (limit {limit_name}: {limit})")
    if not name.startswith(_BLOBS) and files.is_repeated(name):
        # What lies among the blobs is held to its digest.
        raise ImageError(
            f"{files.where} is ambiguous: it has several {name}",
            "readers disagree on which of them counts; it may be an attempt to hide content: export the image again",
        )
    return b"".join(files.stream(name))


class Layout:
    """A layout as a source of manifests and blobs."""

    remote = False

    def __init__(self, files: Files, limits: Limits) -> None:
        self._files, self._limits = files, limits
        self.where = files.where

    def manifest(self, identifier: str) -> tuple[bytes, str]:
        return read(self._files, _blob_path(identifier), self._limits.manifest_bytes, "manifest_bytes"), ""

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        path = _blob_path(descriptor.digest)
        if self._files.size(path) is None:
            raise ImageError(
                f"{self.where} has no blob {descriptor.digest}, which its manifest names",
                "the copy is incomplete: export the image again, with all its platforms if one was chosen",
            )
        return self._files.stream(path)

    def extent(self, descriptor: Descriptor) -> Extent | None:
        path = _blob_path(descriptor.digest)
        # One that is shorter or longer than its manifest says is for the stream to tell.
        return self._files.extent(path) if self._files.size(path) == descriptor.size else None


def open_layout(
    files: Files, name: str, *, shown: str, wanted: Platform | None, every: bool = False, limits: Limits
) -> list[image.Candidate]:
    """The image called `name` in a layout; with an empty name, the only one there is. `every` as `image.find` has it.

    `name` is a tag, a full name, a digest or `@N`, the position in index.json. `shown` is the target as given.
    """
    _check_version(files, limits)
    data = read(files, "index.json", limits.manifest_bytes, "manifest_bytes")
    what = f"index.json in {files.where}"
    body = document.fields(document.load_object(data, what), _INDEX_KEYS, what)
    if "manifests" not in body or "layers" in body or "config" in body:
        flaw = (
            "it is an image manifest"
            if "layers" in body or "config" in body
            else "it has no list of manifests"
        )
        raise ImageError(f"{what} is no image index: {flaw}", EMPTY)
    listed = document.items(body, "manifests", what)
    if len(listed) > limits.index_entries:
        raise LimitExceeded(f"{what} has {len(listed)} entries (limit index_entries: {limits.index_entries})")
    chosen = select(manifest.entries(listed, what), name, files.where)
    source = Layout(files, limits)
    start: str | Sequence[Descriptor] = chosen
    if len({entry.digest for entry in chosen}) == 1:
        start = chosen[0].digest
    return image.find(source, start, reference=shown, wanted=wanted, every=every, limits=limits)


def select(entries: Sequence[Descriptor], name: str, where: str) -> Sequence[Descriptor]:
    """The entries that `name` means: one image, or the platforms of one image."""
    if not entries:
        raise ImageError(f"{where} holds no container image: its index.json lists none", EMPTY)
    if name.startswith("@") and name[1:].isdecimal():
        if int(name[1:]) >= len(entries):
            raise UsageError(
                f"{where} has {len(entries)} images; {name[:40]} is none of them", "@0 is the first"
            )
        return [entries[int(name[1:])]]
    found = [entry for entry in entries if is_called(entry, name)] if name else list(entries)
    if not found:
        raise UsageError(f"{where} has no image {name[:200]!r}", _choices(entries, entries))
    if len({entry.digest for entry in found}) > 1:
        called = {" ".join(_names(entry)) for entry in found}
        if len(called) > 1 or not all(entry.platform for entry in found):
            what = f"several images called {name!r}" if name else "several images"
            raise UsageError(f"{where} holds {what}", _choices(found, entries))
    return found


def _names(entry: Descriptor) -> list[str]:
    return [value for key in (_CONTAINERD_NAME, _REF_NAME) if (value := entry.annotations.get(key))]


def is_called(entry: Descriptor, name: str) -> bool:
    """Whether an entry of index.json is what the user calls `name`."""
    if entry.digest == name.removeprefix("@"):
        return True
    return any(same_name(known, name) for known in _names(entry))


def same_name(known: str, name: str) -> bool:
    """Whether the name of an image in an archive, a tag or `repository:tag`, is what the user calls `name`."""
    if known == name:
        return True
    try:
        parsed = reference.parse(known)
    except InvalidReference:
        return False
    if parsed.tag == name and ":" in known:
        return True
    try:
        return parsed == reference.parse(name) and ("/" in known or ":" in known)
    except InvalidReference:
        return False


def _choices(among: Sequence[Descriptor], entries: Sequence[Descriptor]) -> str:
    names = [(_names(entry) or [f"@{number}"])[0] for number, entry in enumerate(entries) if entry in among]
    return choices(
        names if len(set(names)) == len(names) else [f"@{number}" for number in range(len(entries))]
    )


def choices(names: Sequence[str]) -> str:
    """The hint that lists what can be asked for."""
    shown = sorted(names)
    return "add one of these after a colon: " + ", ".join(shown[:20]) + (" …" if len(shown) > 20 else "")


def _check_version(files: Files, limits: Limits) -> None:
    what = f"oci-layout in {files.where}"
    if files.size("oci-layout") is None or files.size("index.json") is None:
        missing = "oci-layout" if files.size("oci-layout") is None else "index.json"
        raise ImageError(
            f"{files.where} is no OCI image layout (it has no {missing})",
            "a layout holds oci-layout, index.json and blobs/; for what `docker save` writes use docker-archive:FILE",
        )
    body = document.load_object(read(files, "oci-layout", limits.manifest_bytes, "manifest_bytes"), what)
    version = body.get("imageLayoutVersion")
    if not isinstance(version, str) or not version.startswith("1."):
        raise ImageError(
            f"{what} has the unknown version {str(version)[:40]!r}",
            "versions 1.x are read: export the image again with a current tool",
        )


def _blob_path(digest: str) -> str:
    algorithm, _, encoded = digest.partition(":")
    return f"{_BLOBS}{algorithm}/{encoded}"


def _unreadable(path: Path, error: OSError) -> ImageError:
    return ImageError(f"cannot read {path}: {error.strerror or error}", "check that the file may be read")
