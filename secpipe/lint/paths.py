"""Paths within an image, as instructions write them."""

from __future__ import annotations

from secpipe.model.pattern import lazy

_ABSOLUTE = lazy(r"[/$]|[A-Za-z]:")


def may_be_absolute(path: str) -> bool:
    """Whether a path starts with a slash, a drive or a variable, which may hold either."""
    return _ABSOLUTE.match(path) is not None
