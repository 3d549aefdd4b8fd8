"""Installed Python distributions: `*.dist-info/METADATA` (core metadata 2.4, PEP 376), setuptools' egg-info and eggs.

A lock file or `requirements.txt` tells what is to be installed, not what an image has. What pip vendors without metadata
(`pip/_vendor`) is patched there, and told by pip's own advisories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog import _directurl
from secpipe.catalog._json import UnreadableError
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.unpack.patterns import any_case

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "python"
VERSION = 2
TYPE = "pypi"
# importlib.metadata takes these endings in any case.
_DIST_INFO, _EGG_INFO, _EGG = map(any_case, (".dist-info", ".egg-info", ".egg"))
GLOBS = (
    f"**/*{_DIST_INFO}/METADATA",
    f"**/*{_EGG_INFO}/PKG-INFO",
    f"**/*{_EGG_INFO}",
    f"**/{_EGG_INFO[1:]}/PKG-INFO",
    f"**/*{_EGG}",
    f"**/*{_EGG}/{_EGG_INFO[1:]}/PKG-INFO",
)

KEPT = ()
COMPLETE = (GLOBS[0], GLOBS[1], GLOBS[3])
BESIDE = (f"{GLOBS[0].rpartition('/')[0]}/{_directurl.NAME}",)

_END = lazy(rb"\r?\n[ \t]*\r?\n")
_FIELDS = {
    "name": lazy(rb"^name[ \t]*+:(.*)", re.MULTILINE | re.IGNORECASE),
    "version": lazy(rb"^version[ \t]*+:(.*)", re.MULTILINE | re.IGNORECASE),
}
_ZIP = b"PK\x03\x04"
_INFO = "EGG-INFO/PKG-INFO"
_MOST = 16 << 20
"""Bytes of the largest zipped egg that is read: the list of its files takes several times what it has for them."""
_MOST_METADATA = 1 << 20
_NAME = lazy(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one distribution that the file describes. Only headers count; the description may say anything."""
    data = file.data
    if file.path.lower().endswith(".egg"):
        # Other files have that ending too.
        if not data.startswith(_ZIP):
            return
        try:
            data = _zipped(data)
        except ValueError as error:
            yield unreadable(file.path, None, str(error), "unreadable-metadata")
            return
    data = data.removeprefix(b"\xef\xbb\xbf")
    end = _END.search(data)
    behind = end.start() if end else len(data)
    first = [field.search(data, 0, behind) for field in _FIELDS.values()]
    name, version = (match[1].decode("utf-8", "replace").strip() if match else "" for match in first)
    if not _NAME.fullmatch(name):
        yield unreadable(file.path, None, "the metadata has no valid Name", "unreadable-metadata")
    elif not usable(version):
        yield unreadable(
            file.path, None, f"the metadata of {name} has no valid Version", "unreadable-metadata"
        )
    else:
        yield Package(name, version, TYPE, file.path)
        if any(match and match.end() == len(data) for match in first):
            yield unreadable(
                file.path, None, "the metadata ends within a line, as if cut short", "unreadable-metadata"
            )


def beside(file: FileLike) -> tuple[tuple[str, str], ...] | Problem:
    """Where the distribution of the folder that the file is in was installed from."""
    try:
        return _directurl.qualifiers(file.data)
    except UnreadableError as error:
        return unreadable(file.path, None, str(error), "unreadable-metadata")


def _zipped(data: bytes) -> bytes:
    """The metadata in a zipped egg, its start where it is long. Raises ValueError, which says why not."""
    import io
    import lzma
    import struct
    import zipfile
    import zlib

    if len(data) > _MOST:
        raise ValueError(f"a zipped egg larger than {_MOST >> 20} MiB, so it was not read")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_INFO) as metadata:
            return metadata.read(_MOST_METADATA)
    except KeyError:
        raise ValueError(f"a zipped egg without {_INFO}") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
    ):
        raise ValueError("a zipped egg that is damaged or encrypted") from None
