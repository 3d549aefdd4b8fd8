"""DL3009: package lists left behind by apt-get update."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Fix, Found, between, check
from secpipe.lint.fixes import add_command
from secpipe.lint.mounts import keep_out
from secpipe.lint.removal import reaches, removed_paths
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_LISTS = "/var/lib/apt/lists"
_APT = lazy(r"(?:(?<![\w./-])|/bin/)(?:apt-get|aptitude|apt)(?![\w./-])(?P<update>[^;&|\n]*\bupdate\b)?")
_USES = ("build-dep", "dist-upgrade", "full-upgrade", "install", "source", "upgrade")
_SCRIPT = lazy(r"\.sh\b|(?:^|[\s;&|])(?:\.{1,2}/|(?:ba|da|a)?sh[ \t]+[^-\s])")


@check("RUN", onbuild=True, commands=("apt", "apt-get", "aptitude"))
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
    last = context.file_memory.get("DL3009")
    if last is None:
        last = context.file_memory["DL3009"] = _last_users(context)
    uses, script = last[run.instruction.stage]
    if uses > run.start:
        return None
    used = any(c.any(*_USES) for c in run.commands(("apt", "apt-get", "aptitude")))
    return add_command(run, context, f"rm -rf {_LISTS}/*", command, safe=used and script <= run.start)


def _last_users(context: Context) -> dict[int, tuple[int, int]]:
    """Of each stage and those based on it, where the last RUN starts that needs lists made before it.

    The second is the last that runs a script, which may need them.
    """
    text = context.dockerfile.source.text
    found: dict[int, tuple[int, int]] = {-1: (-1, -1)}
    for stage in reversed(context.dockerfile.stages):
        uses, script = found.get(stage.index, (-1, -1))
        for each in reversed(context.instructions(stage.index)):
            if (each.trigger or each).keyword == "RUN":
                if each.start > uses:
                    match = _APT.search(text, each.start, each.end)
                    uses = each.start if match and not match["update"] else uses
                if each.start > script and _SCRIPT.search(text, each.start, each.end):
                    script = each.start
        found[stage.index] = uses, script
        if stage.parent is not None:
            others = found.get(stage.parent, (-1, -1))
            found[stage.parent] = max(uses, others[0]), max(script, others[1])
    return found


def _removes_lists(command: Command, name: str, context: Context) -> bool:
    if name in ("apt", "apt-get"):
        return command.any("dist-clean", "distclean") is not None
    return reaches(removed_paths(command, name, context.scope), _LISTS)
