"""DL1000: what BuildKit's parser refuses."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check
from secpipe.lint.scope import Context


@check(DOCKERFILE)
def syntax(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """Every problem that the parser met."""
    for problem in dockerfile.problems:
        yield problem, f"Syntax error: {problem.message}"
