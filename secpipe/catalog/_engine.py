"""Runs the catalogers over an image's files and says for each package which layer brought its version in."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from typing import Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

import secpipe.catalog
from secpipe.catalog import _distribution, _history, _programs, _unread
from secpipe.catalog._owners import Held, owners
from secpipe.catalog._purl import purl
from secpipe.model import modules
from secpipe.model.image import Image, Layer
from secpipe.model.limits import Limits
from secpipe.model.package import Distribution, LayerRef, Package
from secpipe.model.problem import Problem
from secpipe.model.text import plural, printable
from secpipe.unpack.budget import Budget
from secpipe.unpack.extracts import Extracts, Store
from secpipe.unpack.layer import Distillers, Reduce
from secpipe.unpack.outstanding import Outstanding
from secpipe.unpack.patterns import PROGRAMS, wanted
from secpipe.unpack.view import File, FileView, open_view

_PROBLEMS_PER_FILE = 20
_PROBLEMS = 1000
"""Of one cataloger; what is more is counted."""
_NAMES = 5
_TOO_MANY = "too-many-packages"


class FileLike(Protocol):
    """What a cataloger reads: a path relative to the root, and the whole content."""

    @property
    def path(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Cataloger(Protocol):
    """The interface of a cataloger module."""

    NAME: str
    VERSION: int
    TYPE: str
    GLOBS: tuple[str, ...]
    KEPT: tuple[str, ...]
    COMPLETE: tuple[str, ...]

    def parse(self, file: FileLike) -> Iterator[Package | Problem]: ...


class Beside(Protocol):
    """A cataloger that learns more of a package from files beside the package's own."""

    BESIDE: tuple[str, ...]

    def beside(self, file: FileLike) -> tuple[tuple[str, str], ...] | Problem: ...


class Inventory(Struct, frozen=True):
    """The distribution (None when the image does not say), its packages and what could not be read; sorted."""

    distribution: Distribution | None
    packages: tuple[Package, ...]
    problems: tuple[Problem, ...]


@cache
def catalogers() -> tuple[Cataloger, ...]:
    """Every cataloger, by name."""
    found = modules.names(secpipe.catalog.__path__)
    return tuple(cast(Cataloger, importlib.import_module(f"secpipe.catalog.{name}")) for name in found)


def patterns() -> tuple[str, ...]:
    """The files that an inventory needs, for `secpipe.unpack.view.open_view`."""
    found = {
        pattern
        for cataloger in catalogers()
        for pattern in (*cataloger.GLOBS, *getattr(cataloger, "OWNED", ()), *getattr(cataloger, "BESIDE", ()))
    }
    return tuple(sorted(found.union(_distribution.PATHS)))


def file_view(
    image: Image, limits: Limits, store: Store | None = None, outstanding: Outstanding | None = None
) -> FileView:
    """The image's files that an inventory needs; `store` keeps what was read of a layer for the next time.

    Raises as `secpipe.unpack.view.open_view` does.
    """
    found = catalogers()
    return open_view(
        image,
        patterns(),
        limits,
        complete=[pattern for cataloger in found for pattern in cataloger.COMPLETE],
        kept=[pattern for cataloger in found for pattern in cataloger.KEPT],
        names=[pattern for globs in _unread.databases(patterns()).values() for pattern in globs],
        extracts=Extracts(store, versions()) if store else None,
        distillers=_distillers(limits),
        outstanding=outstanding,
    )


def knows_layer(layer: Layer, limits: Limits, store: Store) -> bool:
    """Whether `store` keeps what `file_view` needs of a layer."""
    return Extracts(store, versions()).knows(patterns(), layer, limits)


def keep_layer(layer: Layer, limits: Limits, store: Store) -> None:
    """Read what `file_view` needs of a layer into `store`, for all images that have it; with one processor, since whoever
    keeps layers has others at work on the rest. Raises as `read_layer` does."""
    found = patterns()
    test = wanted([pattern for pattern in found if pattern != PROGRAMS])
    budget = Budget(limits, most=1)
    Extracts(store, versions()).read(found, layer, test, limits, None, budget, _distillers(limits))


