"""DL3014: apt-get install that asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, between, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_YES = lazy(r"(-o|--option=)?APT::Get::Assume-Yes=[\"']?(1|yes|true|with|on|enable)[\"']?", re.IGNORECASE)
_QUIETEST = lazy(r"-q=[2-9]|--quiet=[2-9]")


@check("RUN", onbuild=True, commands=("apt-get",))
def asks(run: Run, context: Context) -> Iterator[Found]:
    """An install without `-y`, and not so quiet that apt-get answers for itself."""
    for command in run.commands("apt-get", "install"):
        install = command.any("install")
        if install and not command.flag("y", "yes", "assume-yes") and not _answers(command):
            # The one says no where the other says yes.
            fix = None if command.flag("assume-no") else add_argument(run, context, install, "-y")
            yield between(command, install), "", fix


def _answers(command: Command) -> bool:
    """Two `q` mean yes; the configuration can say it too."""
    values = [word.value for word in command.args]
    if any(_QUIETEST.fullmatch(value) or _YES.fullmatch(value) for value in values):
        return True
    clusters = (value for value in values if value[:1] == "-" and value[1:].isalpha())
    return sum(value.count("q") for value in clusters) + values.count("--quiet") > 1
