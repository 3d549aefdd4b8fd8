"""Words for people, shared by the formats."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from secpipe.model.pattern import lazy
from secpipe.model.severity import Severity
from secpipe.model.text import wellformed

if TYPE_CHECKING:
    from secpipe.model.scan import Finding

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SURROGATES = lazy("[\ud800-\udfff]")
_LINE_ENDS = lazy("[\x7f-\x9f\u2028\u2029]")
"""Those that JSON lets pass in strings, and the controls beside them."""


def json_text(document: object) -> str:
    """The document as JSON that is valid UTF-8: bytes of names that are not stand in it as `\\xff`."""
    return _escaped(_indented(document, "\n")) + "\n"


def _indented(value: object, line: str) -> str:
    """What `json.dumps` makes with `indent=2`, for which it has no fast code; `line` is a line's end and the indentation."""
    if type(value) is str:
        return encode_basestring(value)
    inner = line + "  "
    if isinstance(value, dict) and value:
        members = [f"{encode_basestring(key)}: {_indented(member, inner)}" for key, member in value.items()]
        return f"{{{inner}{f',{inner}'.join(members)}{line}}}"
    if isinstance(value, list | tuple) and value:
        return f"[{inner}{f',{inner}'.join([_indented(item, inner) for item in value])}{line}]"
    return _ENCODER.encode(value)


def json_line(document: object) -> str:
    """The same on one line, whatever the reader takes for a line's end, and without its own."""
    return _on_one_line(_ENCODER.encode(document))


def json_string(text: str) -> str:
    """A text as `json_line` has it."""
    return _on_one_line(encode_basestring(text))


def _on_one_line(text: str) -> str:
    if text.isascii() and "\x7f" not in text:
        return text
    return _escaped(_LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _escaped(text: str) -> str:
    # Outside of strings there are only ASCII characters; inside them a backslash is doubled.
    return text if text.isascii() else _SURROGATES.sub(lambda found: "\\" + wellformed(found[0]), text)


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
