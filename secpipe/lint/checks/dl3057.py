"""DL3057: stages without a HEALTHCHECK."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check
from secpipe.lint.scope import Context
from secpipe.lint.stages import inheriting, leading_to


@check(DOCKERFILE)
def missing(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """A stage that neither has one nor inherits one, and that none with one is based on."""
    having = {i.stage for i in dockerfile.instructions if i.keyword == "HEALTHCHECK"}
    covered = leading_to(dockerfile, inheriting(dockerfile, having))
    for stage in dockerfile.stages:
        if stage.index not in covered:
            yield stage.base
