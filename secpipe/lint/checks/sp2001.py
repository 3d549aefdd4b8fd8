"""SP2001: an image that is not pinned by its digest."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.image import split
from secpipe.lint.scope import Context

_MESSAGE = "can be another image tomorrow: pin it, `name:tag@sha256:…`"


@check(STAGE)
def unpinned_base(stage: Stage, context: Context) -> Iterator[Found]:
    """A base, defaults of ARG put in, that is neither a stage nor scratch and has no digest."""
    image = stage.resolved
    if image and stage.parent is None and image != "scratch" and not split(image).digest:
        yield stage.base, f"{quoted(image)} {_MESSAGE}"


@check("COPY")
def unpinned_source(copy: Instruction, context: Context) -> Iterator[Found]:
    """A `--from` that names an image, which a name with a tag or a path tells."""
    for flag in copy.flags:
        if flag.name == "from" and flag.value and "$" not in flag.value:
            image = split(flag.value)
            if (image.tag or "/" in image.name) and not image.digest:
                yield flag, f"{quoted(flag.value)} {_MESSAGE}"
