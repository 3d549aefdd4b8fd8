"""The headers before an entry that say more about it: pax extended headers (POSIX.1-2001) and GNU's long names."""

from __future__ import annotations

from typing import Final

from secpipe.model.limits import Limits
from secpipe.unpack._blocks import Blocks, size_of, text
from secpipe.unpack.budget import exceeded

METADATA: Final = frozenset(b"xgLK")
_METADATA_CHAIN: Final = 16
_SPARSE_PAIR: Final = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")


class Extra:
    """What the metadata headers before an entry say about it."""

    __slots__ = ("count", "long_link", "long_name", "pax")

    def __init__(self) -> None:
        self.count = 0
        self.long_name = self.long_link = b""
        self.pax: dict[bytes, bytes] = {}


def read_metadata(block: bytes, flag: int, extra: Extra | None, blocks: Blocks, limits: Limits) -> Extra:
    """Read one pax or GNU header and note what it says about the entry that follows."""
    extra = extra or Extra()
    extra.count += 1
    if extra.count > _METADATA_CHAIN:
        raise blocks.corrupt(f"more than {_METADATA_CHAIN} metadata headers in a row")
    size = size_of(block[124:136], blocks)
    if size > limits.tar_header_bytes:
        raise exceeded(
            "tar-header-bytes", limits.tar_header_bytes, f"a metadata header of {size} bytes in a layer"
        )
    body = blocks.read(size)
    if flag == ord("L"):
        extra.long_name = text(body)
    elif flag == ord("K"):
        extra.long_link = text(body)
    elif flag == ord("x"):
        extra.pax = _pax_records(body, blocks)
    else:
        # A global header: checked, not applied; and what stood before it is forgotten, as Go does.
        _pax_records(body, blocks)
        count, extra = extra.count, Extra()
        extra.count = count
    return extra


def _pax_records(body: bytes, blocks: Blocks) -> dict[bytes, bytes]:
    """The records `LENGTH KEY=VALUE\\n`. The repeated ones of sparse format 0.0 are joined as format 0.1 has them."""
    records: dict[bytes, bytes] = {}
    sparse: list[bytes] = []
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + 20)
        digits = body[at : max(at, space)]
        end = at + int(digits) if digits.isdigit() else -1
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if end <= space + 1 or end > len(body) or body[end - 1 : end] != b"\n" or not equals or not key:
            raise blocks.corrupt("an invalid pax record")
        if b"\0" in key or (key in (b"path", b"linkpath") and b"\0" in value):
            raise blocks.corrupt("a NUL in a pax record")
        if key in _SPARSE_PAIR:
            if key != _SPARSE_PAIR[len(sparse) % 2]:
                raise blocks.corrupt("an invalid sparse map")
            sparse.append(value)
        else:
            records[key] = value
        at = end
    if sparse:
        records[b"GNU.sparse.map"] = b",".join(sparse)
    return records
