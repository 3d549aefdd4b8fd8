"""Installed R packages: the `DESCRIPTION` of each, with the `Built` field that R adds (R 4.5, R-exts 1.1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "r"
VERSION = 1
TYPE = "cran"
GLOBS = ("**/DESCRIPTION",)
# R removes a package with its file.
KEPT = ()
COMPLETE = ()

# A continuation line starts with its blank, so its text is none of these.
_FIELD = lazy(rb"^(Package|Version|Built|Repository|biocViews)[ \t]*+:(.*)", re.MULTILINE)
_NAME = lazy(r"[A-Za-z][A-Za-z0-9.]*", re.ASCII)
_VERSION = lazy(r"[0-9]+(?:[.-][0-9]+)*", re.ASCII)
_INSTALLED = lazy(r"(?:.*[/-])?library/(?:[0-9]+\.[0-9]+/)?[^/]+/DESCRIPTION", re.DOTALL)
"""Where R keeps packages: `library`, `site-library`, `x86_64-pc-linux-gnu-library/4.5`."""
_CRAN = frozenset({"CRAN", "RSPM"})


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The package, if it is an installed one: other files of that name, and sources of a package, are none.

    In one of R's own directories, whatever hinders is a problem.
    """
    fields: dict[bytes, str] = {}
    cut = False
    for match in _FIELD.finditer(file.data):
        cut = match.end() == len(file.data) and match[1] in (b"Package", b"Version")
        fields.setdefault(match[1], match[2].decode("utf-8", "replace").strip())
    name, version = fields.get(b"Package", ""), fields.get(b"Version", "")
    expected = b"Built" in fields or _INSTALLED.fullmatch(file.path) is not None
    if not expected:
        return
    if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version) and usable(name) and usable(version)):
        why = "the description has no valid Package and Version"
        yield unreadable(file.path, None, why, "unreadable-metadata")
        return
    elsewhere = b"biocViews" in fields and fields.get(b"Repository") not in _CRAN
    yield Package(name, version, "bioconductor" if elsewhere else TYPE, file.path)
    if cut:
        why = "the description ends within a line, as if cut short"
        yield unreadable(file.path, None, why, "unreadable-metadata")
