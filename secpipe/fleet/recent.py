"""What was found out about values that are met again and again as the very same ones."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_MOST = 100_000


class Recent(Generic[K, V]):
    """By the identity of a value, since to hash a package takes longer than most of what is done with it. The values are
    kept, so that no other takes the place of one; when there are too many, all are forgotten."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[K, V]] = {}

    def get(self, value: K) -> V | None:
        """What was put there for this very value, if anything."""
        found = self._known.get(id(value))
        return None if found is None else found[1]

    def put(self, value: K, told: V) -> None:
        """Remember it."""
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[id(value)] = value, told

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
