"""A package's header in an RPM database: tags, and their values in one store (RPM's docs/manual/format_header.md)."""

from __future__ import annotations

from collections.abc import Collection
from struct import Struct, error

from secpipe.catalog._sqlite import MalformedError

NAME, VERSION, RELEASE, EPOCH, VENDOR, ARCH, SOURCERPM, MODULARITYLABEL = (
    *(1000, 1001, 1002, 1003, 1011, 1022, 1044),
    5096,
)
_LENGTHS = Struct(">2I")
_ENTRY = Struct(">4I")  # tag, type, offset, count
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_MAX_ENTRIES = 1 << 16
"""RPM's own bound."""

Values = dict[int, str | int]


def values(blob: bytes, wanted: Collection[int]) -> Values:
    """Texts and numbers of some tags, of an array the first. Raises `MalformedError`."""
    try:
        entries, size = _LENGTHS.unpack_from(blob)
    except error:
        raise MalformedError("a header is cut short") from None
    store = _LENGTHS.size + entries * _ENTRY.size
    if not 0 < entries <= _MAX_ENTRIES or store + size > len(blob):
        raise MalformedError("a header is longer than its entry")
    found: Values = {}
    for tag, kind, offset, count in _ENTRY.iter_unpack(blob[_LENGTHS.size : store]):
        if tag not in wanted or tag in found or not count:
            continue
        at = store + offset
        if offset >= size:
            raise MalformedError(f"the value of tag {tag} lies outside of its header")
        if kind in (_STRING, _STRING_ARRAY, _I18N):
            end = blob.find(b"\0", at, store + size)
            if end < 0:
                raise MalformedError(f"the value of tag {tag} does not end")
            found[tag] = blob[at:end].decode("utf-8", "replace")
        elif kind == _INT32 and offset + 4 <= size:
            found[tag] = int.from_bytes(blob[at : at + 4])
        else:
            raise MalformedError(f"the value of tag {tag} has a type that is not its own")
    return found
