"""For people: one line a finding, so that `grep` works; the verdict last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.model.lint import rule_url
from secpipe.model.severity import Level
from secpipe.model.text import plural, printable
from secpipe.report._console import Part, gaps, heading, shown
from secpipe.report._findings import tables
from secpipe.report._scan import on_new_bases
from secpipe.report._suppressed import suppressed
from secpipe.report._tables import Styled, styled
from secpipe.report._text import instruction, totals

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.scan import Finding, ScanReport

_LEVEL_STYLES = {Level.ERROR: "1;31", Level.WARNING: "33", Level.INFO: "36", Level.STYLE: "2"}
_VERDICT_STYLES = {"clean": "bold green", "failed": "bold red", "undecided": "bold yellow"}


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """`FILE:LINE:COLUMN CODE level: message`, one line a finding, then the totals.

    On a terminal each has the line below it, with a mark under the word, and a rule's first finding its link. Needs no
    rich: start-up is most of a lint.
    """
    lines = []
    linked: set[str] = set()
    for f in report.findings:
        level = _styled(str(f.level), _LEVEL_STYLES.get(f.level, ""), color)
        place = _styled(f"{printable(f.file)}:{f.region.line}:{f.region.column}", "1", color and width)
        lines.append(f"{place} {f.code} {level}: {printable(f.message)}")
        if width is not None:
            lines += _below(report, f, f.code not in linked, color, width)
            linked.add(f.code)
    lines += _summary(report, [""] if width is None else [])
    if width is not None and report.findings:
        worst = max(report.findings, key=lambda f: f.level)
        lines.append(f"`secpipe rules {worst.code}` explains a rule.")
    return "\n".join(lines) + "\n" if lines else ""


def _styled(text: str, style: str, color: object) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color and style else text


def _below(report: LintReport, finding: LintFinding, linked: bool, color: bool, width: int) -> Iterator[str]:
    """The snippet, the link when this is the place for it, an empty line."""
    from secpipe.report._snippet import snippet

    source = report.sources.get(finding.file, ())
    number = finding.region.line
    margin = " " * max(len(str(number)) + 2, 5)
    if number <= len(source):
        shown = snippet(source[number - 1], finding.region, max(width - len(margin) - 2, 20))
        mark = _styled(shown.mark.lstrip(), _LEVEL_STYLES.get(finding.level, ""), color)
        blank = " " * (len(shown.mark) - len(shown.mark.lstrip()))
        yield f"{_styled(f'{number:>{len(margin) - 1}} |', '2', color)} {shown.text}".rstrip()
        yield f"{_styled(f'{margin}|', '2', color)} {blank}{mark}"
    if linked:
        yield _styled(f"{margin}= {rule_url(finding.code)}", "2", color)
    yield ""


def _summary(report: LintReport, gap: list[str]) -> Iterator[str]:
    """Totals by level, what `--fix` would do, the files that were not examined."""
    counts = {level: sum(f.level is level for f in report.findings) for level in sorted(Level, reverse=True)}
    parts = [f"{count} {level}" for level, count in counts.items() if count]
    where = plural(len(report.files), "file")
    if parts:
        yield from gap
        yield f"{plural(len(report.findings), 'finding')} in {where}: {', '.join(parts)}"
    elif report.files:
        yield f"no findings in {where}"
    fixes = [f.fix for f in report.findings if f.fix]
    safe = sum(fix.safe for fix in fixes)
    ways = [f"{safe} fixable with --fix"] if safe else []
    if len(fixes) > safe:
        ways.append(f"{len(fixes) - safe}{' more' if safe else ' fixable'} with --fix --unsafe-fixes")
    if ways:
        yield ", ".join(ways)
    if missed := sorted({printable(p.subject) for p in report.problems if not p.coverage}):
        yield f"not examined: {', '.join(missed)}"


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """Title, table (worst first), findings by layer, what could not be examined, the verdict."""
    return shown(_parts(report, width), color=color, width=width)


def diff(report: DiffReport, *, color: bool = False, width: int | None = None) -> str:
    """What was added, removed and changed of packages and findings, the verdict last."""
    from secpipe.report._diffshown import console

    return shown(console(report, _VERDICT_STYLES[report.verdict]), color=color, width=width)


def _parts(report: ScanReport, width: int | None) -> Iterator[Part]:
    yield from heading(report.target, report.packages, report.database)
    counted = tuple(f for f in report.findings if not f.suppression)
    if counted:
        fixable = sum(f.fixed_version is not None for f in counted)
        count = plural(len(counted), "vulnerability", "vulnerabilities")
        yield from tables(counted, width)
        yield f"{count}: {totals(counted)}; {fixable} with a fix"
        if exploited := sum(f.kev for f in counted):
            yield f"{exploited} known to be exploited"
        yield from _origins(counted)
        yield from _ages(counted, report.baseline)
        yield from map(printable, on_new_bases(report))
        yield ""
        yield from _layers(counted, report.dockerfile, width)
    yield from suppressed(report.findings)
    yield from gaps(report.problems)
    reason = f" (exit {report.exit_code}): {report.reason}"
    yield Styled((("verdict: ", ""), (report.verdict, _VERDICT_STYLES[report.verdict]), (reason, "")))


def _origins(findings: tuple[Finding, ...]) -> Iterator[str]:
    """How many of them came with the base image, where that is known, and what can be done about these."""
    of = Counter(f.package.origin for f in findings)
    if not of["base"] and not of["app"]:
        return
    unknown = f", {of['']} of unknown origin" if of[""] else ""
    yield f"{of['base']} in the base image, {of['app']} in the application{unknown}"
    if of["base"]:
        fixed = sum(f.fixed_version is not None for f in findings if f.package.origin == "base")
        way = f"To mend those of the base, take a newer base image: fixes exist for {fixed}."
        yield way if fixed else "None of those of the base has a fix yet."


def _ages(findings: tuple[Finding, ...], baseline: str) -> Iterator[str]:
    """How many of them the baseline lacks, where there is one."""
    of = Counter(f.new for f in findings)
    if of[True] or of[False]:
        yield f"{of[True]} new, {of[False]} known from {printable(baseline) or 'the baseline'}"


def _layers(findings: tuple[Finding, ...], dockerfile: str, width: int | None) -> Iterator[Part]:
    by_layer: dict[tuple[str, int], list[Finding]] = {}
    for f in findings:
        if f.layer:
            by_layer.setdefault((f.package.platform, f.layer.index), []).append(f)
    if not by_layer:
        return
    built = f", built from {printable(dockerfile)}" if dockerfile else ""
    yield styled(f"By layer{built}:", "bold")
    for (platform, index), members in sorted(by_layer.items()):
        layer = members[0].layer
        assert layer is not None
        made_by = printable(instruction(layer.instruction) if layer.instruction else layer.digest)
        where = f"  {printable(platform)}" if platform else ""
        place = f"{printable(layer.file)}:{layer.line}  " if layer.line else ""
        line = f"{index:>5}{where}  {plural(len(members), 'finding'):>12}  {place}{made_by}"
        yield line if width is None or len(line) <= width else line[: width - 1] + "…"
    yield ""
