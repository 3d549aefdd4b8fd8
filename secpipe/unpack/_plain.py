"""The quick way past files that nobody asks for: an image may have a million of them, of which the names alone are kept."""

from __future__ import annotations

from typing import Final, Protocol
from zlib import adler32

from secpipe.unpack._blocks import BLOCK, Blocks, expected_sum, permissions
from secpipe.unpack.patterns import Sieve

_PLAIN: Final = ord("0")
_ENDS: Final = b" \0"
_DOT: Final = ord(".")
"""As whiteouts begin, and `.` and `..`."""
EXECUTABLE: Final = 0o111
LEAST: Final = 4096
"""Bytes that every program has more of."""
PEEK: Final = 8
"""Bytes that tell a program."""
_ELF: Final = b"\x7fELF"
_DOS: Final = b"MZ"
_MACH: Final = frozenset((b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce"))
_UNIVERSAL: Final = b"\xca\xfe\xba\xbe\0\0\0"
"""Programs for several processors in one; the number of these follows, where classes of Java have a version from 45."""
_CLASSES: Final = 45


class Open(Protocol):
    """A run of files in one directory that still goes on."""

    @property
    def parent(self) -> bytes:
        """Their directory, normalised."""

    @property
    def next(self) -> int:
        """The ordinal of the file that would be the next of them; negative where none can be."""

    @property
    def sieve(self) -> Sieve | None:
        """What tells that nobody asks for a file."""

    def extend(self, names: list[bytes]) -> None:
        """Take the names of the following files."""


def may_be_program(name: bytes, mode: int) -> bool:
    """Whether to look into a file: it may be executed, or is called as programs and libraries are."""
    if mode & EXECUTABLE:
        return True
    base = name.rpartition(b"/")[2]
    return b"." not in base or b".so" in base or base[-4:].lower() == b".exe"


def is_program(beginning: bytes) -> bool:
    """Whether the first `PEEK` bytes are those of a program: ELF, PE or Mach-O."""
    start = beginning[:4]
    if start == _ELF or start[:2] == _DOS or start in _MACH:
        return True
    return beginning[:7] == _UNIVERSAL and beginning[7:8] < bytes([_CLASSES])


def pass_over(blocks: Blocks, parent: bytes, run: Open, most: int, programs: bool) -> int:
    """Step over the files that go on a run, up to `most`, and say how many; whatever else comes is left where it is.

    `parent` is the run's as headers spell it. `programs` are left, too.
    """
    sieve = run.sieve
    prefix = parent + b"/" if parent else b""
    if sieve is None or run.parent in sieve.parents or b"" in sieve.tails or len(prefix) >= 100:
        return 0
    names: list[bytes] = []
    wanted, tails, lasts = sieve.names, sieve.tails, sieve.lasts
    data, at, end = blocks.buffered()
    start = len(prefix)
    while len(names) < most:
        body = at + BLOCK
        if body > end or not data.startswith(prefix, at):
            break
        block = data[at:body]
        if block[156] != _PLAIN or block[345] or adler32(block) & 0xFFFF != expected_sum(block[148:156]):
            break
        name = block[start:100].split(b"\0", 1)[0]
        if not name or name[0] == _DOT or name in wanted or b"/" in name:
            break
        if name[-1] in lasts and name.lower().endswith(tails):
            break
        digits = block[124:135]
        if not digits.isdigit() or block[135] not in _ENDS:
            break
        try:
            size = int(digits, 8)
        except ValueError:
            break
        if programs and size > LEAST and may_be_program(name, permissions(block[100:108])):
            break
        names.append(name)
        at = body + ((size + 511) & -512)
        if at > end:
            blocks.go_to(body)
            blocks.skip(size)
            data, at, end = blocks.buffered()
    blocks.go_to(at)
    if names:
        run.extend(names)
    return len(names)
