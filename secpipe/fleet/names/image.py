"""Images and patterns of images that were named one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secpipe.fleet.names._reference import written
from secpipe.fleet.names._values import Asked, Found, Given
from secpipe.model.problem import Problem

_BY = "command line"


def names(sources: Sequence[Asked], given: Given) -> Iterator[Found | Asked | Problem]:
    """What each source says itself."""
    for source in sources:
        each = written(source.text, source.by or _BY)
        # A pattern says itself who asks for what comes of it.
        yield each._replace(by=source.by) if isinstance(each, Asked) else each
