"""DL3009: package lists left behind by apt-get update."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, between, check
from secpipe.lint.mounts import keep_out
from secpipe.lint.removal import reaches, removed_paths
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_LISTS = "/var/lib/apt/lists"


@check("RUN", onbuild=True)
def lists_left(run: Run, context: Context) -> Iterator[Found]:
    """An update in a stage whose files are kept, and no removal of the lists in the same RUN."""
    updates = [(c, c.any("update")) for c in run.commands(("apt", "apt-get", "aptitude"), "update")]
    if not updates or not context.is_kept(run.instruction.stage) or keep_out(run.mounts, _LISTS):
        return
    if any(_removes_lists(command, name, context) for command, name in run.named_commands):
        return
    command, update = updates[0]
    if update:
        yield between(command, update)


def _removes_lists(command: Command, name: str, context: Context) -> bool:
    if name in ("apt", "apt-get"):
        return command.any("dist-clean", "distclean") is not None
    return reaches(removed_paths(command, name, context.scope), _LISTS)
