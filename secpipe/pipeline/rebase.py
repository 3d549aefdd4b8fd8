"""What another base image would change: which findings would be gone with it, which would stay, which would come.

Nothing is built. A package that the other base has as well, a package of the distribution by its name and any other at its
place, would be in the version that it has there. One that it lacks would be gone if the image has it from its base; where
nobody knows that, the application may have brought it, and nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from secpipe.model.baseline import mark
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.purl import bare
from secpipe.model.scan import Arrival, Finding
from secpipe.pipeline.inventory import OS_TYPES
from secpipe.policy.baseline import pairs

_VERSIONS = lazy(r"[0-9][0-9A-Za-z.+~-]*", re.ASCII)


def rebased(
    findings: Sequence[Finding], packages: Sequence[Package], others: Sequence[Finding]
) -> tuple[tuple[Finding, ...], tuple[Arrival, ...]]:
    """The findings, which know what becomes of them on a base that has such packages and such (`others`) findings; and
    those that it would bring (worst first)."""
    there = {_place(package) for package in packages}
    ours = [mark(one)._replace(platform="") for one in findings]
    theirs = [mark(one)._replace(platform="") for one in others]
    found = pairs(theirs, ours)
    stays = {position for position in found if position is not None}
    told = tuple(
        replace(one, on_new_base=_fate(one, position is not None, there))
        for one, position in zip(findings, found, strict=True)
    )
    come = (other for position, other in enumerate(others) if position not in stays)
    return told, tuple(
        Arrival(one.id, one.package.purl, one.package.name, one.package.version, one.severity)
        for one in sorted(come, key=lambda one: one.sort_key)
    )


def _fate(finding: Finding, has: bool, there: set[tuple[str, str]]) -> Literal["removed", "stays", ""]:
    if finding.package.origin == "app":
        return ""
    if _place(finding.package) in there:
        return "stays" if has else "removed"
    return "removed" if finding.package.origin == "base" else ""


def _place(package: Package) -> tuple[str, str]:
    """What makes it the same package in another image; an upgrade, of Python too, changes only numbers in its path."""
    place = "" if package.type in OS_TYPES else _VERSIONS.sub("#", package.path)
    return bare(package.purl), place
