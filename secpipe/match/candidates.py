"""The records to hold a package against, as their source has them, and which of them do affect it.

Most entries have one range and nothing else. Those are judged by its bounds alone, so that a source need not make a value
of what it knows of the many records that do not affect the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from secpipe.match.ranges import UNAFFECTED, Outcome, evaluate, interval, is_settled, is_unlisted, key_of
from secpipe.model.advisory import Advisory, Affected, Event


class Candidate(Protocol):
    """A record and the one entry of it that is about the package."""

    @property
    def id(self) -> str:
        """That of the record."""
        ...

    @property
    def advisory(self) -> Advisory:
        """The record, without its affected entries."""
        ...

    @property
    def affected(self) -> Affected:
        """The entry."""
        ...

    @property
    def bounds(self) -> str | None:
        """The entry's one range by `in_lines`; None where that has none, or the entry has others."""
        ...

    @property
    def lists_versions(self) -> bool:
        """Whether the entry names single versions besides."""
        ...


class AdvisorySource(Protocol):
    """Where advisories come from: the database, or anything that answers like it."""

    def lookup(self, ecosystem: str, name: str) -> Sequence[Candidate]:
        """What concerns the package of that name in that ecosystem, release included, or in every release of it."""
        ...

    def has(self, ecosystem: str) -> bool:
        """Whether there is any advisory for that ecosystem, release included."""
        ...

    def named(self, identifiers: Iterable[str]) -> Sequence[Advisory]:
        """The records of these ids that are there, in any ecosystem, without their affected entries."""
        ...


class Judged(NamedTuple):
    """What an entry says of a version. `settled`: its fix is surely the lowest version that is free of it."""

    outcome: Outcome
    settled: bool = False


_NOT = Judged(UNAFFECTED)


def judge(candidate: Candidate, version: str, scheme_name: str) -> Judged:
    """What `evaluate` says of the candidate's entry, and whether `is_settled`, mostly without a look at the entry."""
    bounds = candidate.bounds
    if bounds is not None and (steps := _steps(bounds, scheme_name)) is not None:
        key = key_of(version, scheme_name)
        if key is not None:
            lists = candidate.lists_versions
            judged = _within(steps, key, lists)
            if judged.outcome.affected or not lists or is_unlisted(candidate.affected, version, scheme_name):
                return judged
    outcome = evaluate(candidate.affected, version, scheme_name)
    if outcome.affected is False:
        return _NOT
    return Judged(outcome, is_settled(candidate.affected, outcome, scheme_name))


class _Step(NamedTuple):
    """Where an interval begins (None: below all versions) and ends (None: nowhere), and what is said of what is in it."""

    start: Any
    end: Any
    inside: Judged


def _within(steps: tuple[_Step, ...], key: Any, lists: bool) -> Judged:
    for step in steps:
        if step.start is not None and key < step.start:
            return _NOT
        if step.end is None or key < step.end:
            return Judged(step.inside.outcome) if lists else step.inside
    return _NOT


@lru_cache(maxsize=65536)
def _steps(lines: str, scheme_name: str) -> tuple[_Step, ...] | None:
    """The intervals, in order; None where the bounds are in another, or one of them has no certain place in it."""
    keys: list[Any] = []
    _, *bounds = lines.split("\n")
    for index, text in enumerate(bounds):
        if text == "0":
            if index:
                return None
            keys.append(None)
            continue
        key = key_of(text, scheme_name)
        if key is None or (keys and keys[-1] is not None and not keys[-1] < key):
            return None
        keys.append(key)
    if not bounds:
        return None
    alone = len(bounds) == 2
    steps = []
    for index in range(0, len(bounds), 2):
        opened = Event("introduced", bounds[index])
        ends = index + 1 < len(bounds)
        fixed = bounds[index + 1] if ends else None
        outcome = Outcome(
            True,
            interval(opened, Event("fixed", fixed) if fixed is not None else None),
            fixed,
            endless=None if ends else opened,
        )
        steps.append(_Step(keys[index], keys[index + 1] if ends else None, Judged(outcome, alone)))
    return tuple(steps)
