"""XML 1.0 that every reader takes, whatever files and messages are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secpipe.model.pattern import lazy
from secpipe.model.text import printable

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
# xml.sax.saxutils would do, but brings urllib.request, and with it half of a browser.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_NO_CHARACTER = lazy("[\ufffe\uffff]")
"""What XML 1.0 (§2.2) does not allow and `printable` lets pass."""


def element(name: str, attributes: Mapping[str, object], content: Iterable[str] = ()) -> list[str]:
    """The lines of an element, its attributes in the given order; `content` is lines of XML."""
    words = "".join(f' {key}="{clean(str(value))}"' for key, value in attributes.items())
    lines = [f"  {line}" for line in content]
    return [f"<{name}{words}>", *lines, f"</{name}>"] if lines else [f"<{name}{words}/>"]


def text_element(name: str, attributes: Mapping[str, object], text: str) -> str:
    """An element that holds one line of text."""
    (tag,) = element(name, attributes)
    return f"{tag[:-2]}>{clean(text)}</{name}>"


def clean(text: str) -> str:
    """The text on one line, of characters that may stand in XML, escaped for content and attributes."""
    shown = _NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))
    return shown.translate(_ESCAPES)
