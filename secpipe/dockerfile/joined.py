"""A logical line: physical lines with their continuations joined, and the way back to the file.

BuildKit drops the escape character and the line end, every comment line and every empty line between; what is
left is one string, which all further parsing works on. The segments tell where each stretch of it stands in the file.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from secpipe.dockerfile.ast import Segments, Word
from secpipe.model.named import NamedTuple


class Joined(NamedTuple):
    """`text`, and the stretches that it was joined from."""

    text: str
    segments: Segments

    def start(self, index: int) -> int:
        """The offset in the file of the character at `index`; for the end of the text, the place behind it."""
        if index and index >= len(self.text):
            return self.start(index - 1) + 1
        starts, origins = self.segments
        segment = bisect_right(starts, index) - 1 if len(starts) > 1 else 0
        return origins[segment] + index - starts[segment]

    def end(self, index: int) -> int:
        """The offset in the file just behind the character before `index`."""
        return self.start(index - 1) + 1 if index else self.segments[1][0]

    def word(self, start: int, end: int, value: str | None = None) -> Word:
        """The word between two offsets of `text`; its value is that text unless one is given."""
        if value is None:
            value = self.text[start:end]
        if end <= start:
            place = self.start(start)
            return Word(value, place, place)
        starts, origins = self.segments
        if len(starts) == 1:
            return Word(value, origins[0] + start, origins[0] + end)
        first = bisect_right(starts, start) - 1
        # Most words lie within one stretch.
        last = (
            first
            if first + 1 == len(starts) or end <= starts[first + 1]
            else bisect_right(starts, end - 1) - 1
        )
        return Word(value, origins[first] + start - starts[first], origins[last] + end - starts[last])

    def words(self, found: Iterable[tuple[str, int, int]]) -> list[Word]:
        """Many words at once: values and offsets, in ascending order, none of them empty."""
        starts, origins = self.segments
        words: list[Word] = []
        make = Word._make  # half the time of a call, for half of what a file says
        first, bound, shift = -1, 0, 0
        for value, start, end in found:
            while start >= bound:
                first += 1
                shift = origins[first] - starts[first]
                bound = starts[first + 1] if first + 1 < len(starts) else sys.maxsize
            if end <= bound:
                words.append(make((value, start + shift, end + shift)))
            else:
                words.append(make((value, start + shift, self.end(end))))
        return words

    def pieces(self) -> Iterator[tuple[int, str]]:
        """The stretches that the text was joined from: (offset in the file, text)."""
        starts, origins = self.segments
        for origin, start, end in zip(origins, starts, (*starts[1:], len(self.text)), strict=True):
            yield origin, self.text[start:end]

    def slice(self, start: int, end: int | None = None) -> Joined:
        """The part of the line between two offsets, which still knows where it stands."""
        end = len(self.text) if end is None else end
        starts, origins = self.segments
        if len(starts) == 1:
            return Joined(self.text[start:end], ((0,), (origins[0] + start,)))
        first = bisect_right(starts, start)
        last = max(first, bisect_right(starts, end - 1))
        return Joined(
            self.text[start:end],
            (
                (0, *[at - start for at in starts[first:last]]),
                (self.start(start), *origins[first:last]),
            ),
        )


def join(pieces: Iterable[tuple[int, str]]) -> Joined:
    """Join (offset in the file, text) pieces; empty ones leave no trace."""
    texts: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    length = origin = 0
    for origin, text in pieces:
        if text:
            starts.append(length)
            origins.append(origin)
            texts.append(text)
            length += len(text)
    return Joined("".join(texts), (tuple(starts), tuple(origins)) if texts else ((0,), (origin,)))
