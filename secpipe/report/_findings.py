"""The findings of a scan as tables for people: the application's apart from the base image's, and alike rows as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from secpipe.model.severity import Severity
from secpipe.model.text import printable
from secpipe.report._console import Part, layer_of
from secpipe.report._scan import fixed_in, likelihood
from secpipe.report._tables import Rows, Styled, styled

if TYPE_CHECKING:
    from secpipe.model.scan import Finding

_SEVERITY_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_NAMES = 3
"""Packages of one source that a row names."""
_ID = 24
"""Letters of a vulnerability's name that are never broken, so that it can be copied: a `GHSA-…` has 19."""
_ROOMY = 100
"""Columns of a terminal from which on a row has room for what else there is to say of a name."""
_PARTS = (("app", "In the application:"), ("base", "In the base image:"), ("", "Of unknown origin:"))


def tables(findings: Sequence[Finding], width: int | None) -> Iterator[Part]:
    """One table, worst first, with a line for each finding.

    On a terminal there is one for what the application and what its base brought, where that is known, and packages
    that were built from one source have a row together for what is the same of them.
    """
    if width is None or not any(finding.package.origin for finding in findings):
        yield _table(findings, width)
        return
    for origin, title in _PARTS:
        if members := [finding for finding in findings if finding.package.origin == origin]:
            yield styled(title, "bold")
            yield _table(members, width, divided=True)
            yield ""


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that differ in nothing but the binary package, in the order of the first of each."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        package = finding.package
        alike = (
            *(finding.id, finding.severity, finding.new, fixed_in(finding), finding.kev, finding.on_new_base),
            *(
                package.version,
                package.platform,
                layer_of(package),
                package.type,
                package.source or package.name,
            ),
        )
        groups.setdefault(alike, []).append(finding)
    return list(groups.values())


def _names(findings: Sequence[Finding]) -> str:
    if len(findings) == 1:
        return findings[0].package.name
    names = list(dict.fromkeys(finding.package.name for finding in findings))
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _table(findings: Sequence[Finding], width: int | None, *, divided: bool = False) -> Rows:
    """`divided`: the title above has told whose they are."""
    platforms = any(f.package.platform for f in findings)
    exploited = any(f.kev or f.epss is not None for f in findings)
    rows_of = [[f] for f in findings] if width is None else _grouped(findings)
    titles = [
        "Vulnerability",
        "Package",
        "Installed",
        "Fixed in",
        *(["Exploited"] if exploited else []),
        *(["Platform"] if platforms else []),
        "Layer",
    ]
    firsts = [members[0] for members in rows_of]
    ids = _printable([f.id for f in firsts])
    rows = Rows("Severity", *titles, unbroken=[1] if max(map(len, ids), default=0) <= _ID else [])
    new = " (new)" if width is None or width >= _ROOMY else "\n(new)"
    severities = {one: styled(str(one), _SEVERITY_STYLES.get(one, "")) for one in Severity}
    texts = zip(
        ids,
        _printable([_names(members) for members in rows_of]),
        _printable([f.package.version for f in firsts]),
        _printable([fixed_in(f) for f in firsts]),
        strict=True,
    )
    for f, (identifier, names, version, fixed) in zip(firsts, texts, strict=True):
        rows.add(
            severities[f.severity],
            identifier + new if f.new else identifier,
            names,
            version,
            fixed,
            *([_exploited(f)] if exploited else []),
            *([printable(f.package.platform)] if platforms else []),
            layer_of(f.package, divided) + (" (goes)" if f.on_new_base == "removed" else ""),
        )
    return rows


def _printable(texts: list[str]) -> list[str]:
    """The texts, each made fit to show: nearly always all of them are, which one look tells."""
    every = "".join(texts)
    return texts if every.isascii() and every.isprintable() else [printable(text) for text in texts]


def _exploited(finding: Finding) -> Styled:
    """`KEV` where CISA knows of exploits, and EPSS's probability of any."""
    mark = ("KEV", "bold red") if finding.kev else ("", "")
    return Styled(
        (mark, (" " if finding.kev and finding.epss is not None else "", ""), (likelihood(finding), ""))
    )
