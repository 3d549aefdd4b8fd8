"""Reads zips of very many small files at a third of what `zipfile` costs (APPNOTE 6.3.10); it is left whatever is unusual.

The list of all files comes first, as `zipfile` has it. Nothing that an archive says of itself is believed: the bytes of a
file count where they have the size and the checksum that the list tells.
"""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import IO, Any, cast

from msgspec import Struct

from secpipe.model.limits import MIB

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, OSError),
)
"""What is raised where a zip is damaged, or packed in a way that is not read."""
_READ = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_END = struct.Struct("<4s2H2H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LISTED = struct.Struct("<4s4x2H4x3L3H8xL")
_LOCAL = struct.Struct("<4s22x2H")
_LONG = 0xFFFFFFFF
"""In the place of a number that does not fit, and stands elsewhere."""
_AHEAD = 64 << 10
"""Bytes that are read at once: files lie in the order in which they are listed."""
_MARGIN = 256
"""Bytes that the header of a file may have beyond its name."""


class Member(Struct, gc=False):
    """A file in a zip: where its header is, how it is packed, and its sizes, packed and whole."""

    name: str
    offset: int
    method: int
    flags: int
    packed: int
    size: int
    crc: int


class Zip:
    """The zip that `file` holds. Raises what is in `BROKEN`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._archive: zipfile.ZipFile | None = None
        self._ahead = b""
        self._at = 0
        self._inflater, self._crc32, self._errors = _inflate()
        listed = _listed(file)
        self.members = self._listed_by_zipfile() if listed is None else listed

    def read(self, index: int, most: int) -> bytes:
        """The bytes of a member, no more than so many."""
        data = self._inflated(self.members[index], most)
        if data is None:
            if (method := self.members[index].method) not in _READ:
                raise NotImplementedError(f"compression method {method} is not read")
            archive = self._opened()
            with archive.open(archive.infolist()[index]) as stream:
                data = stream.read(most)
        return data

    def _inflated(self, member: Member, most: int) -> bytes | None:
        """What `zipfile` would read of a small file; None where anything is not as it should be."""
        size, length = member.size, member.packed
        if member.method != zipfile.ZIP_DEFLATED or member.flags & 1 or length > MIB:
            return None
        if not 0 < size <= MIB or size > most:
            return None
        ahead, at = self._ahead, member.offset - self._at
        needed = _LOCAL.size + len(member.name) + _MARGIN + length
        if at < 0 or at + needed > len(ahead):
            self._file.seek(member.offset)
            ahead = self._ahead = self._file.read(max(_AHEAD, needed))
            self._at, at = member.offset, 0
            if len(ahead) < _LOCAL.size:
                return None
        mark, name, extra = _LOCAL.unpack_from(ahead, at)
        start = at + _LOCAL.size + name + extra
        inflater = self._inflater(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(ahead[start : start + length], size + 1)
        except self._errors:
            return None
        whole = inflater.eof and len(data) == size and self._crc32(data) == member.crc
        return data if whole and mark == b"PK\3\4" else None

    def _opened(self) -> zipfile.ZipFile:
        if self._archive is None:
            self._archive = zipfile.ZipFile(self._file)
        return self._archive

    def _listed_by_zipfile(self) -> list[Member]:
        return [
            Member(
                *(one.filename, one.header_offset, one.compress_type, one.flag_bits),
                *(one.compress_size, one.file_size, one.CRC),
            )
            for one in self._opened().infolist()
        ]


@cache
def _inflate() -> tuple[Callable[[int], Any], Callable[[bytes], int], tuple[type[Exception], ...]]:
    """A maker of inflaters with zlib's interface, the checksum function beside it, and what they raise."""
    try:
        from isal import igzip_lib, isal_zlib
    except ImportError:
        return zlib.decompressobj, zlib.crc32, (zlib.error,)
    errors = (cast("type[Exception]", igzip_lib.IsalError), EOFError, ValueError)
    return isal_zlib.decompressobj, isal_zlib.crc32, errors


def _listed(file: IO[bytes]) -> list[Member] | None:
    """The files of a zip without comment, whose names are ASCII; None for any other."""
    if (directory := _directory(file)) is None:
        return None
    found: list[Member] = []
    at, end = 0, len(directory)
    while at + _LISTED.size <= end:
        mark, flags, method, crc, packed, size, named, extra, comment, offset = _LISTED.unpack_from(
            directory, at
        )
        at += _LISTED.size
        name = directory[at : at + named]
        at += named + extra + comment
        if mark != b"PK\1\2" or not name.isascii() or b"\0" in name or _LONG in (packed, size, offset):
            return None
        found.append(Member(name.decode(), offset, method, flags, packed, size, crc))
    return found if at == end else None


def _directory(file: IO[bytes]) -> bytes | None:
    """The list of the files, where it ends the zip as nearly always."""
    length = file.seek(0, os.SEEK_END)
    before = min(length, _END.size + _LOCATOR.size + _END_64.size)
    file.seek(length - before)
    tail = file.read(before)
    if len(tail) < _END.size:
        return None
    mark, *_, size, offset, comment = _END.unpack(tail[-_END.size :])
    end = length - _END.size
    if mark != b"PK\5\6" or comment:
        return None
    if offset == _LONG or size == _LONG or tail[-_END.size - _LOCATOR.size :].startswith(b"PK\6\7"):
        if len(tail) < before or not tail.startswith(b"PK\6\6"):
            return None
        end -= _LOCATOR.size + _END_64.size
        *_, size, offset = _END_64.unpack_from(tail)
    if offset + size != end:
        return None
    file.seek(offset)
    return file.read(size)
