"""Images and patterns of images that were named one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secpipe.fleet.names._reference import written
from secpipe.fleet.names._values import Asked, Found, Given
from secpipe.model.problem import Problem


def names(sources: Sequence[Asked], given: Given) -> Iterator[Found | Asked | Problem]:
    """What each source says itself."""
    for source in sources:
        yield written(source.text, source.by)
