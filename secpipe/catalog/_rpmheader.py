"""A package's header in an RPM database: tags, and their values in one store (RPM's docs/manual/format_header.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from struct import Struct, error

from secpipe.catalog._sqlite import MalformedError

NAME, VERSION, RELEASE, EPOCH, VENDOR, ARCH, SOURCERPM = 1000, 1001, 1002, 1003, 1011, 1022, 1044
DIRINDEXES, BASENAMES, DIRNAMES, MODULARITYLABEL = 1116, 1117, 1118, 5096
_LENGTHS = Struct(">2I")
_ENTRY = Struct(">4I")  # tag, type, offset, count
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_MAX_ENTRIES = 1 << 16
"""RPM's own bound."""

Values = dict[int, str | int]


def values(blob: bytes, wanted: Collection[int]) -> Values:
    """Texts and numbers of some tags, of an array the first. Raises `MalformedError`."""
    found: Values = {}
    for tag, kind, at, _, end in _entries(blob):
        if tag not in wanted or tag in found:
            continue
        if kind in (_STRING, _STRING_ARRAY, _I18N):
            stop = blob.find(b"\0", at, end)
            if stop < 0:
                raise MalformedError(f"the value of tag {tag} does not end")
            found[tag] = blob[at:stop].decode("utf-8", "replace")
        elif kind == _INT32 and at + 4 <= end:
            found[tag] = int.from_bytes(blob[at : at + 4])
        else:
            raise MalformedError(f"the value of tag {tag} has a type that is not its own")
    return found


def texts(blob: bytes, wanted: int) -> list[str]:
    """An array of texts, empty without it. Raises `MalformedError`."""
    for tag, kind, at, count, end in _entries(blob):
        if tag == wanted and kind in (_STRING, _STRING_ARRAY):
            found = blob[at:end].split(b"\0", count)[:count]
            return [text.decode("utf-8", "surrogateescape") for text in found]
    return []


def numbers(blob: bytes, wanted: int) -> list[int]:
    """An array of 32-bit numbers, empty without it. Raises `MalformedError`."""
    for tag, kind, at, count, end in _entries(blob):
        if tag == wanted and kind == _INT32:
            count = min(count, (end - at) // 4)
            return [int.from_bytes(blob[i : i + 4]) for i in range(at, at + 4 * count, 4)]
    return []


def _entries(blob: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Tag, type, place, and number of values of each entry, and where all values end."""
    try:
        entries, size = _LENGTHS.unpack_from(blob)
    except error:
        raise MalformedError("a header is cut short") from None
    store = _LENGTHS.size + entries * _ENTRY.size
    if not 0 < entries <= _MAX_ENTRIES or store + size > len(blob):
        raise MalformedError("a header is longer than its entry")
    for tag, kind, offset, count in _ENTRY.iter_unpack(blob[_LENGTHS.size : store]):
        if not count:
            continue
        if offset >= size:
            raise MalformedError(f"the value of tag {tag} lies outside of its header")
        yield tag, kind, store + offset, count, store + size
