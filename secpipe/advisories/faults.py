"""Keeps account of what could not be used of the records: problems to tell now, and counts that the database remembers.

A scan asks for the counts: where records of an ecosystem could not be read, it cannot call an image of it clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from secpipe.advisories.names import base, misnamed, release
from secpipe.advisories.osv import is_of_commits
from secpipe.model.problem import Problem
from secpipe.model.text import plural

UNKNOWN = ""
"""Stands for an ecosystem that nobody could tell: such a record counts for all."""


class Faults:
    """The account of one compilation. `only` is the base ecosystem of a feed's zip, all others are of no concern.

    What the source of the records adds to `problems` in the meantime (files that could not be read) counts too.
    """

    def __init__(self, problems: list[Problem], only: str | None = None) -> None:
        self._problems = problems
        self._before = len(problems)
        self._only = only
        self._own: list[Problem] = []
        self._misnamed: dict[str, list[str]] = {}
        self._unread: dict[str, int] = {}

    def unreadable(self, where: str, value: object, error: Exception) -> None:
        """A record without an id or with one that is no word."""
        hint = "the rest was read; mend or remove this one"
        self._own.append(Problem("unreadable-advisory", where, f"{where} is no advisory: {error}", hint))
        self._count(set(_named(value)) or {UNKNOWN})

    def faulty(self, where: str, value: object, identifier: str, faults: Sequence[str]) -> None:
        """A record of which parts were left out."""
        hint = "the rest of the record is used"
        self._own += [
            Problem("faulty-advisory", where, f"{where} ({identifier}): {fault}", hint) for fault in faults
        ]
        if faults:
            self._count(set(_named(value)))

    def unmatchable(self, where: str, ecosystem: str) -> bool:
        """Whether the ecosystem is one that no package can be in; the record then counts for the one that was meant."""
        wrong = misnamed(ecosystem, self._only)
        if wrong is None:
            return False
        # Others publish under a bare `Alpine`, which a feed then files there; that never stands for a release of Alpine.
        if self._only is None or (base(wrong.meant) == self._only and ecosystem != self._only):
            self._misnamed.setdefault(ecosystem, []).append(where)
            self._count({ecosystem})
        return True

    def close(self) -> dict[str, int]:
        """Tell everything, and return how many records could not be used: ecosystem (a base stands for all its releases,
        `UNKNOWN` for all there are) → count."""
        if lost := len(self._problems) - self._before:
            self._add(UNKNOWN, lost)
        self._problems += self._own
        for ecosystem, wheres in self._misnamed.items():
            wrong = misnamed(ecosystem, self._only)
            others = f" and {plural(len(wheres) - 1, 'other record')}" if len(wheres) > 1 else ""
            reason = wrong.reason if wrong else ""
            message = f"{min(wheres)}{others}: no package can be in the ecosystem {ecosystem!r} ({reason})"
            hint = "names are as in the OSV schema, upper and lower case and release included"
            self._problems.append(Problem("unknown-ecosystem", ecosystem, message, hint))
        return self._unread

    def _count(self, ecosystems: set[str]) -> None:
        if UNKNOWN in ecosystems:
            self._add(UNKNOWN, 1)
            return
        wrong = {name: misnamed(name, self._only) for name in ecosystems}
        meant = {found.meant if found else name for name, found in wrong.items()}
        for name in meant - {UNKNOWN}:
            if self._only is None or base(name) == self._only:
                self._add(name, 1)

    def _add(self, ecosystem: str, count: int) -> None:
        key = ecosystem or self._only or UNKNOWN
        self._unread[key] = self._unread.get(key, 0) + count


def _named(value: object) -> Iterator[str]:
    """The ecosystem of each affected entry of a record, `UNKNOWN` where it does not tell."""
    affected = value.get("affected") if isinstance(value, Mapping) else UNKNOWN
    for entry in affected if isinstance(affected, list) else [affected]:
        if entry is None:
            continue
        if isinstance(entry, Mapping) and entry.get("package") is None:
            if not is_of_commits(entry.get("ranges"), entry.get("versions")):
                yield UNKNOWN
            continue
        package = entry["package"] if isinstance(entry, Mapping) else None
        ecosystem = package.get("ecosystem") if isinstance(package, Mapping) else None
        yield release(ecosystem) if isinstance(ecosystem, str) else UNKNOWN
