"""A diff for people, on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._console import Part, gaps
from secpipe.report._diff import FINDINGS, PACKAGES, about, counts, finding_rows, package_rows
from secpipe.report._markdown import escaped, linked
from secpipe.report._scan import link
from secpipe.report._tables import Rows, Styled, styled

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport

_STYLES = {
    "added": "bold",
    "removed": "dim",
    "downgraded": "yellow",
}
_LONG = 300


def console(report: DiffReport, verdict_style: str) -> Iterator[Part]:
    """Both targets, packages, findings, what could not be examined, the verdict."""
    for word, target in (("old", report.old), ("new", report.new)):
        yield styled(f"{word}: {printable(target.reference)}", "bold")
        yield f"     {printable(about(target, report))}"
    yield ""
    for title, found, rows, titles in (
        ("Packages", report.packages, package_rows(report), PACKAGES),
        ("Findings", report.findings, (row.cells for row in finding_rows(report)), FINDINGS),
    ):
        yield f"{title}: {counts(found)}"
        yield ""
        shown = Rows(*titles)
        for cells in rows:
            first, *others = cells
            shown.add(styled(first, _STYLES.get(first, "")), *(styled(printable(c)) for c in others))
        if shown:
            yield shown
            yield ""
    yield from gaps(report.problems)
    reason = f" (exit {report.exit_code}): {report.reason}"
    yield Styled((("verdict: ", ""), (report.verdict, verdict_style), (reason, "")))


def markdown(report: DiffReport, most: int) -> str:
    """The same in at most so many bytes: rows that do not fit are counted."""
    lines = [
        f"## {_cut(report.old.reference)} → {_cut(report.new.reference)}",
        "",
        f"**Verdict: {report.verdict}** (exit {report.exit_code}): {_cut(report.reason)}",
        "",
        f"- old: {_cut(about(report.old, report))}",
        f"- new: {_cut(about(report.new, report))}",
        "",
    ]
    after: list[str] = []
    if report.problems:
        after = ["### Not examined", ""]
        after += [
            f"- {problem.code}: {_cut(problem.message)}"
            + (f" ({_cut(problem.hint)})" if problem.hint else "")
            for problem in report.problems
        ]
        after += [""]
    most -= sum(len(line.encode()) + 1 for line in [*lines, *after])
    findings = (
        [_cut(cells[0]), _cut(cells[1]), linked(cells[2][:_LONG], link(finding)), *map(_cut, cells[3:])]
        for cells, finding, _ in finding_rows(report)
    )
    packages = (list(map(_cut, cells)) for cells in package_rows(report))
    lines += _section("Findings", counts(report.findings), FINDINGS, findings, most // 2)
    lines += _section("Packages", counts(report.packages), PACKAGES, packages, most // 2)
    return "\n".join([*lines, *after]).rstrip("\n") + "\n"


def _section(
    title: str, told: str, titles: Iterable[str], rows: Iterable[list[str]], most: int
) -> Iterator[str]:
    yield from (f"### {title}", "", f"{told}.", "")
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return
    yield f"| {' | '.join(titles)} |"
    yield "|" + "---|" * len(list(titles))
    most -= 500
    for number, line in enumerate(lines):
        most -= len(line.encode()) + 1
        if most < 0:
            yield from ("", f"… and {len(lines) - number} more: see another format.")
            break
        yield line
    yield ""


def _cut(text: str) -> str:
    return escaped(text if len(text) <= _LONG else text[: _LONG - 1] + "…")
