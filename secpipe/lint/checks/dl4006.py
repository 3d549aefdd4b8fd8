"""DL4006: a pipe whose failures are lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from secpipe.lint.check import Found, Span, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.lint.shell import sets_pipefail


@check("RUN")
def pipe_without_pipefail(run: Run, context: Context) -> Iterator[Found]:
    """The first pipeline that neither SHELL nor a `set -o pipefail` before it covers."""
    if run.shell.is_windows:
        return
    switches = deque(
        (command.start, value)
        for command in run.commands("set", "pipefail")
        if (value := sets_pipefail(word.value for word in command.args)) is not None
    )
    covered = run.shell.pipefail
    for start, end in run.script.pipelines:
        while switches and switches[0][0] < start:
            covered = switches.popleft()[1]
        if not covered:
            yield Span(start, end)
            return
