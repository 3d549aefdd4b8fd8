"""A logical line: physical lines with their continuations joined, and the way back to the file.

BuildKit drops the escape character and the line end, every comment line and every empty line between; what is
left is one string, which all further parsing works on. The segments tell where each stretch of it stands in the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from secpipe.dockerfile.ast import Word


@dataclass(frozen=True, slots=True)
class Joined:
    """`text`, and ascending pairs (offset in `text`, offset in the file) of the stretches that it was joined from."""

    text: str
    segments: tuple[tuple[int, int], ...]

    def start(self, index: int) -> int:
        """The offset in the file of the character at `index`; for the end of the text, the place behind it."""
        if index and index >= len(self.text):
            return self.end(index)
        segments = self.segments
        if len(segments) == 1:
            return segments[0][1] + index
        at, origin = segments[bisect_right(segments, index, key=_first) - 1]
        return origin + index - at

    def end(self, index: int) -> int:
        """The offset in the file just behind the character before `index`."""
        return self.start(index - 1) + 1 if index else self.segments[0][1]

    def word(self, start: int, end: int, value: str | None = None) -> Word:
        """The word between two offsets of `text`; its value is that text unless one is given."""
        first = self.start(start)
        last = self.end(end) if end > start else first
        return Word(self.text[start:end] if value is None else value, first, last)

    def pieces(self) -> Iterator[tuple[int, str]]:
        """The stretches that the text was joined from: (offset in the file, text)."""
        ends = (*(at for at, _ in self.segments[1:]), len(self.text))
        for (at, origin), end in zip(self.segments, ends, strict=True):
            yield origin, self.text[at:end]

    def slice(self, start: int, end: int | None = None) -> Joined:
        """The part of the line between two offsets, which still knows where it stands."""
        end = len(self.text) if end is None else end
        if len(self.segments) == 1:
            return Joined(self.text[start:end], ((0, self.segments[0][1] + start),))
        inner = tuple((at - start, origin) for at, origin in self.segments if start < at < end)
        return Joined(self.text[start:end], ((0, self.start(start)), *inner))


def join(pieces: Iterable[tuple[int, str]]) -> Joined:
    """Join (offset in the file, text) pieces; empty ones leave no trace."""
    texts: list[str] = []
    segments: list[tuple[int, int]] = []
    length = origin = 0
    for origin, text in pieces:
        if text:
            segments.append((length, origin))
            texts.append(text)
            length += len(text)
    return Joined("".join(texts), tuple(segments) or ((0, origin),))


def _first(segment: tuple[int, int]) -> int:
    return segment[0]
