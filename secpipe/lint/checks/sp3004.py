"""SP3004: owner or mode are set in a layer of their own."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_HARMLESS = frozenset({"chown", "chmod", "chgrp", "set", "true", "echo", "ls", ":", "sudo"})
_LOOK_BACK = 64
_SIMPLE_MODE = lazy(r"[0-7]{3,4}|[ugoa]*\+r?x")


@check("RUN", commands=("chmod", "chown"))
def changed_after_copy(run: Run, context: Context) -> Iterator[Found]:
    """A chown or chmod, before anything else in a RUN, of just what the COPY right before it has brought."""
    stage = context.instructions(run.instruction.stage)
    index = bisect_left(stage, run.start, key=lambda instruction: instruction.start)
    copies: list[Instruction] = []
    while index and stage[index - 1].keyword in ("COPY", "ADD") and len(copies) < _LOOK_BACK:
        index -= 1
        copies.append(stage[index])
    if not copies:
        return
    folder, used = _folder(stage[max(0, index - _LOOK_BACK) : index])
    files = {target for copy in copies for target in _files(copy, folder)}
    folders = set() if used else {target for copy in copies for target in _folders(copy, folder)}
    for command, name in run.named_commands:
        if name not in _HARMLESS:
            return
        if name in ("chown", "chmod") and _is_simple(command, name):
            paths = {_absolute(word.value, folder) for word in command.positional()[1:]}
            if paths and paths <= (folders if command.flag("R", "recursive") else files):
                yield (
                    command,
                    f"This stores the copied files a second time: say {quoted('--' + name)} where they are copied",
                )


def _folder(before: list[Instruction]) -> tuple[str, bool]:
    """The folder in which a COPY stands, '' when it is not known, and whether a RUN may have put files there."""
    used = False
    for instruction in reversed(before):
        if instruction.keyword == "WORKDIR" and instruction.words:
            path = instruction.words[0].value
            return (path if path.startswith("/") else ""), used
        used = used or instruction.keyword == "RUN"
    return "", True


def _files(copy: Instruction, folder: str) -> Iterator[str]:
    """Where the files of a COPY are: the destination, or what is in it under the name of a source."""
    words = [word.value for word in copy.words]
    sources, destination = words[:-1], words[-1] if words else ""
    files = [
        source for source in sources if source.rpartition("/")[2] not in ("", ".", "..") and "*" not in source
    ]
    target = _absolute(destination, folder)
    if len(files) == len(sources) == 1 and not destination.endswith(("/", ".")):
        yield target
    for source in files:
        yield posixpath.normpath(posixpath.join(target, posixpath.basename(source)))


def _folders(copy: Instruction, folder: str) -> Iterator[str]:
    """The folder that a COPY of the whole context fills."""
    if [word.value for word in copy.words[:-1]] in (["."], ["./"]):
        yield _absolute(copy.words[-1].value, folder)


def _absolute(path: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _is_simple(command: Command, name: str) -> bool:
    """Whether a flag of COPY can do what the command does."""
    words = command.positional()
    if (
        len(words) < 2
        or "$(" in words[0].value
        or "`" in words[0].value
        or any("*" in w.value for w in words[1:])
    ):
        return False
    return name == "chown" or bool(_SIMPLE_MODE.fullmatch(words[0].value))
