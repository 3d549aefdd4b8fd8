"""DL3067: copying the whole of another image."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context


@check("COPY")
def whole_image(copy: Instruction, context: Context) -> Iterator[Found]:
    """From the root of a stage or an image to the root of this one."""
    origin = copy.flag("from")
    if not origin or len(copy.words) < 2 or not _is_root(copy.words[-1].value):
        return
    for source in copy.words[:-1]:
        if _is_root(source.value):
            yield source, f"Copy the files that are needed, not everything in {quoted(origin)}"
            return


def _is_root(path: str) -> bool:
    return path.startswith("/") and posixpath.normpath(path) in ("/", "//")
