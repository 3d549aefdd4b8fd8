"""DL3043: what ONBUILD cannot trigger."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.scope import Context

_IMPOSSIBLE = frozenset({"FROM", "MAINTAINER", "ONBUILD"})


@check("ONBUILD")
def impossible_trigger(onbuild: Instruction, context: Context) -> Iterator[Found]:
    """ONBUILD of FROM, MAINTAINER or ONBUILD."""
    inner = onbuild.trigger
    if inner and inner.keyword in _IMPOSSIBLE:
        yield inner.keyword_word, f"ONBUILD cannot trigger {inner.keyword}: remove the line"
