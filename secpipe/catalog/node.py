"""Installed packages of npm, pnpm and Yarn: their `package.json` (npm-package-json(5), npm 11).

A lock file tells what is to be installed, not what an image has, and counts for nothing here. Neither does the
`package.json` of an application itself: it is no release of the registry's, and has its name in common with one at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._json import UnreadableError, members, text
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "node"
VERSION = 1
TYPE = "npm"
_ZIPPED = "**/.pnp.cjs"
GLOBS = ("**/package.json", _ZIPPED)
# A package is removed with its file.
KEPT = ()
# Directories of a package's own tests are called node_modules too, and hold modules without any package.json.
COMPLETE = ()

# Debian has its packages where others have node_modules.
_FOLDER = r"(?:node_modules|usr/(?:share|lib)/nodejs)"
_INSIDE = lazy(rf"(?:^|/){_FOLDER}/(.*)", re.DOTALL)
_PACKAGE = r"(?:@[^/]+/)?[^/@.][^/]*"
_INSTALLED = lazy(
    # pnpm keeps what is to be linked to in a folder of its own.
    rf"(?:(?:{_PACKAGE}|\.pnpm/[^/]+)/node_modules/)*+{_PACKAGE}/package\.json",
    re.DOTALL,
)
_BROUGHT = lazy(
    r"(?:^|/)(?:usr/(?:local/)?(?:lib|lib64|share)|(?:site|dist)-packages|site-library|gems|labextensions|bower_components)/"
)
"""Folders of the system and of other package managers, where nobody develops an application."""
_PREFIX = lazy(r"\A[=v\s]+(?=[0-9])")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The package that the file is about, if any.

    At the root of an installed package, whatever hinders is a problem. Further inside, and in what others brought, where
    folders have a `package.json` for some other reason too, what names a release is a copy of it, and everything else
    nothing. Elsewhere, only what stands in a folder that bears its name and version is a release (Node's own Yarn,
    Corepack's, Bun's and Deno's caches).
    """
    if file.path.endswith(_ZIPPED[2:]):
        yield Problem(
            "unread-package-database",
            file.path,
            f"{file.path} leads to packages in archives (Yarn's Plug'n'Play), which cannot be read yet",
            "its packages could not be examined; accept the gap with --allow-incomplete",
        )
        return
    inside = _INSIDE.search(file.path)
    installed = inside is not None and _INSTALLED.fullmatch(inside[1]) is not None
    try:
        found = members(file.data, "name", "version", "private")
    except UnreadableError as error:
        if installed:
            yield unreadable(file.path, None, str(error), "unreadable-metadata")
        return
    name, version = text(found.get("name")), _PREFIX.sub("", text(found.get("version")), count=1)
    if not (usable(name) and usable(version)):
        if installed:
            yield unreadable(file.path, None, "no valid name and version", "unreadable-metadata")
    elif installed or (
        not found.get("private")
        and (inside or _BROUGHT.search(file.path) or _released(file.path, name, version))
    ):
        yield Package(name, version, TYPE, file.path)


def _released(path: str, name: str, version: str) -> bool:
    """Whether the file's folder is called after that version of that package."""
    above, folder = ["", *path.split("/")][-3:-1] if "/" in path else ("", "")
    base = name.rpartition("/")[2]
    return (
        folder in (f"{base}-{version}", f"{base}-v{version}", f"{base}@{version}")
        or folder.startswith(f"{base}@{version}@@")
        or (above == base and folder in (version, f"v{version}"))
    )
