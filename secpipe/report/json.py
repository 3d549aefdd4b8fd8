"""JSON: `lint` in hadolint's shape with positions added, `scan` and `sbom` as their schemas in docs/schema have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secpipe.model.severity import Level
from secpipe.report._text import json_string, json_text

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport
    from secpipe.model.fleetreport import FleetReport
    from secpipe.model.lint import LintReport
    from secpipe.model.package import Distribution, LayerRef, Package
    from secpipe.model.problem import Problem
    from secpipe.model.sbom import Bom
    from secpipe.model.scan import (
        Evidence,
        ExploitationFeed,
        Finding,
        NewBase,
        ScanReport,
        Suppression,
        Target,
    )

SCHEMA_VERSION = "1.0"


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """An array of findings, sorted by file and place, one a line (docs/schema/lint.schema.json)."""
    levels = {level: str(level) for level in Level}
    files = {file: json_string(file) for file in report.files}
    # Written out, for there may be thousands, and `json.dumps` takes five times as long for so little each.
    lines = [
        f'{{"code": "{f.code}", "level": "{levels[f.level]}", "message": {json_string(f.message)}, '
        f'"file": {files[f.file]}, "line": {f.region.line}, "column": {f.region.column}, '
        f'"endLine": {f.region.end_line}, "endColumn": {f.region.end_column}}}'
        for f in report.findings
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """One object: target, packages, findings, problems and the verdict."""
    return json_text(
        {
            "schemaVersion": SCHEMA_VERSION,
            "target": _target(report.target),
            "packages": [_package(p) for p in report.packages],
            "findings": [_finding(f) for f in report.findings],
            "problems": [_problem(p) for p in report.problems],
            "verdict": report.verdict,
            "exitCode": report.exit_code,
            "reason": report.reason,
            **({"warnings": [_problem(w) for w in report.warnings]} if report.warnings else {}),
            **({"baseline": report.baseline} if report.baseline else {}),
            **({"newBases": [_new_base(base) for base in report.new_bases]} if report.new_bases else {}),
            **({"dockerfile": report.dockerfile} if report.dockerfile else {}),
            **({"feeds": [_feed(f) for f in report.feeds]} if report.feeds else {}),
            **({"database": {"digest": report.database}} if report.database else {}),
        }
    )


def sbom(bom: Bom, *, color: bool = False, width: int | None = None) -> str:
    """One object: target, packages and problems, each as in a scan."""
    return json_text(
        {
            "schemaVersion": SCHEMA_VERSION,
            "target": _target(bom.target),
            "packages": [_package(p) for p in bom.packages],
            "problems": [_problem(p) for p in bom.problems],
        }
    )


def diff(report: DiffReport, *, color: bool = False, width: int | None = None) -> str:
    """One object: both targets, what became of packages and findings, problems and the verdict."""
    packages, findings = report.packages, report.findings
    return json_text(
        {
            "schemaVersion": SCHEMA_VERSION,
            "old": _target(report.old),
            "new": _target(report.new),
            "packages": {
                "added": [_package(p) for p in packages.added],
                "removed": [_package(p) for p in packages.removed],
                "changed": [
                    {"change": c.way, "old": _package(c.old), "new": _package(c.new)}
                    for c in packages.changed
                ],
                "unchanged": packages.unchanged,
            },
            "findings": {
                "added": [_finding(f) for f in findings.added],
                "removed": [_finding(f) for f in findings.removed],
                "changed": [{"old": _finding(c.old), "new": _finding(c.new)} for c in findings.changed],
                "unchanged": findings.unchanged,
            },
            "problems": [_problem(p) for p in report.problems],
            "verdict": report.verdict,
            "exitCode": report.exit_code,
            "reason": report.reason,
        }
    )


def fleet(report: FleetReport, *, color: bool = False, width: int | None = None) -> str:
    """One object: the runs, the overview, and what was asked besides (docs/schema/fleet.schema.json)."""
    from secpipe.report._fleetjson import document

    return json_text({"schemaVersion": SCHEMA_VERSION, **document(report)})


def _target(target: Target) -> dict[str, Any]:
    images = [
        {
            "platform": image.platform,
            "digest": image.digest or None,
            "distribution": image.distribution and str(image.distribution),
            **_system(image.distribution),
        }
        for image in target.images
    ]
    return {
        "reference": target.reference,
        "digest": target.digest or None,
        "platform": target.platform,
        "distribution": target.distribution and str(target.distribution),
        **({"images": images} if images else {}),
        **_system(target.distribution),
    }


def _system(distribution: Distribution | None) -> dict[str, Any]:
    """The parts of what `distribution` has as one text."""
    if distribution is None:
        return {}
    parts = {"id": distribution.id, "versionId": distribution.version_id, "name": distribution.name}
    return {"operatingSystem": {key: part for key, part in parts.items() if part or key == "id"}}


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "subject": problem.subject,
        "message": problem.message,
        "hint": problem.hint or None,
        "coverage": problem.coverage,
    }


def _feed(feed: ExploitationFeed) -> dict[str, str | None]:
    return {"name": feed.name, "released": feed.released or None, "digest": feed.digest}


def _package(package: Package) -> dict[str, Any]:
    source = package.source
    return {
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "ecosystem": package.ecosystem,
        "source": source and {"name": source.name, "version": source.version},
        "path": package.path,
        "layer": _layer(package.layer),
        **({"owner": package.owner} if package.owner else {}),
        **_platform(package),
        **({"arch": package.arch} if package.arch else {}),
        **({"vendor": package.vendor} if package.vendor else {}),
        **({"module": package.module} if package.module else {}),
        **_origin(package),
        **({"evidence": package.evidence} if package.evidence else {}),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    # What the formats of a scan share takes its time to load, and a lint needs none of it.
    from secpipe.report._scan import baseline_state

    return {
        "id": finding.id,
        "aliases": list(finding.aliases),
        "package": finding.package.purl,
        "installedVersion": finding.package.version,
        "fixedVersion": finding.fixed_version,
        "severity": str(finding.severity),
        "score": finding.score,
        "status": finding.status,
        "layer": _layer(finding.layer),
        "evidence": {
            "advisory": finding.evidence.advisory,
            "range": finding.evidence.range,
            "scheme": finding.evidence.scheme,
            **_reasons(finding.evidence),
        },
        **_platform(finding.package),
        **_origin(finding.package),
        **({"kev": True} if finding.kev else {}),
        **({"epss": finding.epss} if finding.epss is not None else {}),
        "path": finding.package.path,
        **({"summary": finding.summary} if finding.summary else {}),
        **({"url": finding.url} if finding.url else {}),
        **({"suppression": _suppression(finding.suppression)} if finding.suppression else {}),
        **({"onNewBase": finding.on_new_base} if finding.on_new_base else {}),
        **({"baselineState": state} if (state := baseline_state(finding)) else {}),
    }


def _reasons(evidence: Evidence) -> dict[str, Any]:
    """What severity and status are from, where a record says so."""
    rated = evidence.severity
    severity = {"severity": {"advisory": rated.advisory, "says": rated.says}} if rated else {}
    return {**severity, **({"statement": evidence.statement} if evidence.statement else {})}


def _new_base(base: NewBase) -> dict[str, Any]:
    return {
        "reference": base.reference,
        "digest": base.digest or None,
        **({"platform": base.platform} if base.platform else {}),
        "adds": [
            {
                "id": one.id,
                "package": one.purl,
                "name": one.package,
                "version": one.version,
                "severity": str(one.severity),
            }
            for one in base.adds
        ],
    }


def _suppression(suppression: Suppression) -> dict[str, str]:
    """Its fields, without those that say nothing."""
    fields = {
        "kind": suppression.kind,
        "reason": suppression.reason,
        "source": suppression.source,
        "owner": suppression.owner,
        "expires": suppression.expires,
        "status": suppression.status or "",
        "justification": suppression.justification,
    }
    return {name: value for name, value in fields.items() if value}


def _platform(package: Package) -> dict[str, str]:
    """Where the images of several platforms are in one report, which one is meant."""
    return {"platform": package.platform} if package.platform else {}


def _origin(package: Package) -> dict[str, str]:
    """Where the base image is known, whether the package is of it."""
    return {"origin": package.origin} if package.origin else {}


def _layer(layer: LayerRef | None) -> dict[str, Any] | None:
    if layer is None:
        return None
    return {
        "digest": layer.digest,
        "index": layer.index,
        "instruction": layer.instruction,
        **({"file": layer.file, "line": layer.line} if layer.line else {}),
    }
