"""clair-scanner's report (`-r FILE`), for what reads that: https://github.com/arminc/clair-scanner.

As there, `unapproved` has an id for each vulnerable package that counts, again for each, and severities are Clair's words.
What could not be examined has no place in it; the command tells it on standard error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from secpipe.report._scan import counting

if TYPE_CHECKING:
    from secpipe.model.scan import Finding, ScanReport


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """One object: the image, the ids that nobody approved, every vulnerability."""
    document = {
        "image": report.target.reference,
        "unapproved": [finding.id for finding in counting(report.findings)],
        "vulnerabilities": [_vulnerability(finding, report) for finding in report.findings],
    }
    return json.dumps(document, indent=4, ensure_ascii=False) + "\n"


def _vulnerability(finding: Finding, report: ScanReport) -> dict[str, str]:
    package = finding.package
    return {
        "featurename": package.name,
        "featureversion": package.version,
        "vulnerability": finding.id,
        "namespace": (package.ecosystem or str(report.target.distribution or "")).lower(),
        "description": finding.summary,
        "link": finding.url,
        "severity": str(finding.severity).capitalize(),
        "fixedby": finding.fixed_version or "",
    }
