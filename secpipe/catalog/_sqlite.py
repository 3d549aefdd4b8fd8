"""A table of a SQLite file, read from its bytes: file format 3 of SQLite 3.0 and later (sqlite.org/fileformat2.html).

The library itself cannot be asked: it opens no file in write-ahead mode that it may not write to, and a hostile schema is
a program to it. What a write-ahead log holds is in a file of its own and not seen here.
"""

from __future__ import annotations

from collections.abc import Iterator

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_TABLE_LEAF, _TABLE_INTERIOR = 0x0D, 0x05
_MAX_DEPTH = 40
_MAX_VARINT = 9
_FIXED = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
"""Bytes of the values that are no text and no blob, by serial type."""

Row = list[bytes | int | None]
"""Texts and blobs as bytes, integers; NULL and REAL are None."""


class MalformedError(ValueError):
    """The bytes are no such file."""


def rows(data: bytes, table: str) -> Iterator[Row]:
    """The rows of a table, in the order of their keys. Raises `MalformedError`, without the table too."""
    database = _File(data)
    for row in database.rows(1):
        # CREATE TABLE sqlite_schema(type, name, tbl_name, rootpage, sql)
        if row[:1] == [b"table"] and len(row) > 3 and row[1] == table.encode() and isinstance(row[3], int):
            yield from database.rows(row[3])
            return
    raise MalformedError(f"it has no table {table}")


class _File:
    def __init__(self, data: bytes) -> None:
        if not data.startswith(_MAGIC) or len(data) < _HEADER:
            raise MalformedError("it is no SQLite database")
        size = int.from_bytes(data[16:18])
        self.data = data
        self.size = 65536 if size == 1 else size
        if self.size < 512 or self.size & (self.size - 1):
            raise MalformedError(f"its pages of {self.size} bytes are none of SQLite's")
        self.usable = self.size - data[20]
        if self.usable < 480:
            raise MalformedError("nothing is left of its pages")
        self._seen: set[int] = set()
        self._room = len(data)

    def rows(self, root: int) -> Iterator[Row]:
        """The rows of the table whose tree begins at a page."""
        waiting = [(root, 0)]
        while waiting:
            number, depth = waiting.pop()
            if depth > _MAX_DEPTH:
                raise MalformedError("its tree is too deep")
            start, page = self._page(number)
            kind = page[start]
            cells = int.from_bytes(page[start + 3 : start + 5])
            first = start + (12 if kind == _TABLE_INTERIOR else 8)
            places = [int.from_bytes(page[at : at + 2]) for at in range(first, first + 2 * cells, 2)]
            if kind == _TABLE_INTERIOR:
                children = [int.from_bytes(page[at : at + 4]) for at in places]
                children.append(int.from_bytes(page[start + 8 : start + 12]))
                waiting += [(child, depth + 1) for child in reversed(children)]
            elif kind == _TABLE_LEAF:
                for at in places:
                    yield _record(self._payload(page, at))
            else:
                raise MalformedError(f"page {number} is none of a table")

    def _page(self, number: int) -> tuple[int, bytes]:
        """A page that was not read before, and where its content begins in it."""
        page = self.data[(number - 1) * self.size : number * self.size] if number > 0 else b""
        if len(page) < self.size or number in self._seen:
            what = "leads back to" if number in self._seen else "ends before"
            raise MalformedError(f"it {what} page {number}")
        self._seen.add(number)
        return (_HEADER if number == 1 else 0), page

    def _payload(self, page: bytes, at: int) -> bytes:
        """What the cell of a leaf holds, with its overflow pages."""
        length, at = _varint(page, at)
        _, at = _varint(page, at)
        self._room -= length + 2
        if self._room < 0:
            raise MalformedError("its entries are longer than the file")
        most = self.usable - 35
        if length <= most:
            return page[at : at + length]
        least = (self.usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (self.usable - 4)
        local = local if local <= most else least
        parts = [page[at : at + local]]
        following = int.from_bytes(page[at + local : at + local + 4])
        left = length - local
        while left > 0:
            _, overflow = self._page(following)
            parts.append(overflow[4 : min(4 + left, self.usable)])
            left -= len(parts[-1])
            following = int.from_bytes(overflow[:4])
        return b"".join(parts)


def _record(payload: bytes) -> Row:
    end, at = _varint(payload, 0)
    body, row = end, Row()
    while at < end:
        serial, at = _varint(payload, at)
        length = _FIXED.get(serial, (serial - 12) // 2)
        if serial in (10, 11) or body + length > len(payload):
            raise MalformedError("an entry is cut short")
        value = payload[body : body + length]
        if serial >= 12:
            row.append(value)
        else:
            row.append(
                None if serial in (0, 7) else serial - 8 if serial > 7 else int.from_bytes(value, signed=True)
            )
        body += length
    return row


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and the place behind it."""
    value = 0
    for index in range(_MAX_VARINT):
        if at >= len(data):
            raise MalformedError("an entry is cut short")
        byte = data[at]
        at += 1
        if index == _MAX_VARINT - 1:
            return value << 8 | byte, at
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at
