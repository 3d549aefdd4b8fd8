"""The build information in Go programs, byte by byte (debug/buildinfo of Go 1.13 and later).

Since Go 1.18 the version of Go and the list of modules stand behind a mark of 32 bytes. Before, the mark held addresses; the
list is found by the 16 bytes that stand before and behind it (cmd/go/internal/modload), the version of Go is not.
"""

from __future__ import annotations

from typing import Final

MARK: Final = b"\xff Go buildinf:"
ALIGNMENT: Final = 16
HEADER: Final = 32
START: Final = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
END: Final = bytes.fromhex("f932433186182072008242104116d8f2")
MAX_INFO: Final = 1 << 20
"""Bytes of the longest list of modules that is read."""
_INLINE: Final = 2


def is_header(header: bytes) -> bool:
    """Whether these are the mark, the size of an address, flags, and two addresses or nothing.

    Programs that read this information have the mark among their texts, too.
    """
    if len(header) < HEADER or header[15] > _INLINE + 1:
        return False
    return not any(header[16:HEADER]) if is_inline(header) else header[14] in (4, 8)


def is_inline(header: bytes) -> bool:
    """Whether the texts stand behind the header."""
    return bool(header[15] & _INLINE)


def find(data: bytes) -> int:
    """Where the header is, -1 for a program without one."""
    at = data.find(MARK)
    while at >= 0 and (at % ALIGNMENT or not is_header(data[at : at + HEADER])):
        at = data.find(MARK, at + 1)
    return at


def length(data: bytes | bytearray) -> int:
    """Of the header at the start of the data and what belongs to it; 0 for no data."""
    if len(data) < HEADER or not is_inline(bytes(data[:HEADER])):
        return min(len(data), HEADER)
    _, behind = text(data, HEADER)
    return text(data, behind)[1]


def is_cut(data: bytes) -> bool:
    """Whether the header at the start of the data promises texts that are not there, or longer ones than are read."""
    at = HEADER
    if len(data) < HEADER or not is_inline(data[:HEADER]):
        return False
    for _ in range(2):
        length, at = _varint(data, at)
        at += length
        if length > MAX_INFO or at > len(data):
            return True
    return False


def text(data: bytes | bytearray, at: int) -> tuple[bytes, int]:
    """A text behind its length, an unsigned varint, and the place behind it; empty where the data end before."""
    length, at = _varint(data, at)
    if length > MAX_INFO or at + length > len(data):
        return b"", at
    return bytes(data[at : at + length]), at + length


def _varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """A number and the place behind it; larger than any length where the data end within it."""
    number = shift = 0
    while at < len(data) and shift < 63:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
    return MAX_INFO + 1, at


def texts(data: bytes) -> tuple[str, str] | None:
    """The version of Go and the list of modules, '' for what the program does not tell; None for another file."""
    at = find(data)
    if at < 0:
        return None
    go = info = b""
    if is_inline(data[at : at + HEADER]):
        go, behind = text(data, at + HEADER)
        info, _ = text(data, behind)
    else:
        start = data.find(START)
        end = data.find(END, start, start + MAX_INFO) if start >= 0 else -1
        info = data[start : end + len(END)] if end >= 0 else b""
    if len(info) >= 33 and info[-17:-16] == b"\n":
        info = info[16:-16]
    return go.decode("utf-8", "replace"), info.decode("utf-8", "replace")
