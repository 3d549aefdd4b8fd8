"""DL3034: zypper that asks."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, between, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CHANGES = ("install", "in", "remove", "rm", "source-install", "si", "patch")


@check("RUN", onbuild=True, commands=("zypper",))
def asks(run: Run, context: Context) -> Iterator[Found]:
    """An install, a removal or a patch with neither `-n` nor `-y`."""
    for command in run.commands("zypper", *_CHANGES):
        change = command.any(*_CHANGES)
        if change and not command.flag("n", "non-interactive", "y", "no-confirm"):
            yield between(command, change), "", add_argument(run, context, command.name, "-n")
