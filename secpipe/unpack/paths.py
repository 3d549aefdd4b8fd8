"""Paths inside an image: bytes from somebody else, relative to a root that they must not leave."""

from __future__ import annotations


def normalise(name: bytes) -> bytes:
    """A path inside the virtual root: no `.`, no `..` beyond the root, no empty components."""
    # As nearly all are, perhaps behind a `./` and before a slash.
    plain = name[2:] if name[:2] == b"./" else name
    if b"/." not in plain and b"//" not in plain and plain[:1] not in (b"", b".", b"/"):
        return plain.removesuffix(b"/")
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            if parts:
                parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts)
