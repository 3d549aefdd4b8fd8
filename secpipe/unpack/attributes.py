"""Modes and sizes of all files of a layer, for whoever lists them: few bytes each, as there may be millions."""

from __future__ import annotations

from array import array


class Attributes:
    """Permission bits and size in bytes, by ordinal."""

    __slots__ = ("_modes", "_places", "_sizes")

    def __init__(self) -> None:
        self._modes = array("H")
        self._sizes = array("Q")
        self._places: dict[int, int] = {}

    def note(self, ordinal: int, mode: int, size: int) -> None:
        """Take those of one entry."""
        if ordinal != len(self._modes):
            # A folder's files are numbered by their inodes.
            self._places[ordinal] = len(self._modes)
        self._modes.append(mode)
        self._sizes.append(size)

    def of(self, ordinal: int) -> tuple[int, int]:
        """Mode and size of an entry that was noted."""
        place = self._places.get(ordinal, ordinal)
        return self._modes[place], self._sizes[place]