def _distillers(limits: Limits) -> Distillers:
    """What catalogers leave of their files, and of programs."""
    reducing = [(wanted(found.GLOBS), found.distil) for found in catalogers() if hasattr(found, "distil")]

    def by_name(path: bytes) -> Reduce | None:
        distil = next((distil for test, distil in reducing if test(path)), None)
        return distil and (lambda name, data: distil(name.decode("utf-8", "surrogateescape"), data, limits))

    return Distillers(by_name, _programs.distil)


def inventory(view: FileView, image: Image, limits: Limits | None = None) -> Inventory:
    """Everything that is installed in the image, of which `view` is the `file_view`; at most `limits.packages`.

    `Package.ecosystem` is left to the matcher, which knows the names of the advisories' ecosystems.
    """
    distribution = _distribution.detect(view.read)
    layers = {
        layer.index: LayerRef(layer.descriptor.digest, layer.index, layer.instruction)
        for layer in image.layers
        if layer.folder is None
    }
    packages: dict[Package, str] = {}
    files: dict[str, Held] = {}
    since: dict[tuple[str, str], int] = {}
    problems = [
        problem
        for problem in view.problems
        # A distribution that was told by another of its files is told.
        if distribution is None or problem.subject not in _distribution.PATHS
    ]
    most = (limits or Limits()).packages
    beside, unread = _beside(view)
    problems += unread
    told: dict[str, int] = {}
    for cataloger, group in _files(view):
        held, unread = _read(cataloger, group, most - len(packages))
        known = told.get(cataloger.NAME, 0)
        problems += unread[: max(0, _PROBLEMS - known)]
        told[cataloger.NAME] = known + len(unread)
        introduced, whole = _introduced(cataloger, held, view, most), _is_whole(cataloger)
        for file, package in _each(held):
            brought = introduced[_history.key(package)]
            if hasattr(cataloger, "OWNED"):
                key = package.type, package.name
                since[key] = max(brought, since.get(key, 0))
            layer = layers.get(brought)
            if more := beside.get((cataloger.NAME, file.path.rpartition("/")[0])):
                package = replace(package, qualifiers=tuple(sorted({*package.qualifiers, *more})))
            packages[replace(package, purl=purl(package, distribution), layer=layer)] = file.path
            if not cataloger.KEPT:
                files[file.path] = Held(file, whole)
        if any(problem.code == _TOO_MANY for problem in unread):
            break
    problems += _more(told)
    problems += _lost(view, {(package.type, package.name) for package in packages}, most)
    problems += _unread.problems(view, patterns())
    owner = owners(catalogers(), view, files, since) if files else {}
    owned = [replace(package, owner=owner.get(path, "")) for package, path in packages.items()]
    once = _once(sorted(owned, key=_order))
    return Inventory(distribution, tuple(once), tuple(sorted(set(problems))))


def _once(packages: Iterable[Package]) -> Iterator[Package]:
    """Without what is known by its content alone where the distribution owns it, or it was told of the layer, and without
    what catalogers with `ONCE` tell a second time."""
    once = {cataloger.TYPE for cataloger in catalogers() if getattr(cataloger, "ONCE", False)}
    seen = set()
    for package in packages:
        if package.evidence:
            key = package.type, package.name, package.version, package.layer
            if package.owner or key in seen:
                continue
            seen.add(key)
        elif package.type in once:
            again = package.type, package.name, package.version, None
            if again in seen:
                continue
            seen.add(again)
        yield package


def _more(told: Mapping[str, int]) -> Iterator[Problem]:
    """By cataloger, how many problems were not kept one by one."""
    for name, count in told.items():
        if count > _PROBLEMS:
            what = f"more than {_PROBLEMS} entries of files of the type {name} cannot be read: {count}"
            yield Problem(
                "unreadable-metadata",
                name,
                what,
                "packages may be missing from this report; rebuild the image or restore the files",
            )


def _beside(view: FileView) -> tuple[dict[tuple[str, str], tuple[tuple[str, str], ...]], list[Problem]]:
    """By cataloger and folder, what a file beside a package's tells of it; and those that cannot be read."""
    found: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    problems = []
    for cataloger in catalogers():
        for file in view.files(*getattr(cataloger, "BESIDE", ())):
            path = printable(file.path.encode("utf-8", "surrogateescape"))
            told = cast(Beside, cataloger).beside(File(path, file.data))
            if isinstance(told, Problem):
                problems.append(told)
            else:
                found[cataloger.NAME, file.path.rpartition("/")[0]] = told
    return found, problems


