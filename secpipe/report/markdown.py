"""Markdown as GitHub has it: for a step's summary (`-o markdown=$GITHUB_STEP_SUMMARY`), comments, wikis.

GitHub drops a summary of more than 1 MiB as a whole, so the list of findings ends before that and says how many are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secpipe.model.severity import Severity
from secpipe.model.text import plural
from secpipe.report._console import layer_of
from secpipe.report._markdown import escaped, linked
from secpipe.report._scan import counting, fixed_in, likelihood, link, made_by, on_new_bases, suppressed

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

MAX_BYTES = 1_000_000
_TITLES = ("Severity", "Vulnerability", "Package", "Installed", "Fixed in", "Layer")
_LONG = 300


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """Heading and verdict, totals, findings (worst first), layers, what is suppressed, what could not be examined."""
    around = [*_head(report), *_totals(report), *_on_new_bases(report)]
    after = [*_layers(report), *_list("Not examined", report.problems), *_list("Warnings", report.warnings)]
    rest = MAX_BYTES - sum(len(line.encode()) + 1 for line in [*around, *after])
    counted = counting(report.findings)
    hidden = [finding for finding in report.findings if finding.suppression]
    share = rest // 4 if hidden else 0
    lines = [*around, *_findings(counted, rest - share)]
    if hidden:
        lines += [f"<details><summary>{len(hidden)} suppressed</summary>", ""]
        lines += [*_findings(hidden, share - 200), "</details>", ""]
    return "\n".join([*lines, *after]).rstrip("\n") + "\n"


def diff(report: DiffReport, *, color: bool = False, width: int | None = None) -> str:
    """Heading and verdict, findings, packages, what could not be examined."""
    from secpipe.report._diffshown import markdown

    return markdown(report, MAX_BYTES)


def _head(report: ScanReport) -> Iterator[str]:
    target = report.target
    yield f"## {_cut(target.reference)}"
    yield ""
    yield f"**Verdict: {report.verdict}** (exit {report.exit_code}): {_cut(report.reason)}"
    yield ""
    for image in target.images or (target,):
        system = _cut(str(image.distribution)) if image.distribution else "unknown distribution"
        count = sum(package.platform in ("", image.platform) for package in report.packages)
        about = [
            system,
            _cut(image.platform),
            plural(count, "package"),
            *([image.digest] if image.digest else []),
        ]
        yield f"- {', '.join(about)}"
    yield ""


def _totals(report: ScanReport) -> Iterator[str]:
    counted = counting(report.findings)
    if not counted:
        yield "No known vulnerabilities that count." if report.findings else "No known vulnerabilities."
        yield ""
        return
    yield from ("| Severity | Findings | With a fix |", "|---|--:|--:|")
    for severity in sorted(Severity, reverse=True):
        of_it = [finding for finding in counted if finding.severity is severity]
        if of_it:
            yield f"| {severity} | {len(of_it)} | {sum(bool(finding.fixed_version) for finding in of_it)} |"
    yield ""
    origins = Counter(finding.package.origin for finding in counted)
    if origins["base"] or origins["app"]:
        unknown = f", {origins['']} of unknown origin" if origins[""] else ""
        yield f"{origins['base']} in the base image, {origins['app']} in the application{unknown}."
        yield ""


def _on_new_bases(report: ScanReport) -> Iterator[str]:
    lines = [
        ("- " if line.startswith("On ") else "  - ") + _cut(line.strip()) for line in on_new_bases(report)
    ]
    if lines:
        yield from (*lines, "")


def _findings(findings: Iterable[Finding], most: int) -> Iterator[str]:
    rows = [_row(finding) for finding in findings]
    if not rows:
        return
    yield f"| {' | '.join(_TITLES)} |"
    yield f"|{'---|' * len(_TITLES)}"
    for number, row in enumerate(rows):
        most -= len(row.encode()) + 1
        if most < 0:
            yield ""
            yield f"… and {plural(len(rows) - number, 'more finding')}, none of them worse: see another format."
            break
        yield row
    yield ""


def _row(finding: Finding) -> str:
    package = finding.package
    marks = [mark for mark, holds in (("exploited", finding.kev), ("new", finding.new)) if holds]
    name = _cut(package.name) + (f" ({_cut(package.platform)})" if package.platform else "")
    cells = [
        f"{finding.severity}{''.join(f', **{mark}**' for mark in marks)}",
        linked(finding.id[:_LONG], link(finding)),
        name,
        _cut(package.version),
        _cut(fixed_in(finding)),
        layer_of(package),
    ]
    if finding.epss is not None:
        cells[0] += f", EPSS {escaped(likelihood(finding))}"
    if finding.suppression:
        cells[0] += f", {_cut(suppressed(finding))}"
    return f"| {' | '.join(cells)} |"


def _layers(report: ScanReport) -> Iterator[str]:
    layers: dict[tuple[str, int], list[Finding]] = {}
    for finding in counting(report.findings):
        if finding.layer:
            layers.setdefault((finding.package.platform, finding.layer.index), []).append(finding)
    if not layers:
        return
    yield from ("<details><summary>By layer</summary>", "", "| Layer | Findings | Made by |", "|--:|--:|---|")
    for (platform, index), members in sorted(layers.items()):
        layer = members[0].layer
        assert layer is not None
        where = f" ({_cut(platform)})" if platform else ""
        place = f"{_cut(layer.file)}&#58;{layer.line}&#58; " if layer.line else ""
        yield f"| {index}{where} | {len(members)} | {place}{_cut(made_by(layer))} |"
    yield from ("", "</details>", "")


def _list(title: str, problems: Sequence[Problem]) -> Iterator[str]:
    if not problems:
        return
    yield from (f"### {title}", "")
    for problem in problems:
        hint = f" ({_cut(problem.hint)})" if problem.hint else ""
        yield f"- {problem.code}: {_cut(problem.message)}{hint}"
    yield ""


def _cut(text: str) -> str:
    """Escaped, and no longer than anybody reads in a table."""
    return escaped(text if len(text) <= _LONG else text[: _LONG - 1] + "…")
