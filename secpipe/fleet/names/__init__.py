"""Who is in the fleet: names of images out of every kind of source, each once, with all who named it.

A kind of source is a module of this package whose name does not start with `_`. It has

- `names(sources, given) -> Iterator[Found | Asked | Problem]`: what all sources of this kind name. `Asked` hands on to
  another kind, which does not hand back.

To add a kind, add such a module and its test. Nothing that is wrong with one name or one document keeps the others from
being read: it becomes a Problem.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from secpipe.errors import UsageError
from secpipe.fleet.names._values import Access, Asked, Found, Given
from secpipe.fleet.values import Named
from secpipe.model import modules
from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

__all__ = ["Access", "Asked", "Found", "Given", "asked", "kinds", "named", "whole"]

_CUT = frozenset({"no-images", "too-many-files", "too-many-names", "unreadable-manifest"})
"""Codes of gaps behind which there may be names that were in the fleet before."""
_LINE = lazy(r":[0-9]+\Z")


class Kind(Protocol):
    """A module of this package, seen as a value."""

    def names(self, sources: Sequence[Asked], given: Given) -> Iterator[Found | Asked | Problem]:
        """What the sources name, in their order."""
        ...


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of sources, sorted."""
    return tuple(modules.names(__path__))


def asked(
    images: Iterable[str] = (),
    files: Iterable[Path] = (),
    kubernetes: Iterable[Path] = (),
    inventory: Iterable[Path] = (),
) -> list[Asked]:
    """The sources that a command line means: references and patterns, lists, manifests, inventories of clusters.

    A path `-` is standard input, which only one of them may be: UsageError.
    """
    given = {"lines": files, "kubernetes": kubernetes, "inventory": inventory}
    found = [Asked("image", text) for text in images]
    found += [Asked(kind, str(path)) for kind, paths in given.items() for path in paths]
    if sum(each.text == "-" and each.kind != "image" for each in found) > 1:
        raise UsageError(
            "standard input cannot be read twice", "give all but one of the sources as files instead of -"
        )
    return found


def named(
    sources: Iterable[Asked],
    limits: Limits = Limits(),  # noqa: B008 - a value
    access: Access = Access(),  # noqa: B008 - a value
) -> tuple[list[Named], list[Problem]]:
    """Everything that the sources name, sorted by reference, and what was wrong with them, sorted.

    A reference is in its canonical form, and who wrote another form of it is among its `by`. Beyond the limit `fleet_names`
    nothing more is taken, and of each source `fleet_problems` are told one by one: Problems say so.
    """
    given = Given(limits, access)
    merged: dict[str, list[str] | str] = {}
    problems = _Problems(limits.fleet_problems)
    count = 0
    for each in _read(sources, given):
        if isinstance(each, Problem):
            problems.add(each)
            continue
        if count == limits.fleet_names:
            problems.add(_too_many(limits))
            break
        count += 1
        # Nearly all are named once: a text takes a third of the memory of a list.
        known = merged.setdefault(each.reference, each.by)
        if isinstance(known, list):
            known.append(each.by)
        elif known is not each.by:
            merged[each.reference] = [known, each.by]
    return [Named(each, _sorted(merged.pop(each))) for each in sorted(merged)], problems.told()


def whole(problems: Iterable[Problem]) -> bool:
    """Whether sources with these problems named all that they have: then what they did not name is gone. A list that could
    not be had, or that is empty because whoever was to write it failed, says nothing about who left."""
    return all(problem.coverage and problem.code not in _CUT for problem in problems)


def _sorted(by: list[str] | str) -> tuple[str, ...]:
    return (by,) if isinstance(by, str) else tuple(sorted(set(by)))


def _read(sources: Iterable[Asked], given: Given) -> Iterator[Found | Problem]:
    waiting: defaultdict[str, list[Asked]] = defaultdict(list)
    for source in sources:
        waiting[source.kind].append(source)
    while waiting:
        kind = min(waiting)
        for each in _module(kind).names(waiting.pop(kind), given):
            if isinstance(each, Asked):
                waiting[each.kind].append(each)
            else:
                yield each


def _module(kind: str) -> Kind:
    if kind not in kinds():
        raise LookupError(f"no kind of source named {kind!r}")
    return cast(Kind, import_module(f"{__name__}.{kind}"))


def _too_many(limits: Limits) -> Problem:
    return Problem(
        "too-many-names",
        "fleet",
        f"the sources name more than {limits.fleet_names} images, of which only so many are in the fleet",
        "raise the limit fleet-names with --limit, or name fewer",
    )


class _Problems:
    """Problems of all sources. Of one code and file so many are told one by one, as a million bad lines are one mistake."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[Problem] = set()
        self._count: defaultdict[tuple[str, str, bool], int] = defaultdict(int)

    def add(self, problem: Problem) -> None:
        """Take one, unless it is known or there were too many of its kind."""
        if problem in self._known:
            return
        source = problem.code, _LINE.sub("", problem.subject), problem.coverage
        self._count[source] += 1
        if self._count[source] <= self._most:
            self._known.add(problem)

    def told(self) -> list[Problem]:
        """All of them, sorted, and how many more there were."""
        more = [
            Problem(
                code,
                where,
                f"{where}: {count - self._most} more of this kind (the limit fleet-problems is {self._most})",
                "mend those that are told first",
                coverage,
            )
            for (code, where, coverage), count in self._count.items()
            if count > self._most
        ]
        return sorted([*self._known, *more])
