"""DL3047: wget that draws its progress."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Fix, Found, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.image import ImageName, official, split
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_CALM = lazy(
    r"--(progress|quiet|output-file|append-output|no-verbose)(=.*)?|"
    # Behind letters without a value: -q, -o, -a, and -nv with more of its kind.
    r"-[46bcdEFhHkKLmNprSvVx]*([qoa].*|n(?=[a-z]*v)[a-z]*)",
    re.DOTALL,
)

_GNU_USERS = lazy(r"\b(?:apt|apt-get|yum|dnf|microdnf|zypper)[ \t]")
"""Where these are, wget is GNU's."""
_BEHIND_BUSYBOX = lazy(r"\bbusybox(?:[ \t]|[\\`][ \t]*\r?\n)+$")
_PART = lazy(r"[^;&|]+")
_PACKAGE = lazy(r"\swget(?:[\s=~<>]|$)")
_BUSYBOX_IMAGES = frozenset({"alpine", "busybox"})
_GNU_IMAGES = frozenset({"almalinux", "buildpack-deps", "centos", "debian", "fedora", "rockylinux", "ubuntu"})


@check("RUN", onbuild=True, commands=("wget",))
def progress(run: Run, context: Context) -> Iterator[Found]:
    """A wget that neither keeps quiet, nor logs to a file, nor was told how to show its progress."""
    # PowerShell's own command of that name has other options and no bar that is drawn into a log.
    for command in () if run.shell.is_windows else run.commands("wget"):
        if not any(_CALM.fullmatch(word.value) for word in command.args):
            yield command.name, "", _fix(run, context, command)


def _fix(run: Run, context: Context, command: Command) -> Fix | None:
    """One line per 32 megabytes; the wget of busybox knows only `-q`, and tells errors all the same."""
    start = command.name.start
    if _BEHIND_BUSYBOX.search(context.dockerfile.source.text[max(0, start - 80) : start]):
        return add_argument(run, context, command.name, "-q")
    is_gnu = _is_gnu(run, context)
    if not is_gnu:
        image = _base(run, context)
        if official(image.name) in _BUSYBOX_IMAGES or "alpine" in (image.tag or ""):
            return add_argument(
                run, context, command.name, "-q", safe=official(image.name) in _BUSYBOX_IMAGES
            )
    return add_argument(run, context, command.name, "--progress=dot:giga", safe=is_gnu)


def _base(run: Run, context: Context) -> ImageName:
    """The image that the stage is based on; one above another stage is not asked for."""
    index = run.instruction.stage
    return split(context.dockerfile.stages[index].resolved or "" if index >= 0 else "")


def _is_gnu(run: Run, context: Context) -> bool:
    """Whether the stage, or one that it is based on, tells that its system is none of busybox."""
    since: dict[int, int] | None = context.file_memory.get("DL3047")
    if since is None:
        since = context.file_memory["DL3047"] = _gnu_since(context)
    place = since.get(run.instruction.stage)
    return place is not None and place <= run.start


def _gnu_since(context: Context) -> dict[int, int]:
    """Of each stage that tells so, where it does; 0 for what its base told."""
    text = context.dockerfile.source.text
    found: dict[int, int] = {}
    for stage in context.dockerfile.stages:
        named = stage.parent is None and official(split(stage.resolved or "").name) in _GNU_IMAGES
        if named or stage.parent in found:
            found[stage.index] = 0
            continue
        for each in context.instructions(stage.index):
            is_run = (each.trigger or each).keyword == "RUN"
            if is_run and _brings_gnu(text[each.start : each.end]):
                found[stage.index] = each.start
                break
    return found


def _brings_gnu(script: str) -> bool:
    """Whether a RUN uses what goes with GNU's wget, or adds that by apk."""
    if _GNU_USERS.search(script):
        return True
    parts = _PART.findall(script) if "wget" in script and "apk" in script else []
    return any("apk" in part and "add" in part and _PACKAGE.search(part) for part in parts)
