"""A report whose texts all have an encoding: names that are no UTF-8 written out before any format sees them.

Every format then tells the same name, and a report that went through JSON says what the scan itself would have said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from msgspec.structs import replace

from secpipe.model import fields
from secpipe.model.text import wellformed

T = TypeVar("T")
_PLAIN = frozenset({type(None), bool, int, float})


def with_wellformed_texts(value: T) -> T:
    """The value of structs and tuples, lone surrogates in its texts written out; itself where there are none."""
    from msgspec import msgpack

    try:
        # Nearly always there are none, and to encode everything takes an eighth of the time to look at it.
        msgpack.encode(value)
    except (ValueError, TypeError, OverflowError):
        result: T = _walk(value, {})
        return result
    return value


def _walk(value: Any, seen: dict[int, Any]) -> Any:
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if kind is str:
        return value if value.isascii() else wellformed(value)
    if isinstance(value, tuple):
        if not value:
            return value
        parts = [_walk(part, seen) for part in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, str):
        return value if value.isascii() else wellformed(value)
    if (shape := _shape(kind)) is None:
        return value
    # A package is in the inventory and in each of its findings.
    if id(value) not in seen:
        changed = {}
        names, values = shape
        for name, old in zip(names, values(value), strict=True):
            of = type(old)
            if of is str:
                if old.isascii():
                    continue
            elif of in _PLAIN or not old:
                continue
            new = _walk(old, seen)
            # `wellformed` gives back an equal text anew for most of what is not ASCII.
            if new is not old and new != old:
                changed[name] = new
        seen[id(value)] = replace(value, **changed) if changed else value
    return seen[id(value)]


@cache
def _shape(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The names of the fields of a class of values, and what gets their values; None where there are none."""
    if not (names := fields.names(kind)):
        return None
    return names, attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
