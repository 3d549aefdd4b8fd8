"""One HTML page that has everything in it: it sorts and filters without a server, a network or another file.

Every text from outside is escaped, and a Content Security Policy (level 3, in the page itself) lets nothing run or load but
the page's own script and style, by their hashes. Without scripts, all findings are still there, worst first.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe import __version__
from secpipe.model.severity import Severity
from secpipe.model.text import plural
from secpipe.report._pagetext import escaped as _text
from secpipe.report._pagetext import hashed as _hash
from secpipe.report._scan import fixed_in, link, made_by, suppressed

if TYPE_CHECKING:
    from secpipe.model.fleetreport import FleetReport
    from secpipe.model.package import LayerRef
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

_MOST = 500
"""rows that are shown at first, and until somebody asks for all; without scripts, all are"""
_ALL = "tr[hidden] { display: table-row; }"
_WORST_FIRST = sorted(Severity, reverse=True)
_COLUMNS = (
    # title, class, order that a first click gives
    ("Severity", "w7", "descending"),
    ("Score", "w6 number", "descending"),
    ("Vulnerability", "", "ascending"),
    ("Package", "", "ascending"),
    ("Installed", "w12", "ascending"),
    ("Fixed in", "w12", "ascending"),
    ("Layer", "w6 number", "ascending"),
)


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """Verdict, filters, a table of findings, the layers, what could not be examined."""
    style, script = (Path(__file__).with_name(f"_page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}' '{_hash(_ALL)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>secpipe: {_text(report.target.reference)}</title>",
        f"<style>{style}</style>",
        f"<noscript><style>{_ALL}</style></noscript>",
        "</head>",
        "<body>",
        '<a class="skip" href="#findings">To the findings</a>',
        *_head(report),
        "<main>",
        *_findings(report),
        *_layers(report),
        *_problems("Not examined", report.problems),
        *_problems("Warnings", report.warnings),
        "</main>",
        f'<footer><p class="soft">secpipe {_text(__version__)}</p></footer>',
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def fleet(report: FleetReport, *, color: bool = False, width: int | None = None) -> str:
    """What is known of a fleet, and a table for each question; it needs no script."""
    from secpipe.report._fleetpage import page

    return page(report)


def _head(report: ScanReport) -> Iterator[str]:
    target = report.target
    yield "<header>"
    yield f"<h1>{_text(target.reference)}</h1>"
    yield (
        f'<p class="verdict {report.verdict}"><strong>{report.verdict}</strong> '
        f"(exit {report.exit_code}): {_text(report.reason)}</p>"
    )
    yield '<ul class="plain">'
    for image in target.images or (target,):
        system = _text(str(image.distribution)) if image.distribution else "unknown distribution"
        count = sum(package.platform in ("", image.platform) for package in report.packages)
        digest = f' <span class="code soft">{_text(image.digest)}</span>' if image.digest else ""
        yield f"<li>{system}, {_text(image.platform)}, {plural(count, 'package')}{digest}</li>"
    yield "</ul>"
    yield "</header>"


def _findings(report: ScanReport) -> Iterator[str]:
    yield "<h2>Findings</h2>"
    if not report.findings:
        yield '<p id="findings">No known vulnerabilities.</p>'
        return
    yield from _filters(report.findings)
    yield '<div class="wide" role="region" aria-label="Findings" tabindex="0">'
    yield '<table id="findings">'
    yield "<thead><tr>"
    for title, kind, first in _COLUMNS:
        sorted_by = ' aria-sort="descending"' if title == "Severity" else ""
        of_class = f' class="{kind}"' if kind else ""
        yield (
            f'<th scope="col"{of_class}{sorted_by} data-first="{first}"><button type="button">{title}</button></th>'
        )
    yield "</tr></thead>"
    yield f'<tbody data-most="{_MOST}">'
    for number, finding in enumerate(report.findings):
        yield _row(finding, late=number >= _MOST)
    yield "</tbody></table></div>"


def _filters(findings: Sequence[Finding]) -> Iterator[str]:
    """Hidden until the script that they need runs."""
    yield "<noscript><p>Sorting and filtering need JavaScript. All findings are shown, worst first.</p></noscript>"
    yield '<form role="search" aria-label="Filter the findings" hidden>'
    yield '<label>Search <input type="search" name="search" placeholder="package, id, path"></label>'
    yield "<fieldset><legend>Severity</legend>"
    for severity in _WORST_FIRST:
        if count := sum(finding.severity is severity for finding in findings):
            box = f'<input type="checkbox" name="severity" value="{severity}">'
            yield f'<label>{box} <span class="s-{severity}">{severity}</span> {count}</label>'
    yield "</fieldset>"
    yield f"<label>{_box('fixable')} fixable {sum(bool(f.fixed_version) for f in findings)}</label>"
    if hidden := sum(finding.suppression is not None for finding in findings):
        yield f"<label>{_box('suppressed')} without {hidden} suppressed</label>"
    if layers := _by_layer(findings):
        options = [(_key(layer, platform), _name(layer, platform)) for (platform, _), (layer, _) in layers]
        yield from _choice("Layer", "layer", options)
    if any(finding.package.origin for finding in findings):
        yield from _choice("Brought by", "origin", [("base", "the base image"), ("app", "the application")])
    yield '<button type="reset">Reset</button>'
    yield '<output id="shown" role="status"></output>'
    yield '<button type="button" id="more" hidden></button>'
    yield "</form>"


def _box(name: str) -> str:
    return f'<input type="checkbox" name="{name}" value="1">'


def _choice(title: str, name: str, options: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f'<label>{title} <select name="{name}"><option value="">any</option>'
    for value, shown in options:
        yield f'<option value="{_text(value)}">{_text(shown)}</option>'
    yield "</select></label>"


def _row(finding: Finding, *, late: bool) -> str:
    package, layer = finding.package, finding.layer
    data = {
        "severity": str(finding.severity),
        "fixable": "1" if finding.fixed_version else "",
        "suppressed": "1" if finding.suppression else "",
        "layer": _key(layer, package.platform) if layer else "",
        "origin": package.origin,
    }
    attributes = "".join(f' data-{name}="{_text(value)}"' for name, value in data.items() if value)
    of_class = ' class="suppressed"' if finding.suppression else ""
    score = "" if finding.score is None else f"{finding.score:.1f}"
    where = [package.platform, package.path, *(["of the base image"] if package.origin == "base" else [])]
    cells = [
        f'<td class="severity s-{finding.severity}" data-key="{finding.severity.value}">{finding.severity}</td>',
        f'<td class="number" data-key="{score or -1}">{score or "-"}</td>',
        f"<td>{_about(finding)}</td>",
        f'<td><span class="code">{_text(package.name)}</span><small>{_text(", ".join(filter(None, where)))}</small></td>',
        f'<td class="code">{_text(package.version)}</td>',
        f'<td class="code">{_text(fixed_in(finding))}</td>',
        f'<td class="number" data-key="{layer.index if layer else -1}">{layer.index if layer else "-"}</td>',
    ]
    hidden = " hidden" if late else ""
    return f"<tr{of_class}{attributes}{hidden}>{''.join(cells)}</tr>"


def _about(finding: Finding) -> str:
    address = link(finding)
    name = _text(finding.id)
    shown = f'<a href="{html.escape(address)}" rel="noopener noreferrer">{name}</a>' if address else name
    if finding.kev:
        shown += ' <span class="mark">exploited</span>'
    if finding.new:
        shown += ' <span class="mark quiet">new</span>'
    notes = [", ".join(finding.aliases), finding.summary, suppressed(finding)]
    if finding.epss is not None:
        notes.append(f"EPSS {finding.epss:.3f}")
    return shown + "".join(f"<small>{_text(note)}</small>" for note in notes if note)


def _by_layer(findings: Iterable[Finding]) -> list[tuple[tuple[str, int], tuple[LayerRef, list[Finding]]]]:
    """The layers that brought findings, by platform and position."""
    layers: dict[tuple[str, int], tuple[LayerRef, list[Finding]]] = {}
    for finding in findings:
        if finding.layer:
            key = (finding.package.platform, finding.layer.index)
            layers.setdefault(key, (finding.layer, []))[1].append(finding)
    return sorted(layers.items(), key=lambda item: item[0])


def _key(layer: LayerRef, platform: str) -> str:
    return f"{platform} {layer.index}".strip()


def _name(layer: LayerRef, platform: str) -> str:
    text = f"{layer.index} {platform}".strip() + f": {made_by(layer)}"
    return text if len(text) <= 80 else text[:79] + "…"


def _layers(report: ScanReport) -> Iterator[str]:
    layers = _by_layer(report.findings)
    if not layers:
        return
    yield "<h2>Layers</h2>"
    yield '<div class="wide" role="region" aria-label="Layers" tabindex="0"><table id="layers">'
    yield '<thead><tr><th scope="col" class="w6 number">Layer</th><th scope="col">Made by</th>'
    yield '<th scope="col" class="w12">Findings</th><th scope="col" class="w6"></th></tr></thead><tbody>'
    for (platform, index), (layer, members) in layers:
        counts = [
            f'<span class="s-{severity}">{count} {severity}</span>'
            for severity in _WORST_FIRST
            if (count := sum(member.severity is severity for member in members))
        ]
        place = f"{layer.file}:{layer.line}" if layer.line else ""
        small = _text(", ".join(filter(None, (platform, place, layer.digest))))
        key = _text(_key(layer, platform))
        button = f'<button type="button" value="{key}" aria-label="Show layer {key}" hidden>Show</button>'
        yield (
            f'<tr><td class="number">{index}</td><td class="code">{_text(made_by(layer))}<small>{small}</small></td>'
            f"<td>{', '.join(counts)}</td><td>{button}</td></tr>"
        )
    yield "</tbody></table></div>"


def _problems(title: str, problems: Sequence[Problem]) -> Iterator[str]:
    if not problems:
        return
    yield f"<h2>{title}</h2>"
    yield "<ul>"
    for problem in problems:
        hint = f"<br><small>{_text(problem.hint)}</small>" if problem.hint else ""
        yield f'<li><span class="code">{_text(problem.code)}</span>: {_text(problem.message)}{hint}</li>'
    yield "</ul>"
