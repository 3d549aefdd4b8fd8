"""DL3000: WORKDIR with a relative path."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.paths import may_be_absolute
from secpipe.lint.scope import Context


@check("WORKDIR")
def relative_path(workdir: Instruction, context: Context) -> Iterator[Found]:
    """A path that starts with neither a slash, a drive nor a variable."""
    for path in workdir.words[:1]:
        if not may_be_absolute(path.value.strip()):
            yield path, f"Use an absolute path: {quoted(path.value)} depends on the WORKDIR before it"
