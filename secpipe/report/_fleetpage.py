"""A fleet as one HTML page: a style and tables, nothing that runs or is loaded, every text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe import __version__
from secpipe.model.severity import Severity
from secpipe.report._fleet import Section, heading, sections
from secpipe.report._pagetext import escaped, hashed

if TYPE_CHECKING:
    from secpipe.model.fleetreport import FleetReport

_NUMBERS = frozenset(("Images", "Undecided", "Names", "Removes", "Fixable", "Crit", "High", "Med", "Low"))
_SHORT = frozenset(("By", "Fixed at", "Last read", "Since", "Version"))
_SEVERITIES = frozenset(map(str, Severity))


def page(report: FleetReport) -> str:
    """The page."""
    style = Path(__file__).with_name("_page.css").read_text("utf-8")
    policy = f"default-src 'none'; style-src '{hashed(style)}'; base-uri 'none'; form-action 'none'"
    first, *others = heading(report)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        "<title>secpipe: the fleet</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        "<header>",
        "<h1>The fleet</h1>",
        f'<p class="verdict {_verdict(report)}">{escaped(others[-2])}; {escaped(others[-1])}</p>',
        '<ul class="plain">',
        *(f"<li>{escaped(line)}</li>" for line in (first, *others[:-2])),
        "</ul>",
        "</header>",
        "<main>",
        *(line for section in sections(report) for line in _section(section)),
        "</main>",
        f'<footer><p class="soft">secpipe {escaped(__version__)}</p></footer>',
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _verdict(report: FleetReport) -> str:
    """The worst of the images': what failed wins over what nobody knows."""
    verdicts = dict(report.overview.verdicts)
    if verdicts.get("failed"):
        return "failed"
    return "undecided" if verdicts.get("undecided") or report.overview.unresolved or not verdicts else "clean"


def _section(section: Section) -> Iterator[str]:
    title = escaped(section.title)
    yield f"<h2>{title}</h2>"
    for note in section.notes:
        yield f"<p>{escaped(note)}</p>"
    if not section.rows:
        return
    yield f'<div class="wide" role="region" aria-label="{title}" tabindex="0"><table>'
    kinds = [_kind(column) for column in section.columns]
    cells = (
        f'<th scope="col"{kind}>{escaped(column)}</th>'
        for column, kind in zip(section.columns, kinds, strict=True)
    )
    yield f"<thead><tr>{''.join(cells)}</tr></thead>"
    yield "<tbody>"
    for row in section.rows:
        yield f"<tr>{''.join(_cell(text, kind) for text, kind in zip(row, kinds, strict=True))}</tr>"
    yield "</tbody></table></div>"


def _kind(column: str) -> str:
    if column in _NUMBERS:
        return ' class="number w6"'
    if column in _SHORT:
        return ' class="w12"'
    return ' class="w7"' if column in ("Severity", "Verdict") else ""


def _cell(text: str, kind: str) -> str:
    if text in _SEVERITIES and "w7" in kind:
        return f'<td class="severity s-{text}">{text}</td>'
    return f"<td{kind}>{escaped(text)}</td>"
