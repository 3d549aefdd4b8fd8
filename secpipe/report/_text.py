"""Words for people, shared by the formats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from secpipe.model.severity import Severity

if TYPE_CHECKING:
    from secpipe.model.scan import Finding

# C0 and C1 controls, bidirectional overrides and isolates: an image may name its packages as it likes,
# it may not drive the reader's terminal.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text on one line, control characters shown as `\\x1b`."""
    return _CONTROL.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)


def plural(count: int, word: str, many: str = "") -> str:
    """`1 layer`, `2 layers`; `many` for words that do not take an s."""
    return f"{count} {word if count == 1 else many or word + 's'}"


def totals(findings: Iterable[Finding]) -> str:
    """`2 critical, 1 low`, worst first; empty for no findings."""
    counts: dict[Severity, int] = {}
    for finding in findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    return ", ".join(f"{counts[severity]} {severity}" for severity in sorted(counts, reverse=True))


def instruction(created_by: str) -> str:
    """A history line as its Dockerfile would say it: without the builder's shell prefix and marks.

    BuildKit writes `RUN /bin/sh -c apt-get … # buildkit`, the classic builder `/bin/sh -c apt-get …` for RUN
    and `/bin/sh -c #(nop) COPY …` for everything else.
    """
    text = " ".join(created_by.split())
    text = re.sub(r"\s*# buildkit$", "", text)
    if nop := re.match(r"/bin/sh -c #\(nop\)\s*", text):
        return text[nop.end() :]
    return re.sub(r"^(RUN )?(\|\d+ .*?)?/bin/sh -c ", "RUN ", text)
