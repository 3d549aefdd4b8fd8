"""Which of the new is which of the old, by keys that go from the narrowest to the widest."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
Keys = Callable[[T], Iterable[Hashable]]


def paired(old: Sequence[T], new: Sequence[T], passes: Sequence[Keys[T]]) -> list[int | None]:
    """For each of the new ones the position of the old one that it was, None where there is none.

    Two fit when they share a key of a pass; what an earlier pass took is not there for a later one, and each old one is
    taken once. Takes time by the number of keys.
    """
    left = set(range(len(old)))
    found: list[int | None] = [None] * len(new)
    for keys in passes:
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for position in sorted(left):
            for key in keys(old[position]):
                waiting[key].append(position)
        for number, one in enumerate(new):
            if found[number] is None:
                found[number] = _first(waiting, keys(one), left)
    return found


def _first(waiting: dict[Hashable, deque[int]], keys: Iterable[Hashable], left: set[int]) -> int | None:
    for key in keys:
        queue = waiting.get(key)
        while queue:
            position = queue.popleft()
            if position in left:
                left.remove(position)
                return position
    return None
