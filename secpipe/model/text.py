"""Text from outside, made fit to show."""

from __future__ import annotations

import re

from secpipe.model.pattern import lazy

# C0 and C1 controls, bidirectional overrides and isolates, what has no width or no encoding: an image may name its
# packages and files as it likes, it may not drive the reader's terminal or hide from them.
_CONTROL = lazy(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)
_SURROGATE = lazy("[\ud800-\udfff]")


def printable(text: str | bytes) -> str:
    """The text on one line, control characters shown as `\\x1b`, bytes that are no UTF-8 as `\\xff`."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), wellformed(text))


def wellformed(text: str) -> str:
    """The text with lone surrogates, of which no UTF-8 can be made, written out: `\\xff` for the byte of a file name that
    one stands for (PEP 383), `\\ud800` for any other."""
    return _SURROGATE.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def plural(count: int, word: str, many: str = "") -> str:
    """`1 layer`, `2 layers`; `many` for words that do not take an s."""
    return f"{count} {word if count == 1 else many or word + 's'}"


def bytes_of(count: int) -> str:
    """`1.5 GiB`: bytes in the largest unit that leaves a whole number before the point."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "B" else f"{count} B"
        value /= 1024
    return f"{value:.1f} GiB"
