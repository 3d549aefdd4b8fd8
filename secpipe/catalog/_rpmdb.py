"""The headers in an RPM database, whichever of the three kinds it is.

`rpmdb.sqlite` (RPM 4.16 and later, lib/backend/sqlite.c), `Packages.db` (NDB, lib/backend/ndb/rpmpkg.c) and `Packages`
(Berkeley DB 4 and 5 as a hash, src/dbinc/db_page.h of it): all keep the header of a package as one blob under a number.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct

from secpipe.catalog._sqlite import MalformedError, rows

_NDB_MAGIC = b"RpmP"
_NDB_PAGE, _NDB_BLOCK, _NDB_SLOT_PAGES = 4096, 16, 12
_SLOT = Struct("<4s3I")  # magic, package index, first block, blocks
_BLOB = Struct("<4s3I")  # magic, package index, generation, length
_TAIL = Struct("<2I4s")  # Adler-32, length, magic

_HASH_MAGIC = 0x061561
_P_INVALID, _P_HASH_UNSORTED, _P_OVERFLOW, _P_HASHMETA, _P_HASH = 0, 2, 7, 8, 13
_HASH_ENTRIES = 88
_H_KEYDATA, _H_OFFPAGE = 1, 3
_PAGE_HEADER = 26


def headers(data: bytes) -> Iterator[bytes]:
    """Each package's header. Raises `MalformedError` as soon as the bytes are no such database."""
    if data.startswith(b"SQLite format 3\0"):
        for row in rows(data, "Packages"):
            blob = row[1] if len(row) > 1 else None
            if not isinstance(blob, bytes):
                raise MalformedError("an entry holds no header")
            yield blob
    elif data.startswith(_NDB_MAGIC):
        yield from _ndb(data)
    elif int.from_bytes(data[12:16], "little") == _HASH_MAGIC:
        yield from _bdb(data, "<")
    elif int.from_bytes(data[12:16]) == _HASH_MAGIC:
        yield from _bdb(data, ">")
    else:
        raise MalformedError("it is none of RPM's databases (SQLite, NDB or a Berkeley DB hash)")


def _ndb(data: bytes) -> Iterator[bytes]:
    pages = int.from_bytes(data[_NDB_SLOT_PAGES : _NDB_SLOT_PAGES + 4], "little")
    end = pages * _NDB_PAGE
    if not pages or end > len(data):
        raise MalformedError("it ends before its slots do")
    room = len(data)
    # The header takes the place of the first two slots.
    for at in range(2 * _SLOT.size, end, _SLOT.size):
        magic, index, block, _ = _SLOT.unpack_from(data, at)
        if magic != b"Slot":
            raise MalformedError(f"there is no slot at byte {at}")
        if index:
            blob = _ndb_blob(data, index, block * _NDB_BLOCK)
            room -= _BLOB.size + len(blob)
            if room < 0:
                raise MalformedError("its entries lie within each other")
            yield blob


def _ndb_blob(data: bytes, index: int, at: int) -> bytes:
    if at + _BLOB.size > len(data):
        raise MalformedError(f"it ends before package {index}")
    magic, owner, _, length = _BLOB.unpack_from(data, at)
    start = at + _BLOB.size
    # The tail ends the last block.
    tail = at + -(-(_BLOB.size + length + _TAIL.size) // _NDB_BLOCK) * _NDB_BLOCK - _TAIL.size
    if magic != b"BlbS" or owner != index or tail + _TAIL.size > len(data):
        raise MalformedError(f"the entry of package {index} is cut short or overwritten")
    checksum, again, end = _TAIL.unpack_from(data, tail)
    if end != b"BlbE" or again != length or zlib.adler32(data[at:tail]) != checksum:
        raise MalformedError(f"the entry of package {index} is damaged")
    return data[start : start + length]


def _bdb(data: bytes, order: str) -> Iterator[bytes]:
    """Each value of the hash; the one under the number 0 is no header but the last number that was given."""
    size, kind = Struct(f"{order}I").unpack_from(data, 20)[0] if len(data) >= 92 else 0, data[25:26]
    if not 512 <= size <= 65536 or size & (size - 1) or kind != bytes([_P_HASHMETA]):
        raise MalformedError("its first page is none of a Berkeley DB hash")
    last = Struct(f"{order}I").unpack_from(data, 32)[0]
    if (last + 1) * size > len(data):
        raise MalformedError(f"it ends before its last page, {last}")
    page = _Pages(data, size, order)
    for number in range(1, last + 1):
        if data[number * size + 25] in (_P_HASH, _P_HASH_UNSORTED):
            yield from page.values(number)
    # Pages that hold nothing are zeros, and so is one that was lost.
    (told,) = Struct(f"{order}I").unpack_from(data, _HASH_ENTRIES)
    if page.entries < told:
        raise MalformedError(f"it has {told} entries, of which {page.entries} were found")


class _Pages:
    def __init__(self, data: bytes, size: int, order: str) -> None:
        self._data = data
        self._size = size
        self._short, self._long = Struct(f"{order}H"), Struct(f"{order}I")
        self._seen: set[int] = set()
        self.entries = 0

    def values(self, number: int) -> Iterator[bytes]:
        """The values on a page; keys and values take turns, the first at the page's end."""
        start = number * self._size
        (entries,) = self._short.unpack_from(self._data, start + 20)
        if _PAGE_HEADER + 2 * entries > self._size or entries % 2:
            raise MalformedError(f"page {number} has no room for its entries")
        places = [
            self._short.unpack_from(self._data, start + _PAGE_HEADER + 2 * i)[0] for i in range(entries)
        ]
        ends = [self._size, *places]
        for index in range(0, entries, 2):
            key = self._item(start, places[index], ends[index])
            value = self._item(start, places[index + 1], ends[index + 1])
            self.entries += 1
            if key.strip(b"\0"):
                yield value

    def _item(self, page: int, at: int, end: int) -> bytes:
        if not _PAGE_HEADER <= at < end <= self._size:
            raise MalformedError(f"page {page // self._size} points outside of itself")
        item = self._data[page + at : page + end]
        if item[0] == _H_KEYDATA:
            return item[1:]
        if item[0] != _H_OFFPAGE or len(item) < 12:
            raise MalformedError(f"page {page // self._size} has an entry of a kind that RPM does not use")
        (number,), (length,) = self._long.unpack_from(item, 4), self._long.unpack_from(item, 8)
        return self._overflow(number, length)

    def _overflow(self, number: int, length: int) -> bytes:
        parts, left = [], length
        while left > 0:
            start = number * self._size
            if (
                start + self._size > len(self._data)
                or number in self._seen
                or self._data[start + 25] != _P_OVERFLOW
            ):
                raise MalformedError(f"an entry goes on at page {number}, which is none of it")
            self._seen.add(number)
            (used,) = self._short.unpack_from(self._data, start + 22)
            part = self._data[start + _PAGE_HEADER : start + min(_PAGE_HEADER + min(used, left), self._size)]
            if not part:
                raise MalformedError(f"page {number} is empty")
            parts.append(part)
            left -= len(part)
            (number,) = self._long.unpack_from(self._data, start + 16)
        return b"".join(parts)
