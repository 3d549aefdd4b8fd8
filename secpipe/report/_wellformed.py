"""A report whose texts all have an encoding: names that are no UTF-8 written out before any format sees them.

Every format then tells the same name, and a report that went through JSON says what the scan itself would have said.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from secpipe.model.text import wellformed

T = TypeVar("T")


def with_wellformed_texts(value: T) -> T:
    """The value of dataclasses and tuples, lone surrogates in its texts written out; itself where there are none."""
    result: T = _walk(value, {})
    return result


def _walk(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else wellformed(value)
    if isinstance(value, tuple):
        parts = [_walk(part, seen) for part in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    # A package is in the inventory and in each of its findings.
    if id(value) not in seen:
        changed = {}
        for field in fields(value):
            old = getattr(value, field.name)
            new = _walk(old, seen)
            # `wellformed` gives back an equal text anew for most of what is not ASCII.
            if new is not old and new != old:
                changed[field.name] = new
        seen[id(value)] = replace(value, **changed) if changed else value
    return seen[id(value)]
