"""Texts for a page that trusts nothing: escaped, and hashed for its Content Security Policy."""

from __future__ import annotations

import base64
import hashlib
import html

from secpipe.model.text import printable

_LONG = 2_000
"""characters of one text: what is longer was not made to be read"""


def hashed(text: str) -> str:
    """A script or style as the policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def escaped(text: str) -> str:
    """Fit for content and for attributes in double quotes."""
    shown = printable(text if len(text) <= _LONG else text[: _LONG - 1] + "…")
    return html.escape(shown)
