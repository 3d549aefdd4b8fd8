"""Text from outside, made fit to show."""

from __future__ import annotations

import re

# C0 and C1 controls, bidirectional overrides and isolates, what has no width or no encoding: an image may name its
# packages and files as it likes, it may not drive the reader's terminal or hide from them.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)


def printable(text: str | bytes) -> str:
    """The text on one line, control characters and bytes that are no UTF-8 shown as `\\x1b`."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)


def plural(count: int, word: str, many: str = "") -> str:
    """`1 layer`, `2 layers`; `many` for words that do not take an s."""
    return f"{count} {word if count == 1 else many or word + 's'}"
