"""Packages of Dart and Flutter in pub's cache: `hosted/HOST/NAME-VERSION/pubspec.yaml` (dart.dev: the pubspec file, Dart 3).

Neither `pubspec.lock` nor `package_config.json` tells what an image has: both name what stands in the cache, if it does.
Programs that were compiled ahead of time have no packages any more, and nothing in them tells which they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "pub"
VERSION = 1
TYPE = "pub"
GLOBS = ("**/hosted/*/*/pubspec.yaml",)
# A package is removed with its file.
KEPT = ()
COMPLETE = ()

_NAME = rb"[A-Za-z_][A-Za-z0-9_]{0,200}"
_VERSION = rb"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]{1,200})?(?:\+[0-9A-Za-z.-]{1,200})?"
_FOLDER = lazy(rb"(?:.*/)?(" + _NAME + rb")-(" + _VERSION + rb")/pubspec\.yaml", re.DOTALL)
# Of the top of the document alone, which has no indentation. A line that does not end may be cut short.
_FIELDS = {
    "name": lazy(rb"^name[ \t]*+:[ \t]*+([\"']?)(" + _NAME + rb")\1[ \t\r]*+(?:#.*)?\n", re.MULTILINE),
    "version": lazy(
        rb"^version[ \t]*+:[ \t]*+([\"']?)(" + _VERSION + rb")\1[ \t\r]*+(?:#.*)?\n", re.MULTILINE
    ),
}


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one package: what its pubspec says, and what that does not say its folder, which pub calls after it."""
    folder = _FOLDER.fullmatch(file.path.encode("utf-8", "replace"))
    found = [field.search(file.data) for field in _FIELDS.values()]
    texts = [
        match[2] if match else folder[part] if folder else b"" for part, match in enumerate(found, start=1)
    ]
    name, version = (text.decode() for text in texts)
    if name and version:
        yield Package(name, version, TYPE, file.path)
    else:
        why = "the pubspec has no valid name and version"
        yield unreadable(file.path, None, why, "unreadable-metadata")
