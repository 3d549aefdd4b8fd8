"""Walks the headers of a tar: name, link and position of each member. No content is read.

Source: POSIX.1-2001 (ustar, pax), GNU tar's long names and base-256 numbers. Headers that only describe the next
member are bounded in size and number; a wrong checksum ends the reading, as there is no way to find back.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.limits import Limits

_BLOCK = 512
_DESCRIBING = 16
_REGULAR, _HARD_LINK, _SYMBOLIC_LINK, _SPARSE = b"0\x007", b"1", b"2", b"S"


class Handle(Protocol):
    """What the walk needs of the archive."""

    position: int

    def read_up_to(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end."""

    def seek(self, position: int) -> None:
        """Go to an offset not before the present one."""


class Member(Struct, frozen=True):
    """A regular file (`offset`, `size` of its content) or a link (`link`: the name that it leads to)."""

    name: str
    offset: int
    size: int
    link: str = ""


class _Pending(Struct):
    """What PAX and GNU headers say about the next member."""

    path: str | None = None
    link: str | None = None
    size: int | None = None
    headers: int = 0


def walk(handle: Handle, where: str, limits: Limits) -> Iterator[Member]:
    """The files and links of a tar from its start; the handle stands at a file's content when it is yielded.

    Names are relative to the archive's root. ImageError for what is no tar or ends within a member,
    LimitExceeded beyond `archive_entries` members or `tar_header_bytes` of one describing header.
    """
    pending = _Pending()
    count = position = 0
    while block := _header(handle, position, where):
        count += 1
        if count > limits.archive_entries:
            raise LimitExceeded(
                f"{where} has too many members (limit archive_entries: {limits.archive_entries})"
            )
        kind, content = block[156:157], position + _BLOCK
        stored = _number(block[124:136], where)
        if kind in b"xgLK":
            if stored > limits.tar_header_bytes or pending.headers >= _DESCRIBING:
                raise LimitExceeded(f"{where}: a member's headers are too long (limit tar_header_bytes)")
            _describe(pending, kind, _exactly(handle, stored, where), where)
            position = _end(content, stored)
            continue
        size = pending.size if pending.size is not None else stored
        if kind == _SPARSE:
            raise ImageError(
                f"{where} holds a sparse member", "write the archive again without tar's --sparse"
            )
        if kind not in _REGULAR:
            size = 0
        name = inside(pending.path if pending.path is not None else _name(block))
        target = pending.link if pending.link is not None else _text(block[157:257])
        pending = _Pending()
        if kind in _REGULAR and not name.endswith("/"):
            yield Member(name, content, size)
        elif kind == _HARD_LINK:
            yield Member(name, content, 0, inside(target))
        elif kind == _SYMBOLIC_LINK:
            yield Member(name, content, 0, inside(posixpath.join("/", posixpath.dirname(name), target)))
        position = _end(content, size)
        handle.seek(content + size)


def _header(handle: Handle, position: int, where: str) -> bytes:
    """The next header; empty at the end, which need not be marked nor padded."""
    if handle.position < position:
        padding = handle.read_up_to(position - handle.position)
        if not padding or handle.position < position:
            return b""
    block = handle.read_up_to(_BLOCK)
    if not block.strip(b"\0"):
        if handle.read_up_to(_BLOCK).strip(b"\0"):
            # Some readers end here, others go on: what follows would be seen by one and not by the other.
            raise ImageError(f"{where} is a broken tar archive: it goes on after its end", "export it again")
        return b""
    if position and len(block) != _BLOCK:
        raise _cut(where)
    if len(block) != _BLOCK or not _has_checksum(block):
        if position == 0:
            raise ImageError(
                f"{where} is no tar archive", "name REGISTRY/REPOSITORY:TAG, a layout or an image archive"
            )
        raise ImageError(
            f"{where} is a broken tar archive: wrong header at byte {position}", "export it again"
        )
    return block


def _has_checksum(block: bytes) -> bool:
    try:
        stated = int(block[148:156].strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    return stated == sum(block[:148]) + 8 * 0x20 + sum(block[156:])


def _number(field: bytes, where: str) -> int:
    """An octal field, or base-256 when the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40:
            value = -1
    else:
        text = field.split(b"\0")[0].strip(b" ")
        try:
            value = int(text or b"0", 8) if text.isalnum() or not text else -1
        except ValueError:
            value = -1
    if not 0 <= value < 1 << 63:
        raise ImageError(f"{where} is a broken tar archive: a member has no valid size")
    return value


def _describe(pending: _Pending, kind: bytes, data: bytes, where: str) -> None:
    pending.headers += 1
    if kind == b"L":
        pending.path = _text(data)
    elif kind == b"K":
        pending.link = _text(data)
    elif kind == b"x":
        for key, value in _pax(data, where):
            if key == b"path":
                pending.path = _text(value)
            elif key == b"linkpath":
                pending.link = _text(value)
            elif key == b"size":
                if not (value.isdigit() and len(value) < 20):
                    raise ImageError(f"{where} is a broken tar archive: a member has no valid size")
                pending.size = int(value)
            elif key.startswith(b"GNU.sparse."):
                raise ImageError(
                    f"{where} holds a sparse member", "write the archive again without tar's --sparse"
                )


def _pax(data: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    """`LENGTH KEY=VALUE\\n` records."""
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 20)
        digits = data[position:space] if space > 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        if end <= space + 1 or end > len(data) or data[end - 1 : end] != b"\n":
            raise ImageError(f"{where} is a broken tar archive: wrong PAX record")
        key, _, value = data[space + 1 : end - 1].partition(b"=")
        yield key, value
        position = end


def _exactly(handle: Handle, count: int, where: str) -> bytes:
    data = handle.read_up_to(count)
    if len(data) != count:
        raise _cut(where)
    return data


def _cut(where: str) -> ImageError:
    return ImageError(f"{where} is truncated: it ends within a header", "copy or export the archive again")


def _name(block: bytes) -> str:
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    name = _text(block[:100])
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "surrogateescape")


def inside(name: str) -> str:
    """A name relative to the archive's root, which `..` cannot leave."""
    return posixpath.normpath("/" + name).lstrip("/")


def _end(content: int, size: int) -> int:
    return content + -(-size // _BLOCK) * _BLOCK
