"""SARIF 2.1.0 (OASIS Standard with Errata 01), with what GitHub code scanning asks for on top.

GitHub needs every rule to have non-empty texts of at most 1,024 characters, every result a physical location
with a relative URI and four region fields, and `partialFingerprints.primaryLocationLineHash`. How the choices were made,
and what of Microsoft's validator is not followed: docs/sarif.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from secpipe.model.lint import Fix, LintFinding, LintReport, Rule
from secpipe.model.location import Region
from secpipe.model.package import Package
from secpipe.model.scan import Finding, ScanReport, Suppression
from secpipe.model.severity import Level, Severity
from secpipe.model.text import printable, wellformed
from secpipe.report._fingerprint import identity, line_hashes
from secpipe.report._markdown import escaped, linked
from secpipe.report._sariflog import artifact, clip, left_out, log, notifications, region, uri, worst
from secpipe.report._scan import (
    UNFIXED,
    baseline_state,
    fixed_in,
    identities,
    link,
    rated_by,
    remedy,
    repository_of,
    why,
)
from secpipe.report._text import instruction

_LINT_LEVELS = {
    Level.ERROR: "error",
    Level.WARNING: "warning",
    Level.INFO: "note",
    Level.STYLE: "note",
    Level.IGNORE: "none",
}
_SCAN_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NEGLIGIBLE: "note",
    Severity.UNKNOWN: "warning",
}
_BANDS = {
    Severity.CRITICAL: (9.1, 9.5, 10.0),
    Severity.HIGH: (7.0, 8.0, 8.9),
    Severity.MEDIUM: (4.0, 5.5, 6.9),
    Severity.LOW: (0.1, 2.0, 3.9),
    Severity.NEGLIGIBLE: (0.1, 0.1, 3.9),
}
"""The scores that GitHub shows as these words; that in the middle is for advisories that give a word and no vector."""


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """One run over all files; a result stands on the offending word."""
    findings = worst(report.findings, _lint_rank)
    codes = sorted({f.code for f in findings})
    hashes = {file: line_hashes("\n".join(lines)) for file, lines in report.sources.items()}
    results = [_lint_result(f, codes.index(f.code), hashes.get(f.file, [])) for f in findings]
    rules = [_lint_rule(report.rules[code]) for code in codes]
    told = notifications(report.problems, omitted(report), files=_files(report))
    return log("secpipe/lint/", rules, results, told, report.exit_code)


def omitted(report: LintReport | ScanReport) -> str:
    """What the worst results leave no room for, in a sentence; '' when all are there."""
    if report.kind == "lint":
        levels = Counter(finding.level for finding in report.findings)
        levels.subtract(finding.level for finding in worst(report.findings, _lint_rank))
        counts = {str(level): count for level, count in sorted(levels.items(), reverse=True)}
    else:
        severities = Counter(finding.severity for finding in report.findings)
        severities.subtract(finding.severity for finding in worst(report.findings, _scan_rank))
        counts = {str(severity): count for severity, count in sorted(severities.items(), reverse=True)}
    return left_out(len(report.findings), counts)


def _lint_rank(finding: LintFinding) -> int:
    return -finding.level


def _scan_rank(finding: Finding) -> tuple[bool, float, bool, bool]:
    """What is suppressed makes room first; a severity that nobody knows could be a high one."""
    severity = finding.severity or Severity.LOW + 0.5
    return finding.suppression is not None, -severity, not finding.kev, finding.new is False


def _files(report: LintReport) -> set[str]:
    """Those that problems may be about."""
    return {*report.files, *(problem.subject for problem in report.problems if not problem.coverage)}


def _lint_rule(rule: Rule) -> dict[str, Any]:
    text = f"{rule.rationale}\n\n{rule.remedy}".strip() or rule.summary
    markdown = f"{rule.rationale}\n\n**Instead:** {rule.remedy}\n\n[{rule.code}]({rule.url})"
    return {
        "id": rule.code,
        "name": rule.name.title().replace("-", ""),
        "shortDescription": {"text": clip(rule.summary)},
        "fullDescription": {"text": clip(rule.rationale or rule.summary)},
        "help": {"text": text, "markdown": markdown},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": _LINT_LEVELS[rule.level]},
        "properties": {"tags": ["dockerfile", "lint"], "precision": "high"},
    }


def _lint_result(finding: LintFinding, rule_index: int, hashes: Sequence[str]) -> dict[str, Any]:
    line = finding.region.line
    fingerprint = (
        hashes[line - 1] if line <= len(hashes) else identity(finding.file, finding.code, finding.message)
    )
    result = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": _LINT_LEVELS[finding.level],
        "message": {"text": printable(finding.message)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": artifact(finding.file),
                    "region": {**region(finding.region), "sourceLanguage": "dockerfile"},
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }
    return {**result, "fixes": [_fix(finding, finding.fix)]} if finding.fix else result


def _fix(finding: LintFinding, fix: Fix) -> dict[str, Any]:
    """SARIF §3.55; what has to be looked at before it is applied says so in its description."""
    replacements = [
        {"deletedRegion": region(edit.region), "insertedContent": {"text": wellformed(edit.text)}}
        for edit in fix.edits
    ]
    how = "" if fix.safe else ", which may change what is built"
    return {
        "description": {"text": f"Fix {finding.code}{how}"},
        "artifactChanges": [{"artifactLocation": artifact(finding.file), "replacements": replacements}],
        "properties": {"safe": fix.safe},
    }


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """One run over the image; one rule a vulnerability, one result a vulnerable package."""
    repository = repository_of(report.target.reference)
    named = list(zip(report.findings, identities(report, repository), strict=True))
    kept = worst(named, lambda pair: _scan_rank(pair[0]))
    by_id: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_id.setdefault(finding.id, []).append(finding)
    # Of a rule that is there, the table has every package, whether there is room for its result or not.
    ids = sorted({finding.id for finding, _ in kept})
    positions = {id: position for position, id in enumerate(ids)}
    results = [_scan_result(f, positions[f.id], name, repository, report) for f, name in kept]
    rules = [_scan_rule(by_id[id]) for id in ids]
    told = notifications((*report.problems, *report.warnings), omitted(report))
    of = {"advisories": report.database} if report.database else {}
    return log(f"secpipe/scan/{repository}/", rules, results, told, report.exit_code, of)


def _scan_rule(findings: list[Finding]) -> dict[str, Any]:
    top = min(findings, key=lambda f: f.sort_key)
    told = printable(top.summary).strip()
    summary = told or f"{top.id} in {top.package.name}"
    packages = sorted(
        {(f.package.name, f.package.version, fixed_in(f, "none known"), str(f.severity)) for f in findings}
    )
    rows = [f"| {' | '.join(map(escaped, row))} |" for row in packages]
    table = "\n".join(["| Package | Installed | Fixed in | Severity |", "|---|---|---|---|", *rows])
    lines = [
        f"{name} {version}: {fixed if fixed in UNFIXED else f'fixed in {fixed}'}, {severity}"
        for name, version, fixed, severity in packages
    ]
    notes = list(_notes(top))
    address = link(top)
    more = [linked(f"More about {top.id}", address)] if address else []
    properties: dict[str, Any] = {
        "tags": ["security", "vulnerability", str(top.severity), *(["exploited"] if top.kev else [])],
        "precision": "very-high",
    }
    if (score := _security_severity(top)) is not None:
        properties["security-severity"] = f"{score:.1f}"
    rule: dict[str, Any] = {
        "id": top.id,
        "name": "VulnerablePackage",
        "shortDescription": {"text": clip(f"{top.id}: {told}" if told else summary)},
        "fullDescription": {"text": clip(summary)},
        "help": {
            "text": "\n".join(map(printable, [summary, *lines, *notes])),
            "markdown": "\n\n".join([escaped(summary), table, *map(escaped, notes), *more]),
        },
        "defaultConfiguration": {"level": _SCAN_LEVELS[top.severity]},
        "properties": properties,
    }
    if address:
        rule["helpUri"] = address
    return rule


def _notes(finding: Finding) -> Iterator[str]:
    """What else is known of a vulnerability, a sentence each."""
    if source := rated_by(finding):
        yield f"Severity: {finding.severity}, by {source}."
    elif not finding.severity:
        yield "No advisory says how severe it is."
    if finding.kev:
        yield "CISA knows that it is exploited."
    if finding.epss is not None:
        yield f"EPSS estimates that it is exploited within 30 days with a probability of {finding.epss}."
    if finding.aliases:
        yield f"Also known as {', '.join(finding.aliases)}."


def _scan_result(
    finding: Finding, rule_index: int, name: str, repository: str, report: ScanReport
) -> dict[str, Any]:
    package = finding.package
    layer = finding.layer
    made_by = (
        f" (layer {layer.index}: {instruction(layer.instruction)})" if layer and layer.instruction else ""
    )
    properties: dict[str, Any] = {
        "purl": package.purl,
        "installedVersion": package.version,
        "fixedVersion": finding.fixed_version,
        "severity": str(finding.severity),
        "advisory": finding.evidence.advisory,
        "range": finding.evidence.range,
        "status": finding.status,
    }
    logical = [{"name": package.name, "fullyQualifiedName": package.purl, "kind": "package"}]
    if layer:
        properties["layer"] = {"digest": layer.digest, "index": layer.index}
        if layer.line:
            properties["path"] = package.path
        logical.append(
            {
                "name": f"layer {layer.index}",
                "fullyQualifiedName": f"{report.target.reference}@{layer.digest}",
                "kind": "layer",
            }
        )
    if package.platform:
        properties["platform"] = package.platform
    if package.origin:
        properties["origin"] = package.origin
    if source := rated_by(finding):
        properties["severitySource"] = source
    if finding.evidence.statement:
        properties["statement"] = finding.evidence.statement
    if finding.kev:
        properties["kev"] = True
    if finding.epss is not None:
        properties["epss"] = finding.epss
    where = f" on {package.platform}" if package.platform else ""
    text = f"{package.name} {package.version}{where} is affected by {finding.id}: {remedy(finding)}{made_by}"
    suppressed = {"suppressions": [_suppression(finding.suppression)]} if finding.suppression else {}
    return {
        "ruleId": finding.id,
        "ruleIndex": rule_index,
        "level": _SCAN_LEVELS[finding.severity],
        "message": {"text": clip(printable(text))},
        "locations": [
            {
                "physicalLocation": _place(package, repository),
                "logicalLocations": logical,
            }
        ],
        "partialFingerprints": {
            # Neither tag nor version: an upgrade that does not help must not reopen a dismissed alert.
            "primaryLocationLineHash": f"{name}:1"
        },
        "properties": properties,
        **suppressed,
        **({"baselineState": state} if (state := baseline_state(finding)) else {}),
    }


def _suppression(suppression: Suppression) -> dict[str, str]:
    said = why(suppression) or f"by {suppression.source}"
    owner = f" (owner: {suppression.owner})" if suppression.owner else ""
    until = f" (until {suppression.expires})" if suppression.expires else ""
    text = clip(printable(f"{said}{owner}{until}"))
    return {"kind": "external", "status": "accepted", "justification": text}


def _place(package: Package, repository: str) -> dict[str, Any]:
    """The instruction that brought the package in, where that is known, else its file in the image."""
    layer = package.layer
    if layer and layer.line:
        line = Region(layer.line, 1, layer.line, 1)
        return {
            "artifactLocation": artifact(layer.file),
            "region": {**region(line), "sourceLanguage": "dockerfile"},
        }
    # A list of packages may name any path; GitHub takes none that leads out of the repository.
    parts = [part for part in package.path.split("/") if part not in ("", ".", "..")]
    return {
        "artifactLocation": {"uri": uri("/".join([repository, *parts]))},
        "region": region(Region(1, 1, 1, 1)),
    }


def _security_severity(finding: Finding) -> float | None:
    """The score, within the band of the severity: GitHub shall show the word that the gate goes by."""
    if finding.severity not in _BANDS:
        return min(max(finding.score, 0.1), 10.0) if finding.score else None
    least, middle, most = _BANDS[finding.severity]
    return middle if finding.score is None else min(max(finding.score, least), most)
