"""SP1008: a base image that gets no updates any more."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.endoflife import ended
from secpipe.lint.image import split
from secpipe.lint.scope import Context


@check(STAGE)
def past_end_of_life(stage: Stage, context: Context) -> Iterator[Found]:
    """A base whose name and tag, defaults of ARG put in, name a release that had ended when secpipe's data was taken."""
    if stage.parent is None and stage.resolved:
        found = ended(split(stage.resolved))
        if found:
            yield (
                stage.base,
                f"{quoted(stage.resolved)}: {found.product} {found.release} has had no public updates since {found.day}; "
                f"move to {found.successor}",
            )
