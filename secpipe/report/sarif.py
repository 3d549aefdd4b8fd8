"""SARIF 2.1.0 (OASIS Standard with Errata 01), with what GitHub code scanning asks for on top.

GitHub needs every rule to have non-empty texts of at most 1,024 characters, every result a physical location
with a relative URI and four region fields, and `partialFingerprints.primaryLocationLineHash`; it takes 25,000
results a run and shows 5,000. A scan puts its worst findings first, so what is cut is the least.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from secpipe import __version__
from secpipe.model.lint import Fix, LintFinding, LintReport, Rule
from secpipe.model.location import Region
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, ScanReport, Suppression
from secpipe.model.severity import Level, Severity
from secpipe.model.text import plural, printable, wellformed
from secpipe.report._fingerprint import identity, line_hashes
from secpipe.report._scan import baseline_state, repository_of
from secpipe.report._text import instruction, json_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/secpipe/secpipe"
MAX_RESULTS = 25_000
MAX_TEXT = 1_000

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
# Scores in the middle of GitHub's bands, for advisories that give a word and no vector.
_BAND_SCORES = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.0,
    Severity.NEGLIGIBLE: 0.1,
}


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """One run over all files; a result stands on the offending word."""
    codes = sorted({f.code for f in report.findings})
    hashes = {file: line_hashes("\n".join(lines)) for file, lines in report.sources.items()}
    results = [_lint_result(f, codes.index(f.code), hashes.get(f.file, [])) for f in report.findings]
    rules = [_lint_rule(report.rules[code]) for code in codes]
    return _log("secpipe/lint/", rules, results, report.problems, report.exit_code)


def _lint_rule(rule: Rule) -> dict[str, Any]:
    text = f"{rule.rationale}\n\n{rule.remedy}".strip() or rule.summary
    markdown = f"{rule.rationale}\n\n**Instead:** {rule.remedy}\n\n[{rule.code}]({rule.url})"
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": _clip(rule.summary)},
        "fullDescription": {"text": _clip(rule.rationale or rule.summary)},
        "help": {"text": text, "markdown": markdown},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": _LINT_LEVELS[rule.level]},
        "properties": {"tags": ["dockerfile", "lint"], "precision": "high"},
    }


def _lint_result(finding: LintFinding, rule_index: int, hashes: Sequence[str]) -> dict[str, Any]:
    region = finding.region
    fingerprint = (
        hashes[region.line - 1]
        if region.line <= len(hashes)
        else identity(finding.file, finding.code, finding.message)
    )
    result = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": _LINT_LEVELS[finding.level],
        "message": {"text": printable(finding.message)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(finding.file),
                    "region": {**_region(region), "sourceLanguage": "dockerfile"},
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }
    return {**result, "fixes": [_fix(finding, finding.fix)]} if finding.fix else result


def _fix(finding: LintFinding, fix: Fix) -> dict[str, Any]:
    """SARIF §3.55; what has to be looked at before it is applied says so in its description."""
    replacements = [
        {"deletedRegion": _region(edit.region), "insertedContent": {"text": wellformed(edit.text)}}
        for edit in fix.edits
    ]
    how = "" if fix.safe else ", which may change what is built"
    return {
        "description": {"text": f"Fix {finding.code}{how}"},
        "artifactChanges": [{"artifactLocation": _artifact(finding.file), "replacements": replacements}],
        "properties": {"safe": fix.safe},
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """One run over the image; one rule a vulnerability, one result a vulnerable package."""
    repository = repository_of(report.target.reference)
    by_id: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_id.setdefault(finding.id, []).append(finding)
    ids = sorted(by_id)
    positions = {id: position for position, id in enumerate(ids)}
    results = [_scan_result(f, positions[f.id], repository, report) for f in report.findings]
    rules = [_scan_rule(by_id[id]) for id in ids]
    return _log(
        f"secpipe/scan/{repository}/", rules, results, (*report.problems, *report.warnings), report.exit_code
    )


def _scan_rule(findings: list[Finding]) -> dict[str, Any]:
    worst = min(findings, key=lambda f: f.sort_key)
    summary = printable(worst.summary) or f"{worst.id} in {worst.package.name}"
    packages = sorted(
        {
            (f.package.name, f.package.version, f.fixed_version or "none known", str(f.severity))
            for f in findings
        }
    )
    rows = [f"| {' | '.join(map(_cell, row))} |" for row in packages]
    table = "\n".join(["| Package | Installed | Fixed in | Severity |", "|---|---|---|---|", *rows])
    lines = [f"{name} {version}: fixed in {fixed}, {severity}" for name, version, fixed, severity in packages]
    aliases = f"\n\nAlso known as {', '.join(worst.aliases)}." if worst.aliases else ""
    exploited = _exploitation(worst)
    link = f"\n\n[{worst.id}]({worst.url})" if worst.url else ""
    properties: dict[str, Any] = {
        "tags": ["security", "vulnerability", str(worst.severity), *(["exploited"] if worst.kev else [])],
        "precision": "very-high",
    }
    if (score := _security_severity(worst)) is not None:
        properties["security-severity"] = f"{score:.1f}"
    rule: dict[str, Any] = {
        "id": worst.id,
        "name": "VulnerablePackage",
        "shortDescription": {"text": _clip(f"{worst.id}: {summary}" if worst.summary else summary)},
        "fullDescription": {"text": _clip(summary)},
        "help": {
            "text": "\n".join([summary, *lines]) + exploited + aliases,
            "markdown": f"{summary}\n\n{table}{exploited}{aliases}{link}",
        },
        "defaultConfiguration": {"level": _SCAN_LEVELS[worst.severity]},
        "properties": properties,
    }
    if worst.url:
        rule["helpUri"] = worst.url
    return rule


def _exploitation(finding: Finding) -> str:
    """A paragraph of what is known of it, or nothing."""
    known = ["CISA knows that it is exploited."] if finding.kev else []
    if finding.epss is not None:
        known.append(
            f"EPSS estimates that it is exploited within 30 days with a probability of {finding.epss}."
        )
    return f"\n\n{' '.join(known)}" if known else ""


def _scan_result(finding: Finding, rule_index: int, repository: str, report: ScanReport) -> dict[str, Any]:
    package = finding.package
    layer = finding.layer
    remedy = f"upgrade to {finding.fixed_version}" if finding.fixed_version else "no fixed version is known"
    made_by = (
        f" (layer {layer.index}: {instruction(layer.instruction)})" if layer and layer.instruction else ""
    )
    purl = package.purl.partition("?")[0].partition("@")[0]
    properties: dict[str, Any] = {
        "purl": package.purl,
        "installedVersion": package.version,
        "fixedVersion": finding.fixed_version,
        "severity": str(finding.severity),
        "advisory": finding.evidence.advisory,
        "range": finding.evidence.range,
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
    if finding.kev:
        properties["kev"] = True
    if finding.epss is not None:
        properties["epss"] = finding.epss
    where = f" on {package.platform}" if package.platform else ""
    text = f"{package.name} {package.version}{where} is affected by {finding.id}: {remedy}{made_by}"
    suppressed = {"suppressions": [_suppression(finding.suppression)]} if finding.suppression else {}
    return {
        "ruleId": finding.id,
        "ruleIndex": rule_index,
        "level": _SCAN_LEVELS[finding.severity],
        "message": {"text": _clip(printable(text))},
        "locations": [
            {
                "physicalLocation": _place(package, repository),
                "logicalLocations": logical,
            }
        ],
        "partialFingerprints": {
            # Neither tag nor version: an upgrade that does not help must not reopen a dismissed alert.
            "primaryLocationLineHash": identity(
                repository, package.platform or report.target.platform, finding.id, purl, package.path
            )
        },
        "properties": properties,
        **suppressed,
        **({"baselineState": state} if (state := baseline_state(finding)) else {}),
    }


def _suppression(suppression: Suppression) -> dict[str, str]:
    said = suppression.reason or suppression.justification or f"by {suppression.source}"
    owner = f" (owner: {suppression.owner})" if suppression.owner else ""
    until = f" (until {suppression.expires})" if suppression.expires else ""
    text = _clip(printable(f"{said}{owner}{until}"))
    return {"kind": "external", "status": "accepted", "justification": text}


def _place(package: Package, repository: str) -> dict[str, Any]:
    """The instruction that brought the package in, where that is known, else its file in the image."""
    layer = package.layer
    if layer and layer.line:
        line = Region(layer.line, 1, layer.line, 1)
        region = {**_region(line), "sourceLanguage": "dockerfile"}
        return {"artifactLocation": _artifact(layer.file), "region": region}
    return {
        "artifactLocation": {"uri": _uri(f"{repository}/{package.path}")},
        "region": _region(Region(1, 1, 1, 1)),
    }


def _security_severity(finding: Finding) -> float | None:
    if finding.score:
        return min(max(finding.score, 0.1), 10.0)
    return _BAND_SCORES.get(finding.severity)


def _log(
    category: str,
    rules: list[dict[str, Any]],
    results: list[dict[str, Any]],
    problems: Iterable[Problem],
    exit_code: int,
) -> str:
    notifications = [_notification(p) for p in problems]
    if len(results) > MAX_RESULTS:
        cut = f"{plural(len(results), 'result')}, of which the first {MAX_RESULTS} are in this file"
        notifications.append({"level": "warning", "message": {"text": cut}})
    run = {
        "tool": {
            "driver": {
                "name": "secpipe",
                "semanticVersion": __version__,
                "version": __version__,
                "informationUri": HOME,
                "rules": rules,
            }
        },
        "automationDetails": {"id": category},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": exit_code in (0, 1),
                "exitCode": exit_code,
                "toolExecutionNotifications": notifications,
            }
        ],
        "results": results[:MAX_RESULTS],
    }
    document: Mapping[str, Any] = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(document)


def _notification(problem: Problem) -> dict[str, Any]:
    text = f"{problem.message}: {problem.hint}" if problem.hint else problem.message
    return {
        "descriptor": {"id": problem.code},
        "level": "warning" if problem.coverage else "error",
        "message": {"text": printable(text)},
    }


def _artifact(file: str) -> dict[str, str]:
    """A file below the working directory as a relative URI, any other as it is."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return {"uri": path.as_uri()}
    return {"uri": _uri(path.as_posix())}


def _uri(path: str) -> str:
    """A relative URI reference (RFC 3986): the first segment must not look like a scheme, so `:` is escaped."""
    text = re.sub("[\ud800-\udc7f\udd00-\udfff]", lambda found: wellformed(found[0]), path)
    return quote(text, safe="/", errors="surrogateescape")


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
