"""DL1000: what BuildKit's parser refuses, and what we could not read."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check(DOCKERFILE)
def syntax(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """Every problem that the parser met."""
    for problem in dockerfile.problems:
        yield problem, f"Syntax error: {problem.message}"


@check("RUN", onbuild=True)
def unread(run: Run, context: Context) -> Iterator[Found]:
    """A script that a bound kept from being read to its end; no rule can be trusted on it."""
    if run.script.limit:
        yield (
            run.instruction.keyword_word,
            f"Not all of this was read: it reaches the limit {run.script.limit}",
        )
