"""What the fields of a value are called, and structs of which some fields do not count."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct


class PartlyCompared(Struct, frozen=True):
    """A struct whose fields in `ASIDE` are not compared, as fields of dataclasses need not be: those take fifteen
    milliseconds to load and to define."""

    ASIDE: ClassVar[frozenset[str]] = frozenset()

    def _compared(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name not in self.ASIDE)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same, but for what stands aside."""
        if not isinstance(other, PartlyCompared) or type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        """Of what is compared."""
        return hash(self._compared())


def names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a class of values, in their order; () of any other class."""
    found: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    return found
