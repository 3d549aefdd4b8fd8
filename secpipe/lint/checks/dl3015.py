"""DL3015: apt-get install with recommended packages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, between, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_OFF = lazy(
    r"(-o|--option=)?APT::Install-Recommends=[\"']?(0|no|false|off|without|disable)[\"']?", re.IGNORECASE
)


@check("RUN", onbuild=True, commands=("apt-get",))
def recommended(run: Run, context: Context) -> Iterator[Found]:
    """An install that says nothing against recommended packages."""
    for command in run.commands("apt-get", "install"):
        install = command.any("install")
        if install and not command.flag("no-install-recommends") and not _switched_off(command):
            # Other packages are installed then, some of which may be needed.
            fix = add_argument(run, context, install, "--no-install-recommends", safe=False)
            yield between(command, install), "", fix


def _switched_off(command: Command) -> bool:
    return any(_OFF.fullmatch(word.value) for word in command.args)
