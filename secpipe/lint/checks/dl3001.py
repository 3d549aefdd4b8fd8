"""DL3001: commands that make no sense while an image is built."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_POINTLESS = frozenset({"free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"})


@check("RUN", onbuild=True, commands=_POINTLESS)
def pointless_command(run: Run, context: Context) -> Iterator[Found]:
    """Any command of the list."""
    for command in run.commands(_POINTLESS):
        yield command.name, f"Remove {quoted(command.name.value)}: it has no lasting effect in a build"
