"""Lints a text and says where the findings are."""

from __future__ import annotations

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.source import source
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.options import Options
from secpipe.model.lint import LintFinding


def findings(text: str, code: str = "", options: Options | None = None) -> list[LintFinding]:
    """The findings in a Dockerfile, of one rule when its code is given."""
    dockerfile = parse(source(text, "Dockerfile"))
    found = lint_dockerfile(dockerfile, pragmas(dockerfile), options)
    return [finding for finding in found if code in ("", finding.code)]


def place(finding: LintFinding) -> str:
    """`line:column-line:column`, as the rules' examples write it."""
    region = finding.region
    return f"{region.line}:{region.column}-{region.end_line}:{region.end_column}"


def lines(text: str, code: str) -> list[int]:
    """The lines of the findings of one rule."""
    return [finding.region.line for finding in findings(text, code)]
