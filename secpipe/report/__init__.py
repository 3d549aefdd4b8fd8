"""Reports: one module a format, discovered by file name.

A format module defines any of `lint`, `scan`, `sbom`, `diff` and `fleet`, each `(report, *, color, width) -> str`.
`width` is the terminal's, None when the output is no terminal: then nothing is wrapped.
`template:FILE` is a format as well, of every kind of report, and the only one with something of the user's in it.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from secpipe.errors import UsageError
from secpipe.model.modules import names

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport
    from secpipe.model.fleetreport import FleetReport
    from secpipe.model.lint import LintReport
    from secpipe.model.sbom import Bom
    from secpipe.model.scan import ScanReport

Kind = Literal["lint", "scan", "sbom", "diff", "fleet"]


def formats(kind: Kind) -> list[str]:
    """The names of the formats that can show this kind of report, sorted."""
    return [name for name in known() if hasattr(_module(name), kind)]


def check(name: str, kind: Kind) -> str:
    """The name, if there is such a format for this kind of report; raises `UsageError` with the known ones."""
    if (file := template_of(name)) is not None:
        from secpipe.report import _template

        _template.load(file)
    # Only the module asked for is imported: start-up is most of a lint.
    elif name not in known() or not hasattr(_module(name), kind):
        named = f"{', '.join(formats(kind))} or template:FILE"
        raise UsageError(f"unknown format {name!r} for {kind}", f"use one of {named}")
    return name


def template_of(name: str) -> str | None:
    """The file of the format `template:FILE`; None for any other, '' where it is not named."""
    kind, _, file = name.partition(":")
    return file if kind == "template" else None


def render(
    name: str,
    report: LintReport | ScanReport | Bom | DiffReport | FleetReport,
    *,
    color: bool = False,
    width: int | None = None,
) -> str:
    """The report in the named format. Raises `UsageError` for a format that is unknown or not for this report."""
    check(name, report.kind)
    if report.kind in ("scan", "diff", "fleet"):
        from secpipe.report._wellformed import with_wellformed_texts

        report = with_wellformed_texts(report)
    if (file := template_of(name)) is not None:
        from secpipe.report import _template

        return _template.render(file, report)
    text: str = getattr(_module(name), report.kind)(report, color=color, width=width)
    return text


def omitted(name: str, report: LintReport | ScanReport | Bom | DiffReport | FleetReport) -> str:
    """What the format has no room for, in a sentence, where a module tells that of itself; else ''."""
    told = None if template_of(name) is not None else getattr(_module(name), "omitted", None)
    return told(report) if told else ""


def known() -> list[str]:
    """The names of all formats, sorted."""
    return names(__path__)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"secpipe.report.{name}")
