"""DL3000: WORKDIR with a relative path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Fix, Found, check, quoted
from secpipe.lint.fixes import replace
from secpipe.lint.paths import may_be_absolute
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_LITERAL = lazy(r"[\w./+@-]+", re.ASCII)
_FOLDERS = "DL3000"
_MAX_LENGTH = 4096
"""Of a path that Linux takes."""


@check("WORKDIR")
def relative_path(workdir: Instruction, context: Context) -> Iterator[Found]:
    """A path that starts with neither a slash, a drive nor a variable."""
    for path in workdir.words[:1]:
        if not may_be_absolute(path.value.strip()):
            message = f"Use an absolute path: {quoted(path.value)} depends on the WORKDIR before it"
            yield path, message, _absolute(workdir, context)


def _absolute(workdir: Instruction, context: Context) -> Fix | None:
    """The whole path, where the stage has said all of it."""
    folders: dict[int, str | None] | None = context.memory.get(_FOLDERS)
    if folders is None:
        folders = context.memory[_FOLDERS] = _folders(workdir.stage, context)
    folder = folders.get(workdir.start)
    if not folder or not folder.startswith("/") or context.dockerfile.escape == "`":
        return None
    return replace(context, workdir.words[0], posixpath.normpath(folder))


def _folders(stage: int, context: Context) -> dict[int, str | None]:
    """Where each WORKDIR of a stage leads, by its offset; None where the file does not say."""
    found: dict[int, str | None] = {}
    folder: str | None = ""
    for instruction in context.instructions(stage):
        if instruction.keyword == "WORKDIR":
            words = [word.value for word in instruction.words]
            if folder is not None:
                folder = posixpath.join(folder, *words) if all(map(_LITERAL.fullmatch, words)) else None
            if folder and len(folder) > _MAX_LENGTH:
                folder = None
            found[instruction.start] = folder
    return found
