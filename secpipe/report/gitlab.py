"""GitLab's container scanning report, version 15.0.7 of its security report schemas.

https://gitlab.com/gitlab-org/security-products/security-report-schemas, `container-scanning-report-format.json`. It asks for
times, which are that of SOURCE_DATE_EPOCH, or else 1970: the same scan has the same report. It asks for an operating
system as well, which an image without one calls `unknown`. What could not be examined is told in the messages of the scan.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from secpipe import __version__
from secpipe.errors import UsageError
from secpipe.model.severity import Severity
from secpipe.model.text import printable
from secpipe.report._lint import told
from secpipe.report._markdown import escaped
from secpipe.report._scan import identities, link, made_by, remedy, repository_of, suppressed
from secpipe.report._text import json_text

if TYPE_CHECKING:
    from secpipe.model.package import Origin
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

VERSION = "15.0.7"
_SCHEMAS = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw"
_NAME, _SOLUTION, _LONG = 255, 7000, 4000
"""characters: the schema's bounds of a name and a solution, and ours of what it has none for"""
_IDENTIFIERS = 20
"""as many as GitLab reads"""
_SEVERITIES = {
    Severity.CRITICAL: "Critical",
    Severity.HIGH: "High",
    Severity.MEDIUM: "Medium",
    Severity.LOW: "Low",
    Severity.NEGLIGIBLE: "Info",
    Severity.UNKNOWN: "Unknown",
}


_ORIGINS: dict[Origin, str] = {"base": "the base image", "app": "the application", "": ""}


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """One object: the scan with its messages, a vulnerability a vulnerable package."""
    program = {
        "id": "secpipe",
        "name": "secpipe",
        "url": "https://github.com/secpipe/secpipe",
        "vendor": {"name": "secpipe"},
        "version": __version__,
    }
    moment = _moment()
    names = identities(report, repository_of(report.target.reference))
    return json_text(
        {
            "version": VERSION,
            "schema": f"{_SCHEMAS}/v{VERSION}/dist/container-scanning-report-format.json",
            "scan": {
                "analyzer": program,
                "scanner": program,
                "type": "container_scanning",
                "start_time": moment,
                "end_time": moment,
                "status": "success" if report.exit_code in (0, 1) else "failure",
                "messages": [
                    *(_message(p, "warn" if p.coverage else "fatal") for p in report.problems),
                    *(_message(warning, "info") for warning in report.warnings),
                ],
            },
            "vulnerabilities": [
                _vulnerability(finding, name, report)
                for finding, name in zip(report.findings, names, strict=True)
            ],
            "remediations": [],
        }
    )


def _message(problem: Problem, level: str) -> dict[str, str]:
    return {"level": level, "value": f"{problem.code}: {told(problem)}"}


def _vulnerability(finding: Finding, name: str, report: ScanReport) -> dict[str, Any]:
    package = finding.package
    about = f"{package.name} {package.version} is affected by {finding.id}"
    summary = printable(finding.summary)
    found: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_URL, name)),
        "name": _clip(summary or printable(finding.id), _NAME),
        # GitLab shows it as Markdown.
        "description": escaped(_clip(f"{about}. {finding.summary}".strip(), _LONG)),
        "severity": _SEVERITIES[finding.severity],
        "solution": _clip(printable(f"{package.name}: {remedy(finding)}"), _SOLUTION),
        "identifiers": [_identifier(one, finding) for one in (finding.id, *finding.aliases)][:_IDENTIFIERS],
        "location": {
            "dependency": {
                "package": {"name": printable(package.name)},
                "version": printable(package.version),
            },
            "operating_system": _system(finding, report),
            "image": printable(report.target.reference),
        },
        "details": _details(finding),
    }
    if address := link(finding):
        found["links"] = [{"url": address}]
    if (why := finding.suppression) and why.status == "not_affected":
        found["flags"] = [
            {
                "type": "flagged-as-likely-false-positive",
                "origin": printable(why.source) or "VEX",
                "description": printable(suppressed(finding)),
            }
        ]
    return found


def _system(finding: Finding, report: ScanReport) -> str:
    """The distribution of the package's image."""
    target = report.target
    of_platform = [image for image in target.images if image.platform == finding.package.platform]
    distribution = (of_platform[0] if of_platform else target).distribution
    return printable(str(distribution or "")) or "unknown"


def _identifier(id: str, finding: Finding) -> dict[str, str]:
    """GitLab knows `cve` and `ghsa` by their type; of others it is what their name begins with."""
    head, hyphen, _ = id.partition("-")
    kind = head.lower() if hyphen and head.isascii() and head.isalpha() else "osv"
    found = {"type": kind, "name": printable(id), "value": printable(id)}
    address = link(finding) if id == finding.id else ""
    return {**found, "url": address} if address else found


def _details(finding: Finding) -> dict[str, dict[str, str]]:
    package, layer = finding.package, finding.layer
    texts = [
        ("path", "Path", package.path),
        ("layer", "Layer", made_by(layer) if layer else ""),
        ("dockerfile", "Dockerfile", f"{layer.file}:{layer.line}" if layer and layer.line else ""),
        ("origin", "Brought by", _ORIGINS[package.origin]),
        ("platform", "Platform", package.platform),
        ("purl", "Package URL", package.purl),
        ("kev", "Exploited", "CISA knows of exploits" if finding.kev else ""),
        (
            "epss",
            "Likely exploited",
            f"{finding.epss} within 30 days (EPSS)" if finding.epss is not None else "",
        ),
        ("suppressed", "Suppressed", suppressed(finding)),
    ]
    return {
        key: {"name": name, "type": "text", "value": _clip(printable(text), _LONG)}
        for key, name, text in texts
        if text
    }


def _moment() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "") or "0"
    try:
        return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {epoch[:40]!r}, and should be a number of seconds", "unset it, or mend it"
        ) from error


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
