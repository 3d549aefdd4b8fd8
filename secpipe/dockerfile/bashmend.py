"""Ways to write that bash knows and tree-sitter-bash does not, written otherwise; every character keeps its place."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.model.pattern import lazy

# `command `# a note`` is a way to comment a line that goes on; the grammar takes all that follows for the comment.
_NOTE = lazy(rb"`#[^`\n]*`")
# bash needs no `;` in `fi fi`, `) else`, `} done`.
_SEPARATOR = lazy(rb"(?:(?<=[\s;])(?:fi|done|esac|\})|\))([ \t]+)(?=(?:fi|done|esac|elif|else|then|do)\b|\})")
_PARENTHESIS = lazy(rb"[()]")


def rewritten(data: bytes) -> Iterator[bytes]:
    """Other ways to write a text, as long as it is, the likeliest first; none that is the text itself."""
    seen = {data}
    mended = _NOTE.sub(lambda m: b" " * len(m[0]), data)
    mended = _SEPARATOR.sub(lambda m: m[0][: -len(m[1])] + b";" + m[1][1:], mended)
    # What is no arithmetic is one subshell in another; tried last, for arithmetic can look like commands.
    for text in (mended, _without_doubled(mended), _without_doubled(mended, arithmetic=True)):
        if text not in seen:
            seen.add(text)
            yield text


def _without_doubled(data: bytes, *, arithmetic: bool = False) -> bytes:
    """The text with blanks for each subshell that begins with another one, `((a | b) || c)`.

    `arithmetic`: also for `((a))`, which bash reads as arithmetic whenever it can.
    """
    if b"((" not in data:
        return data
    text, open_at = bytearray(data), list[int]()
    inner = (-1, -1)
    for match in _PARENTHESIS.finditer(data):
        at = match.start()
        if match[0] == b"(":
            open_at.append(at)
        elif open_at:
            begin = open_at.pop()
            is_doubled = data[begin + 1 : begin + 2] == b"(" and data[max(begin - 1, 0) : begin] != b"$"
            if is_doubled and (arithmetic or inner != (begin + 1, at - 1)):
                text[begin] = text[at] = ord(" ")
            inner = begin, at
    return bytes(text)
