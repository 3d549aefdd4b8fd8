""".NET applications: the `*.deps.json` beside them (the runtime configuration file of dotnet/runtime, DependencyContext).

`packages.lock.json` and project files tell what is to be restored, not what an image has, and count for nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._json import UnreadableError, members, text
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "dotnet"
VERSION = 1
TYPE = "nuget"
GLOBS = ("**/*.deps.json",)
# The list belongs to the application, and goes with it.
KEPT = ()
COMPLETE = ()

_RELEASES = frozenset({"package", "runtimepack"})
_RUNTIME = "runtimepack."
"""What stands before the name of a runtime that an application brings along."""
_ASSETS = ("runtime", "runtimeTargets", "native", "resources")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The packages of which something was deployed; projects and references are no packages.

    A package that the targets name without any asset was needed to build, and left nothing behind.
    """
    try:
        found = members(file.data, "libraries", "targets")
    except UnreadableError as error:
        yield unreadable(file.path, None, str(error))
        return
    libraries = found.get("libraries")
    if not isinstance(libraries, dict):
        yield unreadable(file.path, None, "no table of libraries")
        return
    deployed = _deployed(found.get("targets"))
    for key, library in libraries.items():
        kind = text(library.get("type")).lower() if isinstance(library, dict) else ""
        name, _, version = key.partition("/")
        if not kind:
            what = name if usable(name) else "a library"
            yield unreadable(file.path, None, f"the entry of {what} has no type")
        elif kind not in _RELEASES or not deployed.get(key, True):
            continue
        elif usable(name) and usable(version):
            yield Package(name.removeprefix(_RUNTIME) or name, version, TYPE, file.path)
        else:
            what = name if usable(name) else "a library"
            yield unreadable(file.path, None, f"the entry of {what} has no valid name and version")


def _deployed(targets: object) -> dict[str, bool]:
    """Of the libraries that the targets name, whether any has a file of theirs."""
    deployed: dict[str, bool] = {}
    for target in targets.values() if isinstance(targets, dict) else ():
        for key, entry in target.items() if isinstance(target, dict) else ():
            assets = not isinstance(entry, dict) or any(entry.get(name) for name in _ASSETS)
            deployed[key] = deployed.get(key, False) or assets
    return deployed
