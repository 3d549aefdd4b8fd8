"""DL3000: WORKDIR with a relative path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context

_ABSOLUTE = re.compile(r"[/$]|[A-Za-z]:")


@check("WORKDIR")
def relative_path(workdir: Instruction, context: Context) -> Iterator[Found]:
    """A path that starts with neither a slash, a drive nor a variable."""
    for path in workdir.words[:1]:
        if not _ABSOLUTE.match(path.value.strip()):
            yield path, f"Use an absolute path: {quoted(path.value)} depends on the WORKDIR before it"
