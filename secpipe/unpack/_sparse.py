"""GNU tar's sparse files: where the pieces of data stand, and the file made whole again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from secpipe.model.limits import Limits
from secpipe.unpack._blocks import Blocks, pax_number, size_of

Pieces = list[tuple[int, int]]
"""(offset, length) of each piece of data, in their order."""

Keep = Callable[[int], bool]
"""Whether a file of that size is to be read."""


def pax_version(pax: dict[bytes, bytes]) -> str:
    """Which of GNU's pax forms an entry has: `0`, `1` or none."""
    version = (pax.get(b"GNU.sparse.major", b""), pax.get(b"GNU.sparse.minor", b""))
    if version == (b"1", b"0"):
        return "1"
    if version in ((b"0", b"0"), (b"0", b"1")) or (version == (b"", b"") and pax.get(b"GNU.sparse.map")):
        return "0"
    return ""


def read_old(
    block: bytes, stored: int, blocks: Blocks, keep: Keep, limits: Limits
) -> tuple[int, bytes | None]:
    """The size and content of an `S` entry of `stored` bytes: the map is in the header and in blocks behind it."""
    if block[257:265] != b"ustar  \0":
        raise blocks.corrupt("a sparse entry that is not in GNU format")
    size = size_of(block[483:495], blocks)
    pieces = read_old_map(block, blocks.block, limits.tar_header_bytes // 24)
    if pieces is None:
        raise blocks.corrupt("an invalid sparse map")
    return size, _read(pieces, size, stored, blocks, keep)


def read_pax(
    pax: dict[bytes, bytes], stored: int, blocks: Blocks, keep: Keep, limits: Limits
) -> tuple[int, bytes | None]:
    """The same for the pax forms: 0.0 and 0.1 have the map in the extended header, 1.0 at the start of the data."""
    field = pax.get(b"GNU.sparse.size") or pax.get(b"GNU.sparse.realsize")
    size = pax_number(field, blocks) if field else stored
    if pax_version(pax) == "0":
        pieces = pax_map_in_header(pax.get(b"GNU.sparse.map", b""))
        if pieces is None:
            raise blocks.corrupt("an invalid sparse map")
        return size, _read(pieces, size, stored, blocks, keep)
    if stored > limits.file_bytes + limits.tar_header_bytes or not keep(size):
        blocks.skip(stored)
        return size, None
    body = blocks.read(stored)
    found = pax_map_in_data(body)
    data = expand(found[0], memoryview(body)[found[1] :], size) if found else None
    if data is None:
        raise blocks.corrupt("an invalid sparse map")
    return size, data


def _read(pieces: Pieces, size: int, stored: int, blocks: Blocks, keep: Keep) -> bytes | None:
    # A map with more pieces than are looked at comes back empty although there is data: the file stays unread.
    if (stored and not pieces) or not keep(size):
        blocks.skip(stored)
        return None
    data = expand(pieces, memoryview(blocks.read(stored)), size) if stored <= size else None
    if data is None:
        raise blocks.corrupt("an invalid sparse map")
    return data


def read_old_map(block: bytes, following: Callable[[], bytes | None], at_most: int) -> Pieces | None:
    """The map of an `S` entry: four pieces in the header, 21 in each extension block that follows.

    Extension blocks are always read to their end. A map of more than `at_most` pieces comes back empty, an
    invalid one as None.
    """
    pieces: Pieces = []
    if not _collect(block[386:482], pieces):
        return None
    extended, count = bool(block[482]), 4
    while extended:
        extension = following()
        if extension is None:
            return None
        count += 21
        if count <= at_most and not _collect(extension[:504], pieces):
            return None
        extended = bool(extension[504])
    return pieces if count <= at_most else []


def _collect(field: bytes, pieces: Pieces) -> bool:
    for at in range(0, len(field), 24):
        if not field[at]:
            break
        offset, length = _number(field[at : at + 12]), _number(field[at + 12 : at + 24])
        if offset is None or length is None:
            return False
        pieces.append((offset, length))
    return True


def _number(field: bytes) -> int | None:
    if field[0] & 0x80:
        return None if field[0] & 0x40 else int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return (int(digits, 8) if digits.isdigit() and not set(digits) & set(b"89") else None) if digits else 0


def pax_map_in_header(joined: bytes) -> Pieces | None:
    """Format 0.1: `GNU.sparse.map`, comma-separated."""
    return _pairs(joined.split(b",") if joined else [])


def pax_map_in_data(stored: bytes) -> tuple[Pieces, int] | None:
    """Format 1.0: decimal numbers, one a line, before the data: their count, then offset and length of each piece.

    Returns the map and where the data starts (the map is padded to whole blocks).
    """
    numbers: list[bytes] = []
    at, wanted = 0, 1
    while len(numbers) < wanted:
        end = stored.find(b"\n", at, at + 20)
        if end < 0:
            return None
        number = stored[at:end]
        at = end + 1
        if not number.isdigit():
            return None
        if not numbers:
            wanted = 1 + 2 * int(number)
        numbers.append(number)
    pieces = _pairs(numbers[1:])
    return None if pieces is None else (pieces, at + -at % 512)


def _pairs(numbers: Sequence[bytes]) -> Pieces | None:
    if len(numbers) % 2 or not all(number.isdigit() and len(number) < 20 for number in numbers):
        return None
    values = [int(number) for number in numbers]
    return list(zip(values[::2], values[1::2], strict=True))


def expand(pieces: Pieces, data: memoryview, size: int) -> bytes | None:
    """The file of `size` bytes, holes filled with zeros; None when map and data do not fit each other."""
    out = bytearray(size)
    taken = position = 0
    for offset, length in pieces:
        if offset < position or offset + length > size or taken + length > len(data):
            return None
        out[offset : offset + length] = data[taken : taken + length]
        taken += length
        position = offset + length
    return bytes(out) if taken == len(data) else None
