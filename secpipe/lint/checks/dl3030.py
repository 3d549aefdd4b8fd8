"""DL3030: yum install that asks."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, between, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.packages import assumes_yes
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_INSTALLS = ("install", "groupinstall", "localinstall")


@check("RUN", onbuild=True, commands=("yum",))
def asks(run: Run, context: Context) -> Iterator[Found]:
    """An install without `-y`."""
    for command in run.commands("yum", *_INSTALLS):
        install = command.any(*_INSTALLS)
        if install and not assumes_yes(command):
            # The one says no where the other says yes.
            fix = None if command.flag("assumeno") else add_argument(run, context, install, "-y")
            yield between(command, install), "", fix
