"""DL3059: RUN after RUN."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from secpipe.dockerfile.ast import Stage
from secpipe.dockerfile.wrappers import is_shell, script_argument
from secpipe.lint.check import STAGE, Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_CODE = "DL3059"
_STRING = lazy(r"'[^']*'|\"[^\"]*\"")
_SEPARATOR = lazy(r"[;&|]")
"""Those of PowerShell and cmd."""


class _First(NamedTuple):
    """The RUN that the following ones could join."""

    flags: frozenset[tuple[str, str | None]]
    mounts: frozenset[tuple[str, frozenset[tuple[str, str]]]]
    is_short: bool


@check(STAGE)
def neighbours(stage: Stage, context: Context) -> Iterator[Found]:
    """Find the RUNs that stand right behind another."""
    beside = [
        (first.start, second.start)
        for first, second in pairwise(context.instructions(stage.index))
        if first.keyword == second.keyword == "RUN"
    ]
    context.memory[_CODE] = ({first for first, _ in beside}, {second for _, second in beside}, None)
    return iter(())


@check("RUN")
def joinable(run: Run, context: Context) -> Iterator[Found]:
    """A RUN of one command right behind another such RUN with the same flags.

    One that chains commands is left alone: whoever wrote it has thought about what belongs together.
    """
    before_run, behind_run, first = context.memory.get(_CODE, (set(), set(), None))
    if run.start not in before_run and run.start not in behind_run:
        return
    this = _First(
        frozenset([(f.name, f.value) for f in run.instruction.flags if f.name != "mount"]),
        frozenset([(mount.type, frozenset(mount.options.items())) for mount in run.mounts]),
        _is_short(run),
    )
    if run.start in behind_run and this.is_short and this == first:
        yield run.instruction.keyword_word
    else:
        context.memory[_CODE] = (before_run, behind_run, this)


def _is_short(run: Run) -> bool:
    """Whether the shell is given at most one command; what that runs in its turn does not count."""
    if run.shell.is_windows:
        return not _SEPARATOR.search(_STRING.sub("", run.instruction.text))
    found, inner = False, -1
    for command, name in run.named_commands:
        if command.start >= inner:
            if found:
                return False
            found = True
            if name == "sudo" or (
                is_shell(command.name.value) and script_argument((command.name, *command.args))
            ):
                inner = command.end
    return True
