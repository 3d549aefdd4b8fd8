"""Paths inside an image: bytes from somebody else, relative to a root that they must not leave."""

from __future__ import annotations


def normalise(name: bytes) -> bytes:
    """A path inside the virtual root: no `.`, no `..` beyond the root, no empty components."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            if parts:
                parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts)


def printable(path: bytes) -> str:
    """A path for people and reports: what is no UTF-8 or would steer a terminal stands as an escape (`\\\\xe9`, `\\\\n`)."""
    text = path.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
