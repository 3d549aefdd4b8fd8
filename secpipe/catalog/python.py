"""Installed Python distributions: `*.dist-info/METADATA` (core metadata 2.4, PEP 376, PEP 566) and setuptools' egg-info."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "python"
VERSION = 1
TYPE = "pypi"
GLOBS = (
    # importlib.metadata takes the suffix in any case.
    "**/*.[dD][iI][sS][tT]-[iI][nN][fF][oO]/METADATA",
    "**/*.egg-info/PKG-INFO",
    "**/*.egg-info",
    "**/EGG-INFO/PKG-INFO",
)

KEPT = ()
COMPLETE = (GLOBS[0], GLOBS[1], GLOBS[3])

_END = re.compile(rb"\r?\n[ \t]*\r?\n")
_FIELD = re.compile(rb"^(Name|Version)[ \t]*:(.*)", re.MULTILINE | re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one distribution that the file describes. Only headers count; the description may say anything."""
    data = file.data.removeprefix(b"\xef\xbb\xbf")
    end = _END.search(data)
    fields: dict[bytes, str] = {}
    for match in _FIELD.finditer(data, 0, end.start() if end else len(data)):
        fields.setdefault(match[1].lower(), match[2].decode("utf-8", "replace").strip())
        if len(fields) == 2:
            break
    name, version = fields.get(b"name", ""), fields.get(b"version", "")
    if not _NAME.fullmatch(name):
        yield unreadable(file.path, None, "the metadata has no valid Name", "unreadable-metadata")
    elif not usable(version):
        yield unreadable(
            file.path, None, f"the metadata of {name} has no valid Version", "unreadable-metadata"
        )
    else:
        yield Package(name, version, TYPE, file.path)
