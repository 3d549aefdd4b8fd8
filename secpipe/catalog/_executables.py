"""What the headers at the start of a program tell: where its code is, whether the file is whole, and who linked it.

ELF (gABI 4.1), PE (Microsoft's PE/COFF specification, 2024) and Mach-O (Apple's `mach-o/loader.h`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from struct import Struct
from struct import error as StructError
from typing import Final

from secpipe.model.named import NamedTuple

HEAD: Final = 8192
"""Bytes at the start of a program that hold its headers."""
_NOTES: Final = 4096
PT_LOAD, PT_INTERP = 1, 3
_PF_X, _PF_W, _PF_R = 1, 2, 4
_MAX_HEADERS = 1 << 10
_GO_NOTE = b"Go\0\0"
"""The name of the note that Go's linker writes, unless somebody asked it to leave it out."""
_GO_BUILD_ID = b"\xff Go build ID: "
"""The same in PE and Mach-O, which have no notes: the beginning of the code."""
_GO_SECTION = b"__go_buildinfo\0"
_MACH = {
    b"\xcf\xfa\xed\xfe": "<",
    b"\xce\xfa\xed\xfe": "<",
    b"\xfe\xed\xfa\xcf": ">",
    b"\xfe\xed\xfa\xce": ">",
}
_LC_SEGMENT, _LC_SEGMENT_64 = 1, 0x19
_CLI_HEADER = 14
"""Which of PE's data directories .NET's programs have."""


class Segment(NamedTuple):
    """A part of an ELF file, as a program header tells it."""

    type: int
    flags: int
    offset: int
    length: int


class Headers(NamedTuple):
    """What is known of a program: `code` are the ranges of the file that hold machine code alone, ascending.

    `old` is whether it may be a program of Go before 1.18, `noted` whether Go's linker says at its start that it made it,
    and `of_go` whether that did, by whatever sign. `managed` is one of .NET, whose code is no machine's. What is loaded when
    it runs ends at `end`, and the table of an ELF file's sections goes from and to the places in `table`.
    """

    code: list[tuple[int, int]]
    old: bool
    noted: bool
    of_go: bool
    managed: bool
    end: int
    table: tuple[int, int]

    def is_cut(self, size: int) -> bool:
        """Whether a file of that size lacks a part that is loaded.

        Files with debugging information alone keep the headers of their program, and have a table at their own end.
        """
        start, end = self.table
        return self.end > size and not (start >= HEAD and end <= size)


def headers(head: bytes) -> Headers:
    """Of a program of which these are the first `HEAD` bytes."""
    head = head[:HEAD]
    if head.startswith(b"\x7fELF"):
        return _elf(head)
    managed, ends = False, []
    with suppress(StructError):
        if head.startswith(b"MZ"):
            managed = _managed(head)
            ends = [*_sections(head)]
        elif head[:4] in _MACH:
            ends = [*_commands(head)]
    noted = _GO_BUILD_ID in head or (head[:4] in _MACH and _GO_SECTION in head)
    return Headers([], noted, noted, noted, managed, max(ends, default=0), (0, 0))


def _elf(head: bytes) -> Headers:
    segments: list[Segment] = []
    behind, table = -1, (0, 0)
    with suppress(StructError, ValueError):
        segments, behind = _segments(head)
        table = _section_table(head)
    noted = _GO_NOTE in head[:_NOTES]
    # Every program of Go has its mark at its start; without one it is at least loaded without another program's help.
    alone = bool(segments) and all(segment.type != PT_INTERP for segment in segments)
    ends = [one.offset + one.length for one in segments if one.type == PT_LOAD and one.length]
    # No other linker puts the table of sections directly behind that of the segments.
    of_go = noted or table[0] == behind
    return Headers(_code(segments), noted or alone, noted, of_go, False, max(ends, default=0), table)


