"""XML 1.0 that every reader takes, whatever files and messages are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

from secpipe.model.text import printable

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_NO_CHARACTER = re.compile("[\ufffe\uffff]")
"""What XML 1.0 (§2.2) does not allow and `printable` lets pass."""


def element(name: str, attributes: Mapping[str, object], content: Iterable[str] = ()) -> list[str]:
    """The lines of an element, its attributes in the given order; `content` is lines of XML."""
    words = "".join(f" {key}={quoteattr(clean(str(value)))}" for key, value in attributes.items())
    lines = [f"  {line}" for line in content]
    return [f"<{name}{words}>", *lines, f"</{name}>"] if lines else [f"<{name}{words}/>"]


def text_element(name: str, attributes: Mapping[str, object], text: str) -> str:
    """An element that holds one line of text."""
    (tag,) = element(name, attributes)
    return f"{tag[:-2]}>{escape(clean(text))}</{name}>"


def clean(text: str) -> str:
    """The text on one line, of characters that may stand in XML."""
    return _NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))
