"""Walks the headers of a tar: name, link and position of each member. No content is read.

Source: POSIX.1-2001 (ustar, pax), GNU tar's long names and base-256 numbers; where readers differ, it does as Go's
archive/tar, with which engines load images. Headers that only describe the next member are bounded in size and number; a
wrong checksum ends the reading, as there is no way to find back.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct, field

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.limits import Limits

_BLOCK = 512
_DESCRIBING = 16
_REGULAR, _HARD_LINK, _SYMBOLIC_LINK, _SPARSE = b"0\x007", b"1", b"2", b"S"
_DIRECTORY, _WITHOUT_CONTENT = b"5", b"123456"


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

    name: str = ""
    link: str = ""
    pax: dict[bytes, bytes] = field(default_factory=dict)
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
        if kind == _SPARSE:
            raise ImageError(
                f"{where} holds a sparse member", "write the archive again without tar's --sparse"
            )
        raw = pending.name or _text(pending.pax.get(b"path", b"")) or _name(block, where)
        if kind == b"\0" and raw.endswith("/"):
            kind = _DIRECTORY
        name = inside(raw)
        size = 0 if kind in _WITHOUT_CONTENT else _pax_size(pending.pax, where, stored)
        target = pending.link or _text(pending.pax.get(b"linkpath", b"")) or _text(block[157:257])
        pending = _Pending()
        if kind in _REGULAR:
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
        text = field.strip(b" \0").split(b"\0")[0]
        try:
            value = int(text or b"0", 8) if text.isdigit() or not text else -1
        except ValueError:
            value = -1
    if not 0 <= value < 1 << 63:
        raise _without_size(where)
    return value


def _describe(pending: _Pending, kind: bytes, data: bytes, where: str) -> None:
    pending.headers += 1
    if kind == b"L":
        pending.name = _text(data)
    elif kind == b"K":
        pending.link = _text(data)
    elif kind == b"x":
        pending.pax = dict(_pax(data, where))
    else:
        # A global header applies to nothing here, and what stood before it is forgotten.
        pending.name, pending.link, pending.pax = "", "", {}


def _pax(data: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    """`LENGTH KEY=VALUE\\n` records."""
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 20)
        digits = data[position:space] if space > 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        whole = space + 1 < end <= len(data) and data[end - 1 : end] == b"\n"
        if not whole or not key or not equals or (b"\0" in value and key in (b"path", b"linkpath")):
            raise ImageError(f"{where} is a broken tar archive: wrong PAX record")
        if key.startswith(b"GNU.sparse."):
            raise ImageError(
                f"{where} holds a sparse member", "write the archive again without tar's --sparse"
            )
        yield key, value
        position = end


def _pax_size(pax: Mapping[bytes, bytes], where: str, otherwise: int) -> int:
    value = pax.get(b"size")
    if not value:
        return otherwise
    if not value.isdigit() or len(value) > 19 or int(value) >= 1 << 63:
        raise _without_size(where)
    return int(value)


def _without_size(where: str) -> ImageError:
    return ImageError(f"{where} is a broken tar archive: a member has no valid size")


def _exactly(handle: Handle, count: int, where: str) -> bytes:
    data = handle.read_up_to(count)
    if len(data) != count:
        raise _cut(where)
    return data


def _cut(where: str) -> ImageError:
    return ImageError(f"{where} is truncated: it ends within a header", "copy or export the archive again")


def _name(block: bytes, where: str) -> str:
    name = _text(block[:100])
    if not block[345]:
        return name
    if block[257:263] == b"ustar\0":
        # The star format keeps times in the last bytes of what is the prefix elsewhere.
        end = 476 if block[508:512] == b"tar\0" else 500
        return f"{_text(block[345:end])}/{name}"
    if block[257:265] == b"ustar  \0" and not _are_times(block[345:369]):
        raise ImageError(
            f"{where} is a broken tar archive: a name that readers do not agree on", "export it again"
        )
    return name


def _are_times(fields: bytes) -> bool:
    """Whether GNU's two times are there, and no prefix in their place, which some go by."""
    return all(
        field[0] & 0x80 or not field.strip(b" \0") or field.strip(b" \0").isdigit()
        for field in (fields[:12], fields[12:])
    )


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "surrogateescape")


def inside(name: str) -> str:
    """A name relative to the archive's root, which `..` cannot leave."""
    return posixpath.normpath("/" + name).lstrip("/")


def _end(content: int, size: int) -> int:
    return content + -(-size // _BLOCK) * _BLOCK