def _order(package: Package) -> tuple[str, str, str, str, str]:
    return (package.type, package.name, package.version, package.arch, package.path)


def _files(view: FileView) -> Iterator[tuple[Cataloger, list[File]]]:
    """The files of each cataloger: those of one package manager together, others one by one."""
    for cataloger in catalogers():
        files = view.files(*cataloger.GLOBS)
        if cataloger.KEPT:
            yield cataloger, [*files]
        else:
            yield from ((cataloger, [file]) for file in files)


def _read(
    cataloger: Cataloger, files: Iterable[File], most: int
) -> tuple[list[_history.Held], list[Problem]]:
    """The packages of files, up to `most`, and their problems."""
    held: list[_history.Held] = []
    problems: list[Problem] = []
    for file in files:
        found, unread = _parse(cataloger, file, most)
        most -= len(found)
        held.append(_history.Held(file, found))
        problems += unread
    return held, problems


def _each(held: Sequence[_history.Held]) -> Iterator[tuple[File, Package]]:
    """The packages and their files: one that is in two databases of its manager is one."""
    first: dict[Package, str] = {}
    for file, found in held:
        for package in found:
            if len(held) == 1 or first.setdefault(replace(package, path=""), file.path) == file.path:
                yield file, package


def _is_whole(cataloger: Cataloger) -> bool:
    """Whether the content of its files is all of them."""
    return not hasattr(cataloger, "distil") and PROGRAMS not in cataloger.GLOBS


def _parse(cataloger: Cataloger, file: File, most: int) -> tuple[list[Package], list[Problem]]:
    """The packages of one file, up to `most`, and its first problems; what is more is counted."""
    path = printable(file.path.encode("utf-8", "surrogateescape"))
    packages: list[Package] = []
    problems: list[Problem] = []
    more = 0
    for result in cataloger.parse(File(path, file.data)):
        if isinstance(result, Package):
            if len(packages) >= most:
                what = f"{path} was not read to its end: the image has too many packages (limit packages)"
                problems.append(Problem(_TOO_MANY, path, what, "raise it with --limit packages=NUMBER"))
                break
            packages.append(result)
        elif len(problems) < _PROBLEMS_PER_FILE:
            problems.append(result)
        else:
            more += 1
    if more:
        problems.append(
            Problem(
                problems[0].code,
                path,
                f"{path} has {more} more entries that cannot be read",
                problems[0].hint,
            )
        )
    return packages, problems


def _lost(view: FileView, held: Set[tuple[str, str]], most: int) -> Iterator[Problem]:
    """Databases that a later layer deleted, unless each of their packages stands in another: that one was moved."""
    for cataloger in catalogers():
        for pattern in cataloger.KEPT:
            lost = [
                (file, *_parse(cataloger, file, most))
                for file in view.lost(pattern)
                if not file.data.isspace()
            ]
            names = {
                package.name
                for _, found, _ in lost
                for package in found
                if (package.type, package.name) not in held
            }
            unread = any(problems for file, _, problems in lost if file.data)
            if not (names or unread):
                continue
            what = f", and with it what is known of {plural(len(names), 'package')}: " if names else ""
            yield Problem(
                "missing-database",
                pattern,
                f"{pattern} was deleted by a layer above layer {max(file.layer for file, _, _ in lost)}"
                f"{what}{', '.join(sorted(names)[:_NAMES])}{', …' if len(names) > _NAMES else ''}",
                "their files may still be in the image, and were not examined; keep the database",
            )


def _introduced(
    cataloger: Cataloger, held: Sequence[_history.Held], view: FileView, most: int
) -> Mapping[_history.Key, int]:
    """By package the layer that brought it. What a manager keeps at fixed places is one list, wherever that stood."""
    stood = view.stood(*cataloger.KEPT) if cataloger.KEPT else ()
    return _history.introduced(held, stood, lambda file: _parse(cataloger, file, most)[0])


def versions(of: Sequence[Cataloger] | None = None) -> str:
    """Names and versions of the catalogers, as a part of the key under which extracts are cached."""
    return ",".join(f"{cataloger.NAME}={cataloger.VERSION}" for cataloger in of or catalogers())
