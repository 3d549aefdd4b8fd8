"""DL3047: wget that draws its progress."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CALM = re.compile(
    r"--(progress|quiet|output-file|append-output|no-verbose)(=.*)?|"
    # Behind letters without a value: -q, -o, -a, and -nv with more of its kind.
    r"-[46bcdEFhHkKLmNprSvVx]*([qoa].*|n(?=[a-z]*v)[a-z]*)",
    re.DOTALL,
)


@check("RUN", onbuild=True)
def progress(run: Run, context: Context) -> Iterator[Found]:
    """A wget that neither keeps quiet, nor logs to a file, nor was told how to show its progress."""
    # PowerShell's own command of that name has other options and no bar that is drawn into a log.
    for command in () if run.shell.is_windows else run.commands("wget"):
        if not any(_CALM.fullmatch(word.value) for word in command.args):
            yield command.name
