"""Text from outside, made fit to show."""

from __future__ import annotations

import re

# C0 and C1 controls, bidirectional overrides and isolates: an image may name its packages as it likes,
# it may not drive the reader's terminal.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text on one line, control characters shown as `\\x1b`."""
    return _CONTROL.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)


def plural(count: int, word: str, many: str = "") -> str:
    """`1 layer`, `2 layers`; `many` for words that do not take an s."""
    return f"{count} {word if count == 1 else many or word + 's'}"
