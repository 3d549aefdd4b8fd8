"""For people: one line a finding, so that `grep` works; the verdict last."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.model.severity import Level, Severity
from secpipe.model.text import plural, printable
from secpipe.report._text import instruction, totals

if TYPE_CHECKING:
    from rich.console import RenderableType

    from secpipe.model.lint import LintReport
    from secpipe.model.scan import Finding, ScanReport

_LEVEL_STYLES = {Level.ERROR: "1;31", Level.WARNING: "33", Level.INFO: "36", Level.STYLE: "2"}
_SEVERITY_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_VERDICT_STYLES = {"clean": "bold green", "failed": "bold red", "undecided": "bold yellow"}


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """`FILE:LINE:COLUMN CODE level: message`, then the totals. Needs no rich: start-up is most of a lint."""
    lines = []
    for f in report.findings:
        level = f"\x1b[{_LEVEL_STYLES[f.level]}m{f.level}\x1b[0m" if color and f.level else str(f.level)
        place = f"{printable(f.file)}:{f.region.line}:{f.region.column}"
        lines.append(f"{place} {f.code} {level}: {printable(f.message)}")
    counts = {level: sum(f.level is level for f in report.findings) for level in sorted(Level, reverse=True)}
    parts = [f"{count} {level}" for level, count in counts.items() if count]
    where = plural(len(report.files), "file")
    if parts:
        lines += ["", f"{plural(len(report.findings), 'finding')} in {where}: {', '.join(parts)}"]
    elif report.files:
        lines.append(f"no findings in {where}")
    return "\n".join(lines) + "\n" if lines else ""


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """Title, table (worst first), findings by layer, what could not be examined, the verdict."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=width or 10_000,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=width is None,
    )
    for part in _parts(report, width):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _parts(report: ScanReport, width: int | None) -> Iterator[RenderableType]:
    from rich.text import Text

    target = report.target
    distribution = target.distribution
    about = [str(distribution) if distribution else "unknown distribution", target.platform]
    about.append(plural(len(report.packages), "package"))
    yield Text(printable(target.reference), style="bold")
    yield printable(", ".join(about))
    if target.digest:
        yield target.digest
    yield ""
    if report.findings:
        fixable = sum(f.fixed_version is not None for f in report.findings)
        count = plural(len(report.findings), "vulnerability", "vulnerabilities")
        yield _table(report.findings)
        yield f"{count}: {totals(report.findings)}; {fixable} with a fix"
        yield ""
        yield from _layers(report.findings, width)
    if report.problems:
        yield Text("Not examined:", style="bold")
        for problem in report.problems:
            yield f"  {problem.code}: {printable(problem.message)}"
            if problem.hint:
                yield f"    {printable(problem.hint)}"
        yield ""
    verdict = Text(report.verdict, style=_VERDICT_STYLES[report.verdict])
    yield Text.assemble("verdict: ", verdict, f" (exit {report.exit_code}): {report.reason}")


def _table(findings: tuple[Finding, ...]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for title in ("Severity", "Vulnerability", "Package", "Installed", "Fixed in", "Layer"):
        table.add_column(title, overflow="fold", no_wrap=title == "Severity")
    for f in findings:
        table.add_row(
            Text(str(f.severity), style=_SEVERITY_STYLES.get(f.severity, "")),
            Text(printable(f.id)),
            Text(printable(f.package.name)),
            Text(printable(f.package.version)),
            Text(printable(f.fixed_version) if f.fixed_version else "-"),
            Text(str(f.layer.index) if f.layer else "-"),
        )
    return table


def _layers(findings: tuple[Finding, ...], width: int | None) -> Iterator[RenderableType]:
    from rich.text import Text

    by_layer: dict[int, list[Finding]] = {}
    for f in findings:
        if f.layer:
            by_layer.setdefault(f.layer.index, []).append(f)
    if not by_layer:
        return
    yield Text("By layer:", style="bold")
    for index, members in sorted(by_layer.items()):
        layer = members[0].layer
        assert layer is not None
        made_by = printable(instruction(layer.instruction) if layer.instruction else layer.digest)
        line = f"{index:>5}  {plural(len(members), 'finding'):>12}  {made_by}"
        yield line if width is None or len(line) <= width else line[: width - 1] + "…"
    yield ""
