"""The exec form: a JSON array of strings, with the place of each string.

Go's encoding/json decides what is JSON (RFC 8259, no literal control characters); anything else is the shell form, but
an array of other things than strings is refused.
"""

from __future__ import annotations

import json
import re

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.joined import Joined, join
from secpipe.dockerfile.lexer import SPACE
from secpipe.model.pattern import lazy

_STRING = lazy(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_BLANK = lazy(r"[ \t\r\n]*")
_ESCAPE = lazy(r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(.))")
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NotStrings(Exception):
    """A JSON array that holds something other than strings."""


def strings(rest: Joined) -> tuple[Word, ...] | None:
    """The strings of the exec form, each standing on its characters with the quotes; None for any other form."""
    try:
        return parse(rest)
    except NotStrings:
        return None


def parse(rest: Joined) -> tuple[Word, ...] | None:
    """As `strings`, but raises NotStrings where BuildKit refuses the instruction."""
    text = rest.text
    at = len(text) - len(text.lstrip(SPACE))
    if not text.startswith("[", at):
        return None
    spans = _spans(text, at + 1)
    if spans is None:
        if _is_array(text[at:]):
            raise NotStrings
        return None
    return tuple(rest.word(start, end, decode(text[start + 1 : end - 1])) for start, end in spans)


def decode(body: str) -> str:
    """The characters that stand between the quotes of a JSON string, escapes decoded."""
    return _ESCAPE.sub(_unescape, body) if "\\" in body else body


def string_spans(rest: Joined) -> list[tuple[int, int]]:
    """Where the strings of a text in the exec form stand in it, quotes included."""
    text = rest.text
    return _spans(text, len(text) - len(text.lstrip(SPACE)) + 1) or []


def string_text(line: Joined, start: int, end: int) -> Joined:
    """What stands between the quotes of a JSON string, decoded, with each character still in its place."""
    pieces: list[tuple[int, str]] = []
    for match in _ESCAPE.finditer(line.text, start, end):
        pieces.extend(line.slice(start, match.start()).pieces())
        pieces.append((line.start(match.start()), _unescape(match)))
        start = match.end()
    return join((*pieces, *line.slice(start, end).pieces()))


def _spans(text: str, at: int) -> list[tuple[int, int]] | None:
    spans: list[tuple[int, int]] = []
    at = _blank(text, at)
    while not text.startswith("]", at) or spans:
        match = _STRING.match(text, at)
        if not match:
            return None
        spans.append(match.span())
        at = _blank(text, match.end())
        if text.startswith("]", at):
            break
        if not text.startswith(",", at):
            return None
        at = _blank(text, at + 1)
    return spans if _blank(text, at + 1) == len(text) else None


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _is_array(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), list)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unescape(match: re.Match[str]) -> str:
    high, low, simple = match.groups()
    if simple is not None:
        return _SIMPLE.get(simple, str(simple))
    code = int(high, 16)
    if 0xD800 <= code < 0xDC00 and low:
        return chr(0x10000 + ((code - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    first = "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
    return first + ("\ufffd" if low else "")
