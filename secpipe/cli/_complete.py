"""What a shell offers for the values of options, when Tab is pressed; and which commands are loaded for that."""

from __future__ import annotations

import os
from collections.abc import Mapping

import typer

VARIABLE = "_SECPIPE_COMPLETE"


def typed(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words after the program's name as far as they were typed. Every Tab starts a process: one command is enough."""
    words = environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS") or ""
    return words.split()[1:]


def formats(ctx: typer.Context, incomplete: str) -> list[str]:
    """The formats that the command can write."""
    from secpipe import report

    kinds = {
        "lint": report.formats("lint"),
        "scan": report.formats("scan"),
        "sbom": report.formats("sbom"),
        "report": report.formats("fleet"),
    }
    return [name for name in kinds.get(ctx.info_name or "", report.known()) if name.startswith(incomplete)]


def codes(incomplete: str) -> list[str]:
    """The codes of rules; each is offered after those that stand before it in a list with commas."""
    from secpipe.lint.rules import known_codes

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{code}" for code in known_codes() if code.startswith(last)]
