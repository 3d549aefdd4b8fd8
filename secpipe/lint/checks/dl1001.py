"""DL1001: a comment that switches rules off."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check, listed
from secpipe.lint.scope import Context


@check(DOCKERFILE)
def ignoring_comment(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """An `ignore=` for an instruction or a command; those for a stage or the file are policy."""
    for pragma in context.pragmas.ignores:
        if pragma.scope == "line":
            codes = listed(word.value for word in pragma.codes)
            yield pragma, f"This comment hides {codes}: fix what it hides and remove it"
