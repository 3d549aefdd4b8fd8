"""DL3035: zypper dist-upgrade."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, between, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", onbuild=True, commands=("zypper",))
def upgrade(run: Run, context: Context) -> Iterator[Found]:
    """Any upgrade of the distribution."""
    for command in run.commands("zypper", "dist-upgrade", "dup"):
        upgrade = command.any("dist-upgrade", "dup")
        if upgrade:
            yield between(command, upgrade)
