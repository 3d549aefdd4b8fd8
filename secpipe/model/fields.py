"""What the fields of a value are called, be it a struct or one of the few dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any


def names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a class of values, in their order; () of any other class."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    found: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    return found
