"""Lists of images as text: an image or a pattern a line, empty lines, and comments from `#` to the end of the line.

Lines end with LF or CRLF. A byte order mark is passed over, and with one the text may be UTF-16, which a redirection in
Windows PowerShell 5 makes of any output.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Sequence

from secpipe.fleet.names import _files
from secpipe.fleet.names._reference import written
from secpipe.fleet.names._values import Asked, Found, Given
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

_MANIFEST = lazy(rb"(?:\xef\xbb\xbf)?(?:\s*#[^\n]*\n)*\s*(?:[{\[]|---|(?:apiVersion|kind|items)\s*:\s)")
_SPLIT = r"write one image a line: tr -s '[:space:]' '\n' splits them"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def names(sources: Sequence[Asked], given: Given) -> Iterator[Found | Asked | Problem]:
    """What the lines of each list say, by `FILE:LINE`."""
    for source in sources:
        data = _files.read(source.text, given.limits.fleet_bytes, "name a list with an image a line")
        if isinstance(data, Problem):
            yield data
            continue
        where = _files.shown(source.text)
        if _MANIFEST.match(data):
            message = f"{where}: this is no list with an image a line, but a manifest or an inventory"
            yield Problem(
                "not-a-list", where, message, "give it to --kubernetes or --inventory", coverage=False
            )
            continue
        known = False
        for each in _lines(data, where):
            known = True
            yield each
        if not known:
            yield Problem("no-images", where, f"{where}: there is no image in this list", "name another file")


def _lines(data: bytes, where: str) -> Iterator[Found | Asked | Problem]:
    if data.startswith(_UTF_16):
        data = data.decode("utf-16", "replace").encode()
    # Lists that were put one behind the other have a mark each.
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")
    for number, line in enumerate(io.BytesIO(data), 1):
        if text := _content(line):
            each = written(text, f"{where}:{number}")
            if isinstance(each, Problem) and len(text.split()) > 1 and not text.startswith("- "):
                each = each._replace(hint=_SPLIT)
            yield each


def _content(line: bytes) -> str:
    line = line.strip()
    if b"#" in line:
        # No reference has one, but what touches a word is a mistake in it rather than a comment.
        line = (
            b""
            if line.startswith(b"#")
            else min(line.split(b" #")[0], line.split(b"\t#")[0], key=len).strip()
        )
    return line.decode("utf-8", "replace")
