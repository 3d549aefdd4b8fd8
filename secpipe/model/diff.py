"""What became of an image: packages and findings of two scans side by side."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Target, Verdict

Way = Literal["upgraded", "downgraded", "changed"]
"""Where a version went; `changed` where nobody can tell which of the two is the later one."""


class PackageChange(Struct, frozen=True):
    """One package that both have, in two versions."""

    old: Package
    new: Package
    way: Way


class FindingChange(Struct, frozen=True):
    """One finding that both have, whose package, fix, severity, name or suppression is another."""

    old: Finding
    new: Finding


class Packages(Struct, frozen=True):
    """Each sorted by name; `unchanged` is their number."""

    added: tuple[Package, ...]
    removed: tuple[Package, ...]
    changed: tuple[PackageChange, ...]
    unchanged: int


class Findings(Struct, frozen=True):
    """Each worst first; `unchanged` is their number."""

    added: tuple[Finding, ...]
    removed: tuple[Finding, ...]
    changed: tuple[FindingChange, ...]
    unchanged: int


class DiffReport(Struct, frozen=True):
    """Two images, or what reports say of them, and what follows from the difference. `problems` (sorted) are of both."""

    kind: ClassVar[Literal["diff"]] = "diff"
    old: Target
    new: Target
    packages: Packages
    findings: Findings
    problems: tuple[Problem, ...]
    verdict: Verdict
    exit_code: int
    reason: str
