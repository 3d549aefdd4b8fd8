"""DL3027: apt."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CACHE = frozenset({"search", "show", "showpkg", "depends", "rdepends", "policy", "madison"})


@check("RUN", onbuild=True)
def apt(run: Run, context: Context) -> Iterator[Found]:
    """Any `apt`."""
    for command in run.commands("apt"):
        better = "apt-cache" if command.any(*_CACHE) else "apt-get"
        yield command.name, f"Use {quoted(better)} instead of {quoted('apt')}, which is made for people"
