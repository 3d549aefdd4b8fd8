"""Reports: one module a format, discovered by file name.

A format module defines `lint(report, *, color, width) -> str`, `scan(report, *, color, width) -> str`, or both.
`width` is the terminal's, None when the output is no terminal: then nothing is wrapped.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Literal

from secpipe.errors import UsageError
from secpipe.model.lint import LintReport
from secpipe.model.scan import ScanReport

Kind = Literal["lint", "scan"]


def formats(kind: Kind) -> list[str]:
    """The names of the formats that can show this kind of report, sorted."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return sorted(name for name in names if hasattr(_module(name), kind))


def render(
    name: str, report: LintReport | ScanReport, *, color: bool = False, width: int | None = None
) -> str:
    """The report in the named format. Raises `UsageError` for a format that is unknown or not for this report."""
    kind: Kind = "lint" if isinstance(report, LintReport) else "scan"
    known = formats(kind)
    if name not in known:
        raise UsageError(f"unknown format {name!r} for {kind}", f"use one of {', '.join(known)}")
    text: str = getattr(_module(name), kind)(report, color=color, width=width)
    return text


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"secpipe.report.{name}")
