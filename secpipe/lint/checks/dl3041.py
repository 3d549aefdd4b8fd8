"""DL3041: dnf install without versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check
from secpipe.lint.packages import DNF, loose_rpms
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", onbuild=True, commands=DNF)
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package without a version, or a module without a stream."""
    for command in run.commands(DNF, "install"):
        yield from loose_rpms(command, run.variables)
