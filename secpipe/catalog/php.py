"""Installed Composer packages: `vendor/composer/installed.json` as Composer 1 (an array) and 2 (an object) write it.

`composer.lock` tells what is to be installed, not what an image has, and counts for nothing here. Development packages
are in the image like any other. A version is told as Composer tells it (`v6.4.2`, `dev-main`), which is also how advisories
list it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._json import UnreadableError, document, text
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "php"
VERSION = 1
TYPE = "composer"
# The vendor directory may have any name.
GLOBS = ("**/vendor/composer/installed.json", "**/composer/installed.json")
# The list is rewritten with every removal, and goes with its directory.
KEPT = ()
COMPLETE = (GLOBS[0],)

_NAME = lazy(r"[^/]+/[^/]+")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The packages; an entry without a name (`vendor/name`) or version is a problem."""
    try:
        found = document(file.data)
    except UnreadableError as error:
        yield unreadable(file.path, None, str(error))
        return
    entries = found.get("packages") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        yield unreadable(file.path, None, "no list of packages")
        return
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        name, version = text(fields.get("name")), text(fields.get("version"))
        if usable(name) and usable(version) and _NAME.fullmatch(name):
            yield Package(name, version, TYPE, file.path)
        else:
            what = name if usable(name) else f"package {number}"
            yield unreadable(file.path, None, f"the entry of {what} has no valid name and version")
