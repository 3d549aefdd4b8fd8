"""From bytes to text: encodings, byte order marks, and where each line starts.

BuildKit reads UTF-8 with an optional byte order mark and ends a line at LF, with any CR before it dropped; a CR
alone ends nothing. UTF-16 and UTF-32 are read too when a byte order mark announces them, as editors on Windows do.
"""

from __future__ import annotations

import codecs
import re

from secpipe.dockerfile.ast import Source
from secpipe.errors import UndecidedError
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

# UTF-32 first: the mark of UTF-16 LE is the beginning of that of UTF-32 LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = bytes(set(range(0x20)) - set(b"\b\t\n\v\f\r\x1b")) + b"\x7f"
_SAMPLE = 8192
_ESCAPED = lazy("[\udc80-\udcff]")


def decode(data: bytes, name: str) -> Source:
    """Decode a file; `name` is what messages and reports call it.

    Every byte that is not UTF-8 becomes one U+FFFD, so that columns stay those of a one-byte encoding's editor and
    every report can still be written as UTF-8 (which escaped surrogates could not). Raises UndecidedError for
    a file that is not text.
    """
    mark, encoding = next((m for m in _MARKS if data.startswith(m[0])), (b"", "utf-8"))
    body = data[len(mark) :]
    if encoding == "utf-8":
        _refuse_binary(body, name)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = _ESCAPED.sub("\ufffd", body.decode("utf-8", "surrogateescape"))
    else:
        text = body.decode(encoding, "replace")
        if "\0" in text:
            raise _binary(name)
    return source(text, name)


class Exact(NamedTuple):
    """A file's text in which nothing is lost: bytes that are no text are lone surrogates, one each."""

    text: str
    mark: bytes
    encoding: str

    def encode(self, text: str) -> bytes:
        """Another text as this file would have it."""
        return self.mark + text.encode(self.encoding, _exactly(self.encoding))


def decode_exactly(data: bytes) -> Exact | None:
    """The text at the offsets that `decode` gives, for writing it back; None when that would not give the same bytes."""
    mark, encoding = next((m for m in _MARKS if data.startswith(m[0])), (b"", "utf-8"))
    try:
        exact = Exact(data[len(mark) :].decode(encoding, _exactly(encoding)), mark, encoding)
        return exact if exact.encode(exact.text) == data else None
    except UnicodeError:
        return None


def _exactly(encoding: str) -> str:
    return "surrogateescape" if encoding == "utf-8" else "surrogatepass"


def source(text: str, name: str) -> Source:
    """A source from text that is decoded already."""
    return Source(name, text, (0, *[m.end() for m in re.finditer("\n", text)]))


def _refuse_binary(data: bytes, name: str) -> None:
    if b"\0" in data:
        even, odd = data[:_SAMPLE:2], data[1:_SAMPLE:2]
        if odd.count(0) > 0.4 * len(odd) or even.count(0) > 0.4 * len(even):
            raise UndecidedError(
                f"{name}: not a text file, or UTF-16 without a byte order mark",
                "save it as UTF-8, or name a Dockerfile",
            )
        raise _binary(name)
    sample = data[:_SAMPLE]
    if len(sample) - len(sample.translate(None, _CONTROL)) > 0.1 * len(sample):
        raise _binary(name)


def _binary(name: str) -> UndecidedError:
    return UndecidedError(
        f"{name}: a binary file, not a Dockerfile", "name a Dockerfile, or exclude this file"
    )
