"""Texts from outside in Markdown, GitHub's and GitLab's: what they say is shown, and nothing of it is markup."""

from __future__ import annotations

import re

from secpipe.model.pattern import lazy
from secpipe.model.text import printable

# A character that is written by its number takes no part in structure (CommonMark 2.5): neither in emphasis, links, HTML
# and cells, nor in GitHub's own mentions, emoji, formulas and links by themselves.
_MARKUP = lazy(r"[\\`*_\[\]#|~$@<>&:\"']|(?<=www)\.", re.IGNORECASE)
_ADDRESS = lazy(r"[\s<>()\[\]\\|`*_~\"'&]")


def escaped(text: str) -> str:
    """The text on one line, to stand within a line or a cell."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def linked(text: str, address: str) -> str:
    """A link to an address that begins with `http`; the text alone where there is none."""
    if not address:
        return escaped(text)
    target = _ADDRESS.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), address)
    return f"[{escaped(text)}]({target})"
