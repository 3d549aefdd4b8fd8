"""DL3006: a base image without a tag."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.image import split
from secpipe.lint.scope import Context


@check(STAGE)
def untagged(stage: Stage, context: Context) -> Iterator[Found]:
    """Neither tag nor digest, and no variable that could bring one."""
    written = stage.base.value
    image = split(stage.resolved or written)
    if stage.parent is not None or image.name in ("", "scratch"):
        return
    if image.tag is not None or image.digest is not None:
        return
    # The last component may hold the tag when its value is known only at build time.
    if stage.resolved is None and "$" in image.last_component:
        return
    via = f" ({quoted(image.name)})" if "$" in written and stage.resolved else ""
    yield stage.base, f"Tag the base image {quoted(written)}{via} with the version that is meant"
