"""CSV (RFC 4180, but lines end as elsewhere), a row a finding and one for each thing to look after.

The columns have the names of the JSON report. A spreadsheet takes a cell that begins with one of `=+-@` for a formula;
an apostrophe before it makes it text, as OWASP recommends, and every cell is quoted, whatever the separator is there.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._scan import suppressed
from secpipe.report._text import instruction

if TYPE_CHECKING:
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

_COLUMNS = (
    "kind",
    "severity",
    "score",
    "id",
    "aliases",
    "package",
    "installedVersion",
    "fixedVersion",
    "status",
    "platform",
    "ecosystem",
    "purl",
    "path",
    "layer",
    "instruction",
    "dockerfile",
    "origin",
    "kev",
    "epss",
    "new",
    "suppressed",
    "message",
    "url",
)
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """A line of names, then findings (worst first), then problems and warnings."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    for row in (
        *map(_finding, report.findings),
        *map(_problem, report.problems),
        *map(_warning, report.warnings),
    ):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _finding(finding: Finding) -> dict[str, object]:
    package, layer = finding.package, finding.layer
    return {
        "kind": "vulnerability",
        "severity": finding.severity,
        "score": finding.score,
        "id": finding.id,
        "aliases": " ".join(finding.aliases),
        "package": package.name,
        "installedVersion": package.version,
        "fixedVersion": finding.fixed_version,
        "status": finding.status,
        "platform": package.platform,
        "ecosystem": package.ecosystem,
        "purl": package.purl,
        "path": package.path,
        "layer": layer and layer.index,
        "instruction": layer and instruction(layer.instruction or ""),
        "dockerfile": f"{layer.file}:{layer.line}" if layer and layer.line else "",
        "origin": package.origin,
        "kev": "true" if finding.kev else "",
        "epss": finding.epss,
        "new": {True: "true", False: "false", None: ""}[finding.new],
        "suppressed": suppressed(finding),
        "message": finding.summary,
        "url": finding.url,
    }


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "kind": "problem",
        "id": problem.code,
        "package": problem.subject,
        "status": "gap" if problem.coverage else "failure",
        "message": f"{problem.message}: {problem.hint}" if problem.hint else problem.message,
    }


def _warning(warning: Problem) -> dict[str, object]:
    return {**_problem(warning), "kind": "warning", "status": ""}


def _cell(value: object) -> str:
    text = "" if value is None else printable(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text
