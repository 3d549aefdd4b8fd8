"""DL4006: a pipe whose failures are lost."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.dockerfile.wrappers import is_shell, script_argument
from secpipe.lint.check import Edit, Fix, Found, Span, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.lint.shell import sets_pipefail

_HAVE_PIPEFAIL = frozenset({"ash", "bash", "ksh", "zsh"})


@check("RUN")
def pipe_without_pipefail(run: Run, context: Context) -> Iterator[Found]:
    """The first pipeline that neither its shell's options nor a `set -o pipefail` before it cover."""
    if not run.script.pipelines or run.shell.is_windows:
        return
    # The shell of the RUN first, then those whose script we are in: where each ends, and whether it fails on pipes.
    shells = [(run.end, run.shell.pipefail)]
    for start, end, command in _in_order(run):
        while len(shells) > 1 and shells[-1][0] <= start:
            shells.pop()
        if command is None:
            if not shells[-1][1]:
                yield Span(start, end), "", _fix(run, context)
                return
        elif command.name.value == "set":
            value = _switch(command)
            shells[-1] = (shells[-1][0], shells[-1][1] if value is None else value)
        else:
            shells.append((end, _switch(command) or False))


def _fix(run: Run, context: Context) -> Fix | None:
    """`set -o pipefail` in front, in a shell that is known to have it. What failed unseen until now ends the build then."""
    instruction = run.instruction
    if run.shell.program not in _HAVE_PIPEFAIL or not run.shell.words or run.text is None or instruction.json:
        return None
    if instruction.heredocs or not context.dockerfile.source.text.startswith(
        run.text.text[:1], run.text.start(0)
    ):
        return None
    at = run.text.start(0)
    return Fix((Edit(at, at, "set -o pipefail && "),), safe=False)


def _in_order(run: Run) -> list[tuple[int, int, Command | None]]:
    """Pipelines, `set` commands and the scripts of other shells, outermost first where several begin."""
    commands = (command for command, _ in run.named_commands if _matters(command))
    found: list[tuple[int, int, Command | None]] = [(c.start, c.end, c) for c in commands]
    found += run.script.fed
    found += [(start, end, None) for start, end in run.script.pipelines]
    return sorted(found, key=lambda item: (item[0], -item[1]))


def _matters(command: Command) -> bool:
    name = command.name.value
    return name == "set" or (is_shell(name) and script_argument((command.name, *command.args)) > 0)


def _switch(command: Command) -> bool | None:
    return sets_pipefail(word.value for word in command.args)
