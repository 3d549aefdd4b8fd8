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

_LITERAL = re.compile(r"[\w./+@-]+", re.ASCII)


@check("WORKDIR")
def relative_path(workdir: Instruction, context: Context) -> Iterator[Found]:
    """A path that starts with neither a slash, a drive nor a variable."""
    for path in workdir.words[:1]:
        if not may_be_absolute(path.value.strip()):
            message = f"Use an absolute path: {quoted(path.value)} depends on the WORKDIR before it"
            yield path, message, _absolute(workdir, context)


def _absolute(workdir: Instruction, context: Context) -> Fix | None:
    """The whole path, where the stage has said all of it."""
    folder = ""
    for instruction in context.instructions(workdir.stage):
        if instruction.keyword == "WORKDIR" and instruction.start <= workdir.start:
            if not all(map(_LITERAL.fullmatch, (word.value for word in instruction.words))):
                return None
            folder = posixpath.join(folder, *(word.value for word in instruction.words))
    if not folder.startswith("/") or context.dockerfile.escape == "`":
        return None
    return replace(context, workdir.words[0], posixpath.normpath(folder))