def _kind(head: bytes) -> tuple[bool, str]:
    """Whether an ELF file has 64 bits, and its byte order."""
    if head[:4] != b"\x7fELF" or head[4:6] not in (b"\2\1", b"\2\2", b"\1\1", b"\1\2"):
        raise ValueError
    return head[4] == 2, "<" if head[5] == 1 else ">"


def _segments(head: bytes) -> tuple[list[Segment], int]:
    """What the program headers say, and where their table ends; nothing where they are not at the start."""
    wide, order = _kind(head)
    (start,) = Struct(f"{order}{'Q' if wide else 'I'}").unpack_from(head, 32 if wide else 28)
    if start > len(head):
        raise ValueError  # an offset of 64 bits may be more than unpack_from takes
    size, count = Struct(f"{order}2H").unpack_from(head, 54 if wide else 42)
    entry = Struct(f"{order}2I4Q" if wide else f"{order}8I")
    places = range(start, start + size * min(count, _MAX_HEADERS), size or 1)
    found = [entry.unpack_from(head, at) for at in places]
    order_of = (0, 1, 2, 5) if wide else (0, 6, 1, 4)
    return [Segment(*(fields[index] for index in order_of)) for fields in found], start + size * count


def _section_table(head: bytes) -> tuple[int, int]:
    """From where to where the table of an ELF file's sections goes; zeros for none."""
    wide, order = _kind(head)
    (start,) = Struct(f"{order}{'Q' if wide else 'I'}").unpack_from(head, 40 if wide else 32)
    size, count = Struct(f"{order}2H").unpack_from(head, 58 if wide else 46)
    return (start, start + size * count) if start and count else (0, 0)


def _code(segments: list[Segment]) -> list[tuple[int, int]]:
    """Where in the file the machine code stands; ascending.

    It is half of most programs, and holds none of what is looked for; unless constants stand among it, as they do where no
    other segment is for reading alone.
    """
    loaded = [segment for segment in segments if segment.type == PT_LOAD]
    if not any(segment.flags == _PF_R for segment in loaded):
        return []
    return sorted(
        (segment.offset, segment.offset + segment.length)
        for segment in loaded
        if segment.flags & _PF_X and not segment.flags & _PF_W
    )


def _optional_header(head: bytes) -> tuple[int, int, int]:
    """Where PE's second header begins and ends, and how many sections are told behind it."""
    (start,) = Struct("<I").unpack_from(head, 0x3C)
    signature, count, size = Struct("<4s2xH12xH").unpack_from(head, start)
    if signature != b"PE\0\0":
        return 0, 0, 0
    return start + 24, start + 24 + size, count


def _sections(head: bytes) -> Iterator[int]:
    """Where each section of a PE file ends."""
    _, table, count = _optional_header(head)
    for at in range(table, table + 40 * count, 40):
        size, start = Struct("<2I").unpack_from(head, at + 16)
        yield start + size if start else 0


def _managed(head: bytes) -> bool:
    """Whether a PE file has the header of .NET's runtime."""
    start, end, _ = _optional_header(head)
    (magic,) = Struct("<H").unpack_from(head, start)
    at = start + (112 if magic == 0x20B else 96) + 8 * _CLI_HEADER
    return at + 8 <= end and any(Struct("<2I").unpack_from(head, at))


def _commands(head: bytes) -> Iterator[int]:
    """Where each segment of a Mach-O file ends, as far as the commands stand in the head."""
    order = _MACH[head[:4]]
    (count,) = Struct(f"{order}I").unpack_from(head, 16)
    at = 32 if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf") else 28
    for _ in range(min(count, _MAX_HEADERS)):
        kind, size = Struct(f"{order}2I").unpack_from(head, at)
        if kind in (_LC_SEGMENT, _LC_SEGMENT_64):
            sizes = Struct(f"{order}2Q" if kind == _LC_SEGMENT_64 else f"{order}2I")
            yield sum(sizes.unpack_from(head, at + (40 if kind == _LC_SEGMENT_64 else 32)))
        at += max(8, size)
