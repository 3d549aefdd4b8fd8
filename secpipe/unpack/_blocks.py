"""A tar as a stream of 512-byte blocks, and the numbers in its headers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from secpipe.errors import ImageError

BLOCK: Final = 512
LARGEST: Final = (1 << 63) - 1
_ENDS: Final = b" \0"


class Blocks:
    """The stream as 512-byte blocks and bodies."""

    __slots__ = ("_at", "_chunks", "_data", "_end", "_left", "_passed", "_subject")

    def __init__(self, chunks: Iterator[bytes], subject: str) -> None:
        self._chunks = chunks
        self._subject = subject
        self._data = b""
        self._at = self._end = self._passed = self._left = 0

    @property
    def offset(self) -> int:
        return self._passed + self._at

    def _next(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._passed += self._end
                self._data, self._at, self._end = chunk, 0, len(chunk)
                return True
        self._at = self._end
        return False

    def block(self) -> bytes | None:
        """The next header block, None at the end of the stream."""
        at = self._at
        end = at + BLOCK
        if end <= self._end:
            self._at = end
            return self._data[at:end]
        block = self._some(BLOCK)
        if len(block) == BLOCK:
            return block
        if block.strip(b"\0"):
            raise self.truncated()
        return None

    def _some(self, size: int) -> bytes:
        # Joining a list of pieces would need twice the memory of a large file; BytesIO hands over what it grew.
        pieces = io.BytesIO()
        while size:
            if self._at >= self._end and not self._next():
                break
            piece = self._data[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            pieces.write(piece)
        return pieces.getvalue()

    def buffered(self) -> tuple[bytes, int, int]:
        """What is in memory: the bytes, the present place in them, and their end."""
        return self._data, self._at, self._end

    def go_to(self, at: int) -> None:
        """Go to another place in memory."""
        self._at = at

    def read(self, size: int) -> bytes:
        """A body of `size` bytes; its padding is stepped over."""
        at = self._at
        end = at + ((size + 511) & -512)
        if end <= self._end:
            self._at = end
            return self._data[at : at + size]
        data = self._some(size)
        if len(data) < size:
            raise self.truncated()
        self._pad(size)
        return data

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay where they are; fewer at the end of the stream."""
        while self._end - self._at < size:
            at, rest = self._at, self._data[self._at : self._end]
            if not self._next():
                self._at = at
                break
            if rest:
                self._passed -= len(rest)
                self._data, self._end = rest + self._data, len(rest) + self._end
        return self._data[self._at : self._at + size]

    def passing(self, size: int) -> Iterator[bytes]:
        """A body of `size` bytes as it comes, until somebody has seen enough; `passed` is to be called then."""
        self._left = size
        return self._passing()

    def _passing(self) -> Iterator[bytes]:
        while self._left:
            if self._at >= self._end and not self._next():
                raise self.truncated()
            piece = self._data[self._at : self._at + self._left]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def passed(self, size: int) -> None:
        """Step over what nobody took of the body that was `passing`, and over its padding."""
        left, self._left = self._left, 0
        self._leap(left)
        self._pad(size)

    def skip(self, size: int) -> None:
        """Step over a body and its padding without looking at it."""
        at = self._at + ((size + 511) & -512)
        if at <= self._end:
            self._at = at
            return
        self._leap(size)
        self._pad(size)

    def _leap(self, size: int) -> None:
        """Go on `size` bytes behind the present place."""
        left = self._at + size - self._end
        while left > 0:
            if not self._next():
                raise self.truncated()
            left -= self._end
        self._at = self._end + left

    def _pad(self, size: int) -> None:
        # The last file's padding may be missing together with the end blocks.
        left = -size % BLOCK
        while left:
            if self._at >= self._end and not self._next():
                return
            step = min(left, self._end - self._at)
            self._at += step
            left -= step

    def drain(self) -> None:
        """Read the stream to its end, for the digest."""
        while self._next():
            pass

    def truncated(self) -> ImageError:
        return ImageError(
            f"{self._subject} is truncated: its tar ends within an entry after {self.offset} bytes",
            "push the image again, or pull it from its origin",
        )

    def corrupt(self, why: str) -> ImageError:
        return ImageError(
            f"{self._subject} is corrupt: {why} before byte {self.offset} of its tar",
            "push the image again, or pull it from its origin",
        )


def text(field: bytes) -> bytes:
    """A field up to its first NUL."""
    return field.split(b"\0", 1)[0]


def _octal(field: bytes) -> int:
    """-1 for what is no octal number; empty is zero."""
    digits = field.strip(b" \0").split(b"\0", 1)[0]
    try:
        return int(digits, 8) if digits.isdigit() else (-1 if digits else 0)
    except ValueError:
        return -1


def number(field: bytes) -> int:
    """A size: octal, or base-256 when the first bit is set. -1 for what is negative, too large or no number."""
    digits = field[:-1]
    if digits.isdigit() and field[-1] in _ENDS:
        # As nearly all are written.
        try:
            return int(digits, 8)
        except ValueError:
            return -1
    if field[0] & 0x80:
        value = -1 if field[0] & 0x40 else int.from_bytes(field, "big") & ~(0x80 << (8 * len(field) - 8))
    else:
        value = _octal(field)
    return value if value <= LARGEST else -1


def is_number(field: bytes) -> bool:
    """Whether a field is empty, octal, or base-256 of 64 bits, negative ones included."""
    if not field[0] & 0x80:
        return not field[0] or _octal(field) >= 0
    value = int.from_bytes(field, "big") & ~(0x80 << (8 * len(field) - 8))
    if field[0] & 0x40:
        value -= 0x80 << (8 * len(field) - 8)
    return -LARGEST - 1 <= value <= LARGEST


@lru_cache(4096)
def permissions(field: bytes) -> int:
    """The permission bits of a mode, with set-user-id, set-group-id and sticky."""
    return max(number(field), 0) & 0o7777


def size_of(field: bytes, blocks: Blocks) -> int:
    value = number(field)
    if value < 0:
        raise blocks.corrupt("an impossible size")
    return value


def pax_number(value: bytes, blocks: Blocks) -> int:
    if not value.isdigit() or len(value) > 19 or int(value) > LARGEST:
        raise blocks.corrupt("an impossible size")
    return int(value)


@lru_cache(4096)
def expected_sum(field: bytes) -> int:
    """What Adler-32's low half over a header must be: `1 + sum of bytes`, where the field itself counts as blanks."""
    return (_octal(field) + sum(field) - 255) % 65521


def check_signed(block: bytes, blocks: Blocks) -> None:
    """Old Sun tars sum signed bytes. The common, unsigned sum is what the caller has checked."""
    rest = block[:148] + block[156:]
    signed = sum(rest) - 256 * sum(byte > 127 for byte in rest) + 256
    if signed != _octal(block[148:156]):
        raise blocks.corrupt("an entry header with a wrong checksum, or no tar archive at all,")
