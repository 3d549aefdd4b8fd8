"""Findings as CycloneDX 1.6 has them: a vulnerability, the components that it affects, and an analysis where there is one.

An analysis says what a VEX document states, in CycloneDX's words. An entry of an ignore file states nothing of that kind,
only that nothing will be done: its analysis has a response and no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secpipe.model.sbom import PREFIX
from secpipe.model.severity import Severity
from secpipe.model.text import printable
from secpipe.report._scan import link, rated_by, suppressed
from secpipe.report._text import json_text

if TYPE_CHECKING:
    from secpipe.model.package import Package
    from secpipe.model.scan import Finding, ScanReport, Suppression

_STATES = {
    "not_affected": "not_affected",
    "affected": "exploitable",
    "fixed": "resolved",
    "under_investigation": "in_triage",
}
_METHODS = (("CVSS:4.", "CVSSv4"), ("CVSS:3.1/", "CVSSv31"), ("CVSS:3.0/", "CVSSv3"), ("AV:", "CVSSv2"))
# OpenVEX's words for why something is not affected, and CycloneDX's own; of the former one has no counterpart and stands
# in the detail alone.
_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
    **{
        word: word
        for word in (
            "code_not_present",
            "code_not_reachable",
            "requires_configuration",
            "requires_dependency",
            "requires_environment",
            "protected_by_compiler",
            "protected_at_runtime",
            "protected_at_perimeter",
            "protected_by_mitigating_control",
        )
    },
}
_SEVERITIES = {Severity.NEGLIGIBLE: "info"}


MAX_VERSION = 1024
"""characters, by the schema"""
_Key = tuple[str, str, str, str]


def vulnerabilities(report: ScanReport, references: Sequence[str]) -> list[dict[str, Any]]:
    """An entry for each id and what is said of it, worst first; `references` names the packages' components, in order."""
    known: dict[_Key, str] = {}
    for package, reference in zip(report.packages, references, strict=True):
        known.setdefault(_key(package), reference)
    groups: dict[tuple[str, Suppression | None, str], list[Finding]] = {}
    for finding in report.findings:
        group = (finding.id, finding.suppression, json_text(_analysed(finding)))
        groups.setdefault(group, []).append(finding)
    return [_vulnerability(members, number, known) for number, members in enumerate(groups.values())]


def _vulnerability(members: list[Finding], number: int, references: Mapping[_Key, str]) -> dict[str, Any]:
    worst = members[0]
    fixes = sorted({(f.package.name, f.fixed_version) for f in members if f.fixed_version})
    affected: dict[str, dict[str, Any]] = {}
    for finding in members:
        reference = references[_key(finding.package)]
        version = {"version": finding.package.version[:MAX_VERSION], "status": "affected"}
        affected[reference] = {"ref": reference, "versions": [version]}
    address = link(worst)
    return {
        "bom-ref": f"vulnerability-{number}",
        "id": worst.id,
        "source": {"name": "OSV", **({"url": address} if address else {})},
        **_aliases(worst),
        "ratings": [_rating(worst)],
        **({"description": worst.summary} if worst.summary else {}),
        **(
            {"recommendation": "; ".join(printable(f"upgrade {name} to {fixed}") for name, fixed in fixes)}
            if fixes
            else {}
        ),
        **({"advisories": [{"url": address}]} if address else {}),
        **_analysed(worst),
        "affects": [affected[reference] for reference in sorted(affected)],
        "properties": _properties(worst),
    }


def _key(package: Package) -> _Key:
    return (package.purl, package.version, package.path, package.platform)


def _aliases(finding: Finding) -> dict[str, Any]:
    names = sorted({*finding.aliases} - {finding.id})
    return {"references": [{"id": name, "source": {"name": "OSV"}} for name in names]} if names else {}


def _rating(finding: Finding) -> dict[str, Any]:
    severity = _SEVERITIES.get(finding.severity, str(finding.severity))
    rated = {**({"score": finding.score} if finding.score is not None else {}), "severity": severity}
    says = finding.evidence.severity.says if finding.evidence.severity else ""
    for beginning, method in _METHODS:
        if finding.score is not None and says.startswith(beginning):
            return {**rated, "method": method, "vector": says}
    return rated


def _analysed(finding: Finding) -> dict[str, Any]:
    """What somebody says of it: why it is suppressed, or what the distribution makes of it."""
    if finding.suppression:
        return {"analysis": _analysis(finding, finding.suppression)}
    if finding.status == "will_not_fix":
        return {"analysis": {"state": "exploitable", "response": ["will_not_fix"]}}
    return {"analysis": {"state": "in_triage"}} if finding.status == "under_investigation" else {}


def _analysis(finding: Finding, why: Suppression) -> dict[str, Any]:
    detail = {"detail": suppressed(finding)}
    if why.status is None:
        return {"response": ["will_not_fix"], **detail}
    justification = _JUSTIFICATIONS.get(why.justification) if why.status == "not_affected" else None
    return {
        "state": _STATES[why.status],
        **({"justification": justification} if justification else {}),
        **detail,
    }


def _properties(finding: Finding) -> list[dict[str, str]]:
    found = [
        ("advisory", finding.evidence.advisory),
        ("range", finding.evidence.range),
        ("kev", "true" if finding.kev else ""),
        ("epss", "" if finding.epss is None else str(finding.epss)),
        ("new", "" if finding.new is None else str(finding.new).lower()),
        ("severity", str(finding.severity)),
        ("severity:source", rated_by(finding)),
    ]
    return [{"name": PREFIX + name, "value": value} for name, value in found if value]
