"""Members of zip archives, read from bytes in memory (PKWARE's APPNOTE 6.3.10, with zip64).

The central directory counts, as for every program that opens archives. Nothing is kept of the members that nobody asks for:
the standard library's reader makes an object of each before its caller can say anything, and so gigabytes of a directory of
some hundred megabytes. What comes before the archive, a launcher for instance, does not matter.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct

from secpipe.model.named import NamedTuple

_END = b"PK\x05\x06"
_END_SIZE = 22
_MAX_COMMENT = 0xFFFF
_LOCATOR = Struct("<4sIQI")
_END64 = Struct("<4sQHHIIQQQQ")
_ENTRY = Struct("<4s4xHH4xIIIHHH8xI")
_ENTRY_SIZE = 46
_LOCAL = Struct("<4s22xHH")
_MISSING = 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x0001 | 0x0040
_RATIO_FROM = 1 << 20
_MOST_RATIO = 200
_STEP = 1 << 20


class ZipError(ValueError):
    """What cannot be read; the message says why."""


class Member(NamedTuple):
    """An entry of the central directory. `offset` is that of its local header, in the archive's bytes."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int


class Directory(NamedTuple):
    """Where the central directory is, and by how much its offsets are off."""

    start: int
    end: int
    shift: int


def directory(data: memoryview) -> Directory | None:
    """The central directory; None for what is no zip archive. Raises ZipError for one that is cut or contradicts itself."""
    tail_start = max(0, len(data) - _END_SIZE - _MAX_COMMENT)
    tail = bytes(data[tail_start:])
    at = len(tail)
    # A comment may hold the signature, so the last that leaves room for the comment it announces counts.
    while (at := tail.rfind(_END, 0, at)) >= 0:
        if at + _END_SIZE + int.from_bytes(tail[at + 20 : at + 22], "little") <= len(tail):
            break
    if at < 0 or at + _END_SIZE > len(tail):
        if bytes(data[:4]) == b"PK\x03\x04":
            raise ZipError("it has no end record, so it is cut")
        return None
    end = tail_start + at
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    offset = int.from_bytes(tail[at + 16 : at + 20], "little")
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    if size == _MISSING or offset == _MISSING or entries == 0xFFFF:
        found = _end64(data, end)
        if found is not None:
            end, size, offset = found
    start = end - size
    if start < 0 or offset > start:
        raise ZipError("its central directory is not where its end record says")
    return Directory(start, end, start - offset)


def _end64(data: memoryview, end: int) -> tuple[int, int, int] | None:
    """Place of the zip64 end record, size and offset of the directory; None when there is no such record."""
    at = end - _LOCATOR.size
    if at < 0:
        return None
    signature, _, offset, _ = _LOCATOR.unpack_from(data, at)
    if signature != b"PK\x06\x07":
        return None
    # The offset does not know of what was put before the archive, in which case the record stands right before.
    for place in (offset, at - _END64.size):
        if 0 <= place <= at - _END64.size:
            fields = _END64.unpack_from(data, place)
            if fields[0] == b"PK\x06\x06":
                return place, fields[8], fields[9]
    raise ZipError("its zip64 end record is not where it should be")


def members(data: memoryview, where: Directory) -> Iterator[Member]:
    """The entries of the central directory, in its order. Raises ZipError where it ends too soon."""
    table = data[where.start : where.end]
    at, end, unpack, shift = 0, len(table), _ENTRY.unpack_from, where.shift
    while at + _ENTRY_SIZE <= end:
        signature, flags, method, checksum, packed, size, name_size, extra_size, comment, offset = unpack(
            table, at
        )
        if signature != b"PK\x01\x02":
            if signature == b"PK\x05\x05":  # a digital signature ends the directory
                return
            raise ZipError("its central directory is malformed")
        name_end = at + _ENTRY_SIZE + name_size
        if packed == _MISSING or size == _MISSING or offset == _MISSING:
            size, packed, offset = _sizes64(
                bytes(table[name_end : name_end + extra_size]), size, packed, offset
            )
        yield Member(
            bytes(table[at + _ENTRY_SIZE : name_end]), flags, method, checksum, packed, size, offset + shift
        )
        at = name_end + extra_size + comment
    if at != end:
        raise ZipError("its central directory ends within an entry")


def _sizes64(extra: bytes, *fields: int) -> Iterator[int]:
    """Sizes and offset, those that are missing from the zip64 field among the extra ones."""
    at = 0
    values = b""
    while at + 4 <= len(extra):
        kind, size = (
            int.from_bytes(extra[at : at + 2], "little"),
            int.from_bytes(extra[at + 2 : at + 4], "little"),
        )
        if kind == 1:
            values = extra[at + 4 : at + 4 + size]
            break
        at += 4 + size
    for field in fields:
        if field == _MISSING and len(values) >= 8:
            field, values = int.from_bytes(values[:8], "little"), values[8:]
        yield field


def place(data: memoryview, member: Member) -> tuple[int, int]:
    """Start and end of a member's packed bytes. Raises ZipError."""
    if member.offset + _LOCAL.size > len(data):
        raise ZipError("it lies behind the end of the archive")
    signature, name, extra = _LOCAL.unpack_from(data, member.offset)
    if signature != b"PK\x03\x04":
        raise ZipError("it is not where the central directory says")
    start = member.offset + _LOCAL.size + name + extra
    if start + member.packed > len(data):
        raise ZipError("it goes on behind the end of the archive")
    return start, start + member.packed


def content(data: memoryview, member: Member, most: int, *, whole: bool = True) -> memoryview:
    """A member's bytes, at most `most`, and no more than 200 times the packed ones; those that are stored are not copied.

    Without `whole`, of a larger member only its first `most` bytes. Raises ZipError.
    """
    if member.flags & _ENCRYPTED:
        raise ZipError("it is encrypted")
    start, end = place(data, member)
    if member.method == _STORED:
        found = data[start:end][: most + 1]
    elif member.method == _DEFLATED:
        found = memoryview(_inflated(data[start:end], most))
    else:
        raise ZipError(f"it is packed by method {member.method}, which Java does not know either")
    if len(found) > most:
        if whole:
            raise ZipError(f"it has more than {most} bytes")
        return found[:most]
    if len(found) != member.size or zlib.crc32(found) != member.checksum:
        raise ZipError("its size or checksum is not what the central directory says")
    return found


def inflates_to(member: Member) -> int:
    """The most bytes that `content` makes of a member."""
    return max(_RATIO_FROM, _MOST_RATIO * member.packed)


def _inflated(packed: memoryview, most: int) -> bytearray:
    """The inflated bytes, one more than `most` where there are more."""
    most_by_ratio = max(_RATIO_FROM, _MOST_RATIO * len(packed))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    found = bytearray()
    left: memoryview | bytes = packed
    try:
        while not inflater.eof and len(found) <= most:
            piece = inflater.decompress(left, min(_STEP, most + 1 - len(found)))
            found += piece
            left = inflater.unconsumed_tail
            if len(found) > most_by_ratio:
                raise ZipError(f"it inflates to more than {_MOST_RATIO} times its packed size")
            if not piece and not left and not inflater.eof:
                raise ZipError("it is cut")
    except zlib.error as error:
        raise ZipError("it cannot be inflated") from error
    return found
