"""DL3004: sudo."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", onbuild=True)
def sudo(run: Run, context: Context) -> Iterator[Found]:
    """Any `sudo`."""
    for command in run.commands("sudo"):
        yield command.name
