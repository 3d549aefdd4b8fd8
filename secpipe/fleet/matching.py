"""Matches what many images have in common once: each distinct package is held against the advisories a single time.

What the matcher says of a package depends on that package and the advisories alone, neither on the image nor on what else is
in it; tests hold it to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from msgspec.structs import replace

from secpipe.advisories.store import Store
from secpipe.fleet.recent import Recent
from secpipe.match.matcher import MatchResult, match
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding

_MOST = 400_000
"""Packages and findings that are remembered; beyond that all are forgotten."""
_told = attrgetter(
    *("ecosystem", "name", "version", "type", "source", "arch", "purl"),
    *("vendor", "module", "qualifiers", "evidence"),
)
"""All that the matcher looks at."""


class Matching:
    """Remembers, for as long as the advisories are the same."""

    def __init__(self) -> None:
        self._known: dict[object, MatchResult] = {}
        self._recent = Recent[Package, MatchResult]()
        self._by = ""
        self._size = 0

    def __call__(self, packages: Iterable[Package], store: Store) -> MatchResult:
        """As `match` does."""
        if store.digest != self._by or self._size > _MOST:
            self._by, self._size = store.digest, 0
            self._known.clear()
            self._recent.clear()
        findings: list[Finding] = []
        problems: set[Problem] = set()
        for package in packages:
            found = self._recent.get(package)
            if found is None:
                found = self._of(package, store)
                self._recent.put(package, found)
            if found.problems:
                problems.update(found.problems)
            if found.findings:
                findings += [replace(finding, package=package) for finding in found.findings]
        findings.sort(key=lambda finding: (finding.sort_key, finding.package.purl))
        return MatchResult(tuple(findings), tuple(sorted(problems)))

    def _of(self, package: Package, store: Store) -> MatchResult:
        told = _told(package)
        found = self._known.get(told)
        if found is None:
            found = self._known[told] = match((package,), store)
            self._size += 1 + len(found.findings)
        return found
