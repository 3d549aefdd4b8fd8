"""DL3009: package lists left behind by apt-get update."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Fix, Found, between, check
from secpipe.lint.fixes import add_command
from secpipe.lint.mounts import keep_out
from secpipe.lint.removal import reaches, removed_paths
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_LISTS = "/var/lib/apt/lists"
_APT = re.compile(
    r"(?:(?<![\w./-])|/bin/)(?:apt-get|aptitude|apt)(?![\w./-])(?P<update>[^;&|\n]*\bupdate\b)?"
)
_USES = ("build-dep", "dist-upgrade", "full-upgrade", "install", "source", "upgrade")
_SCRIPT = re.compile(r"\.sh\b|(?:^|[\s;&|])(?:\.{1,2}/|(?:ba|da|a)?sh[ \t]+[^-\s])")


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
        yield between(command, update), "", _fix(run, context, command)


def _fix(run: Run, context: Context, command: Command) -> Fix | None:
    """The removal at the end, unless a later RUN needs the lists.

    One that runs a script may, and so may any when nothing in this RUN did.
    """
    later = _later_runs(run, context)
    firsts = [match for text in later for match in [_APT.search(text)] if match]
    if any(not match["update"] for match in firsts):
        return None
    used = any(c.any(*_USES) for c in run.commands(("apt", "apt-get", "aptitude")))
    safe = used and not any(_SCRIPT.search(text) for text in later)
    return add_command(run, context, f"rm -rf {_LISTS}/*", command, safe=safe)


def _later_runs(run: Run, context: Context) -> list[str]:
    """What runs behind it, in its stage and in those that are based on it."""
    stages = {run.instruction.stage}
    for stage in context.dockerfile.stages:
        if stage.parent in stages:
            stages.add(stage.index)
    text = context.dockerfile.source.text
    return [
        text[each.start : each.end]
        for index in sorted(stages)
        for each in context.instructions(index)
        if each.start > run.start and (each.trigger or each).keyword == "RUN"
    ]


def _removes_lists(command: Command, name: str, context: Context) -> bool:
    if name in ("apt", "apt-get"):
        return command.any("dist-clean", "distclean") is not None
    return reaches(removed_paths(command, name, context.scope), _LISTS)
