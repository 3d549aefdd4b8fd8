"""DL3007: a base image with the tag latest."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.image import split
from secpipe.lint.scope import Context


@check(STAGE)
def latest(stage: Stage, context: Context) -> Iterator[Found]:
    """The tag `latest`, and no digest that pins it."""
    image = split(stage.resolved or stage.base.value)
    if stage.parent is None and image.tag == "latest" and image.digest is None:
        yield (
            stage.base,
            f"`latest` changes under you: tag {quoted(image.name)} with the version that is meant",
        )
