"""DL3061: instructions before the first FROM."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.dockerfile.keywords import KEYWORDS
from secpipe.lint.check import DOCKERFILE, Found, check
from secpipe.lint.scope import Context


@check(DOCKERFILE)
def before_from(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """Everything but ARG; what is no instruction at all is told as a syntax error."""
    for instruction in context.instructions(-1):
        if instruction.keyword in KEYWORDS - {"ARG"}:
            yield (
                instruction.keyword_word,
                f"{instruction.keyword} comes before the first FROM, where only ARG may stand",
            )
