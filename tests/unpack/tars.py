"""Tars written by hand, block by block, and read."""

from __future__ import annotations

from secpipe.model.limits import Limits
from secpipe.unpack.tar import TarEntry, walk
from tests.support.layers import chunked

END = bytes(1024)


def read(data: bytes, limits: Limits | None = None, chunk: int = 700, keep: bool = True) -> list[TarEntry]:
    return list(walk(chunked(data, chunk), lambda *_: keep, limits or Limits()))


def header(
    name: bytes = b"file",
    size: bytes = b"%011o\0" % 0,
    flag: bytes = b"0",
    link: bytes = b"",
    magic: bytes = b"ustar\x0000",
    tail: bytes = b"",
    signed: bool = False,
) -> bytes:
    """One header block, field by field; `tail` stands from byte 345 on."""
    block = bytearray(512)
    block[:100] = name.ljust(100, b"\0")
    block[100:124] = b"0000644\x000000000\x000000000\0"
    block[124:136] = size
    block[136:148] = b"%011o\0" % 0
    block[148:156] = b" " * 8
    block[156:157] = flag
    block[157:257] = link.ljust(100, b"\0")
    block[257:265] = magic
    block[345 : 345 + len(tail)] = tail
    total = sum(block) - (256 * sum(byte > 127 for byte in block) if signed else 0)
    block[148:156] = b"%06o\0 " % total
    return bytes(block)


def body(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def octal(number: int) -> bytes:
    return b"%011o\0" % number


def pax(*records: tuple[str, str], flag: bytes = b"x") -> bytes:
    data = b""
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        size = len(rest) + 1
        while len(str(size)) + len(rest) != size:
            size += 1
        data += str(size).encode() + rest
    return header(b"pax", octal(len(data)), flag) + body(data)
