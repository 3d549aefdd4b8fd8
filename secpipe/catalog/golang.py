"""Modules in Go programs, by the build information that the linker leaves in them (`go version -m`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._gobuild import texts
from secpipe.catalog._programs import CUT
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.unpack.patterns import PROGRAMS

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "golang"
VERSION = 3
TYPE = "golang"
GLOBS = (PROGRAMS,)
KEPT = ()
COMPLETE = ()
STANDARD_LIBRARY = "stdlib"
TOOLCHAIN = "toolchain"
"""What the Go vulnerability database calls them."""
_TOOL = "path\tcmd/go"

_GO = lazy(r"go([0-9]+(?:\.[0-9]+){0,2}(?:(?:alpha|beta|rc)[0-9]+)?)")
_DEVELOPMENT = "(devel)"
_LINKED = lazy(r"-X[= ]'?([\w./~+-]+)=v?([0-9]+\.[0-9]+\.[0-9]+[\w.+-]*)")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The modules of a program, a replaced one as what replaces it, and the standard library; none of another file.

    One that ends before it has told them is a problem.
    """
    if CUT in file.data:
        why = "a program of Go that is cut short, so it does not tell all modules in it"
        yield unreadable(file.path, None, why, "unreadable-metadata")
    found = texts(file.data)
    if found is None:
        return
    go, info = found
    if match := _GO.match(go):
        yield Package(STANDARD_LIBRARY, match[1], TYPE, file.path)
        # Its other programs came with it: the compiler, the linker and the like have flaws of their own.
        if info.startswith(f"{_TOOL}\n"):
            yield Package(TOOLCHAIN, match[1], TYPE, file.path)
    main: tuple[str, str] | None = None
    modules: list[tuple[str, str]] = []
    settings: list[str] = []
    for line in info.split("\n"):
        kind, *fields = line.split("\t")
        if kind == "mod" and len(fields) >= 2:
            main = fields[0], fields[1]
        elif kind == "dep" and len(fields) >= 2:
            modules.append((fields[0], fields[1]))
        elif kind == "=>" and len(fields) >= 2 and modules:
            # What stands in for a module from a folder has no version.
            modules[-1] = fields[0], fields[1]
        elif kind == "build" and fields:
            settings.append(fields[0])
    if main:
        name, version = main
        modules.insert(0, (name, _linked(settings, name) if version == _DEVELOPMENT else version))
    for name, version in modules:
        if usable(name) and usable(version) and version != _DEVELOPMENT:
            yield Package(name, version, TYPE, file.path)


def _linked(settings: list[str], module: str) -> str:
    """The version that the linker was told to put into a variable of the main module, '' for none that is certain."""
    flags = next((text.partition("=")[2] for text in settings if text.startswith("-ldflags=")), "")
    versions = {
        version
        for name, version in _LINKED.findall(flags)
        if name.rpartition(".")[2].lower().endswith("version")
        and name.startswith(("main.", f"{module}/", f"{module}."))
    }
    return f"v{versions.pop()}" if len(versions) == 1 else ""
