"""Quotes, escapes and variables in a word of a Dockerfile.

This is the small shell language that BuildKit applies to arguments after it has split them (frontend/dockerfile/shell):
single quotes are literal, double quotes let variables and a few escapes through, `${name}` knows the modifiers
`:- - :+ + :? ?`, `# ## % %%` and `/ //`. Backticks and `$(…)` mean nothing to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from secpipe.model.pattern import lazy

Lookup = Callable[[str], str | None]
"""The value of a variable, None when it is unset; raises Unknown when only a build knows whether it is."""

SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What BuildKit trims as white space (Go's unicode.IsSpace); Python's own idea has four control characters more."""

_MAX_DEPTH = 64
_MAX_PATTERN = 256
"""Longest value that `${name#pattern}` is worked out for, which tries every place; names of images end there."""
_MAX_INSERTED = 1 << 14
"""Most characters that variables may add to a word: a few lines can double a value until no memory holds it."""
_NAME = lazy(r"[0-9]+|[@*#?$!-]|[^\W\d]\w*")
_SPECIAL = lazy(r"[\\`'\"$]")


class LexError(Exception):
    """A word that BuildKit refuses: what is wrong, and where in the word."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.message = message
        self.index = index


class Unknown(Exception):
    """The word needs a variable whose value only a build knows."""


def unquote(word: str, escape: str) -> str:
    """The word without quotes and escapes, its variables as written. Raises LexError where BuildKit would refuse it."""
    if not _SPECIAL.search(word):
        return word
    return _Lexer(word, escape).run()


def expand(word: str, escape: str, lookup: Lookup) -> str:
    """The word without quotes and escapes, its variables replaced.

    Raises LexError, and Unknown when an unset variable is used without saying what to do then.
    """
    if not _SPECIAL.search(word):
        return word
    return _Lexer(word, escape, lookup).run()


def raw_words(text: str) -> list[tuple[int, int]]:
    """The spans of the blank-separated words, quotes and escapes respected and kept; `<< x` is one word.

    BuildKit looks for heredocs in these, always with the backslash as the escape character. A text that it cannot
    lex has no words.
    """
    lexer = _Lexer(text, "\\", raw=True)
    try:
        lexer.run()
    except LexError:
        return []
    return lexer.words


class _Lexer:
    """One pass over one word. `raw` keeps quotes and escapes; without a look-up, variables stay as written."""

    def __init__(self, text: str, escape: str, lookup: Lookup | None = None, *, raw: bool = False) -> None:
        self.text = text
        self.escape = escape
        self.lookup = lookup
        self.raw = raw
        self.pos = 0
        self.depth = 0
        self.modifiers = 0
        self.inserted = 0
        self.words: list[tuple[int, int]] = []

    def run(self) -> str:
        return self._until("", raw_escapes=self.raw)

    def _until(self, stop: str, *, raw_escapes: bool, opening: int = 0) -> str:
        """Read up to the character `stop` and past it; to the end of the text when `stop` is empty.

        `opening` is where the expression began that `stop` ends.
        """
        if self.depth > _MAX_DEPTH:
            raise LexError("variables are nested too deeply", self.pos)
        self.depth += 1
        self.modifiers += bool(stop)
        out: list[str] = []
        text, began = self.text, -1
        while self.pos < len(text):
            at, char = self.pos, text[self.pos]
            if char == stop:
                self.pos += 1
                self.depth -= 1
                return "".join(out)
            if char in SPACE:
                self.pos += 1
                out.append(char)
                if began >= 0 and not stop:
                    self.words.append((began, at))
                began = -1
                continue
            modifiers = self.modifiers
            out.append(self._piece(char, raw_escapes))
            # BuildKit forgets what came before a `${name:-…}` in the same word.
            if began < 0 or self.modifiers > modifiers:
                began = at
        if stop:
            raise LexError(f"missing {stop}", opening)
        if began >= 0:
            self.words.append((began, len(text)))
        return "".join(out)

    def _piece(self, char: str, raw_escapes: bool) -> str:
        text = self.text
        if char == "'":
            return self._single()
        if char == '"':
            return self._double(raw_escapes)
        if char == "$":
            return self._dollar()
        if char == "<" and text.startswith("<<", self.pos):
            end = self.pos + 2
            while end < len(text) and text[end] in " \t\r":
                end += 1
            piece = text[self.pos : end]
            self.pos = end
            return piece
        self.pos += 1
        if char != self.escape:
            return char
        piece = text[self.pos : self.pos + 1]
        self.pos += 1
        return char + piece if raw_escapes else piece

    def _single(self) -> str:
        end = self.text.find("'", self.pos + 1)
        if end < 0:
            raise LexError("a single quote is never closed", self.pos)
        piece = self.text[self.pos : end + 1]
        self.pos = end + 1
        return piece if self.raw else piece[1:-1]

    def _double(self, raw_escapes: bool) -> str:
        out: list[str] = []
        text, opening = self.text, self.pos
        self.pos += 1
        while self.pos < len(text):
            char = text[self.pos]
            if char == '"':
                self.pos += 1
                piece = "".join(out)
                return f'"{piece}"' if self.raw else piece
            if char == "$":
                out.append(self._dollar())
                continue
            self.pos += 1
            if char == self.escape:
                following = text[self.pos : self.pos + 1]
                if raw_escapes:
                    out.append(char)
                if following and following in ('"', "$", self.escape):
                    char = following
                    self.pos += 1
                elif not following or raw_escapes:
                    continue
            out.append(char)
        raise LexError("a double quote is never closed", opening)

    def _name(self) -> str:
        match = _NAME.match(self.text, self.pos)
        if not match:
            return ""
        self.pos = match.end()
        return match[0]

    def _dollar(self) -> str:
        text, began = self.text, self.pos
        self.pos += 1
        if not text.startswith("{", self.pos):
            name = self._name()
            if not name:
                return "$"
            return text[began : self.pos] if self.lookup is None else self._needed(self.lookup(name))
        self.pos += 1
        if text[self.pos : self.pos + 1] in ("", "{", "}", ":"):
            raise LexError("a bad substitution", began)
        name = self._name()
        value = self._modified(name, began)
        return text[began : self.pos] if self.lookup is None else value

    def _modified(self, name: str, began: int) -> str:
        text = self.text
        modifier = text[self.pos : self.pos + 1]
        self.pos += 1
        value = None if self.lookup is None else self.lookup(name)
        if modifier == "}":
            return self._needed(value)
        if modifier == "/":
            return self._replaced(value, began)
        present = value is not None
        if modifier == ":":
            present = bool(value)
            modifier = text[self.pos : self.pos + 1]
            self.pos += 1
            if modifier in ("#", "%"):
                raise LexError(f"an unsupported modifier :{modifier}", began)
        if not modifier:
            raise LexError("missing }", began)
        if modifier not in "-+?#%":
            raise LexError(f"an unsupported modifier {modifier}", began)
        operand = self._until("}", raw_escapes=modifier in "#%", opening=began)
        if modifier == "-":
            return self._needed(value) if present else operand
        if modifier == "+":
            return operand if present else ""
        if modifier == "?":
            return self._needed(value if present else None)
        return _trimmed(self._needed(value), modifier, operand) if self.lookup else ""

    def _needed(self, value: str | None) -> str:
        """The value of a variable that must have one for the word to be known."""
        if value is None and self.lookup is not None:
            raise Unknown
        self.inserted += len(value or "")
        if self.inserted > _MAX_INSERTED:
            raise Unknown
        return value or ""

    def _replaced(self, value: str | None, began: int) -> str:
        everywhere = self.text.startswith("/", self.pos)
        self.pos += everywhere
        pattern = self._until("/", raw_escapes=True, opening=began)
        replacement = self._until("}", raw_escapes=True, opening=began)
        value = self._needed(value)
        if self.lookup is None:
            return ""
        return re.sub(_regex(pattern, value), lambda _: replacement, value, count=0 if everywhere else 1)


def _trimmed(value: str, modifier: str, pattern: str) -> str:
    """`${name#pattern}` and its three relatives."""
    longest = pattern.startswith(modifier)
    matcher = lazy(_regex(pattern[longest:], value))
    cuts = range(len(value) + 1)
    if modifier == "#":
        order = reversed(cuts) if longest else cuts
        return value[next((cut for cut in order if matcher.fullmatch(value, 0, cut)), 0) :]
    order = cuts if longest else reversed(cuts)
    return value[: next((cut for cut in order if matcher.fullmatch(value, cut)), len(value))]


def _regex(pattern: str, value: str) -> str:
    """A pattern of `*` and `?` as a regular expression; `\\` makes the next character plain."""
    out: list[str] = []
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            if out[-1:] != [".*"]:
                out.append(".*")
        elif char == "?":
            out.append(".")
        else:
            out.append(re.escape(next(chars, "") if char == "\\" else char))
    if out.count(".*") > 1 or len(value) > _MAX_PATTERN:
        raise Unknown
    return "".join(out)
