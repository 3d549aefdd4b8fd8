"""What the formats for people share of a diff: its two tables as rows of words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.model.named import NamedTuple
from secpipe.model.text import plural

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport, Findings, Packages
    from secpipe.model.package import Package
    from secpipe.model.scan import Finding, Target
    from secpipe.model.severity import Severity

PACKAGES = ("Change", "Package", "Old", "New")
FINDINGS = ("Change", "Severity", "Vulnerability", "Package", "Installed", "Fixed in")


class FindingRow(NamedTuple):
    """The cells of a finding, the finding itself and how bad it is now, or was."""

    cells: tuple[str, ...]
    finding: Finding
    severity: Severity


def package_rows(report: DiffReport) -> Iterator[tuple[str, ...]]:
    """Added, removed, changed; each by name."""
    found = report.packages
    for one in found.added:
        yield "added", _name(one), "-", one.version
    for one in found.removed:
        yield "removed", _name(one), one.version, "-"
    for change in found.changed:
        yield change.way, _name(change.new), change.old.version, change.new.version


def finding_rows(report: DiffReport) -> Iterator[FindingRow]:
    """Added, removed, changed; each worst first. What changed has both values."""
    found = report.findings
    for word, findings in (("added", found.added), ("removed", found.removed)):
        for one in findings:
            yield FindingRow((_word(word, one), *_cells(one)), one, one.severity)
    for change in found.changed:
        pairs = zip(_cells(change.old), _cells(change.new), strict=True)
        cells = (new if old == new else f"{old} → {new}" for old, new in pairs)
        word = "changed"
        if (change.old.suppression is None) != (change.new.suppression is None):
            word = "suppressed" if change.new.suppression else "unsuppressed"
        yield FindingRow((word, *cells), change.new, change.new.severity)


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        str(finding.severity),
        finding.id,
        _name(finding.package),
        finding.package.version,
        finding.fixed_version or "-",
    )


def _word(word: str, finding: Finding) -> str:
    return f"{word}, suppressed" if finding.suppression else word


def _name(package: Package) -> str:
    return f"{package.name} ({package.platform})" if package.platform else package.name


def counts(found: Packages | Findings) -> str:
    """`1 added, 2 removed, 3 changed, 40 unchanged`."""
    numbers = (len(found.added), "added"), (len(found.removed), "removed"), (len(found.changed), "changed")
    return ", ".join(f"{number} {word}" for number, word in (*numbers, (found.unchanged, "unchanged")))


def about(target: Target, report: DiffReport) -> str:
    """`debian 12, linux/amd64`, and how many packages."""
    found = report.packages
    same = len(found.changed) + found.unchanged
    count = same + len(found.removed if target is report.old else found.added)
    distribution = str(target.distribution) if target.distribution else "unknown distribution"
    return ", ".join([distribution, target.platform, plural(count, "package")])
