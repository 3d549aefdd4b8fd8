"""Regular expressions in the syntax of Go (RE2), as Grype's and osv-scanner's files have them for names of packages.

Names come from images, so they are matched as RE2 does, in time by the product of the lengths: Python's `re` can be made to
take for ever. Not here, and so refused: word boundaries, Unicode and POSIX classes, flags but a leading `(?i)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from secpipe.model.named import NamedTuple

MAX_STEPS = 5000
"""Steps of a compiled expression."""
_MAX_DEPTH = 50
_MAX_COUNT = 1000
_Ranges = tuple[tuple[str, str], ...]
_LAST = chr(0x10FFFF)
_CLASSES: dict[str, _Ranges] = {
    "d": (("0", "9"),),
    "w": (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")),
    "s": (("\t", "\n"), ("\f", "\r"), (" ", " ")),
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class _One(NamedTuple):
    """A character out of ranges, or out of all others."""

    ranges: _Ranges
    negated: bool = False

    def holds(self, character: str, any_case: bool) -> bool:
        forms = {character, character.lower(), character.upper()} if any_case else {character}
        return any(low <= form <= high for low, high in self.ranges for form in forms) is not self.negated


class _Edge(NamedTuple):
    """The beginning or the end of the text."""

    end: bool


class _Split(NamedTuple):
    """Goes on in both places, counted from here."""

    ways: tuple[int, int]


class _Jump(NamedTuple):
    way: int


_Step = _One | _Edge | _Split | _Jump
_Program = list[_Step]


class Regex:
    """A compiled expression. Raises `ValueError` for what is none, or not understood here."""

    def __init__(self, text: str) -> None:
        self._any_case = text.startswith("(?i)")
        self._program = tuple(_Parser(text.removeprefix("(?i)")).parse())

    def search(self, text: str) -> bool:
        """Whether it matches anywhere in the text."""
        states: set[int] = set()
        for n in range(len(text) + 1):
            states = self._closed({*states, 0}, n == 0, n == len(text))
            if len(self._program) in states:
                return True
            if n < len(text):
                states = {state + 1 for state in states if self._takes(state, text[n])}
        return False

    def _takes(self, state: int, character: str) -> bool:
        step = self._program[state]
        return isinstance(step, _One) and step.holds(character, self._any_case)

    def _closed(self, states: set[int], first: bool, last: bool) -> set[int]:
        """The states that are reached without taking a character."""
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in found:
                continue
            found.add(state)
            step = self._program[state] if state < len(self._program) else None
            if isinstance(step, _Split):
                waiting += [state + way for way in step.ways]
            elif isinstance(step, _Jump):
                waiting.append(state + step.way)
            elif isinstance(step, _Edge) and (last if step.end else first):
                waiting.append(state + 1)
        return found


@lru_cache(1 << 10)
def whole(text: str) -> Regex:
    """What Grype and osv-scanner make of an expression for all of a name: the ends are put on as they are, so that of
    `a|b` each part is held at one end. Raises `ValueError` as `Regex` does."""
    flag = "(?i)" if text.startswith("(?i)") else ""
    return Regex(f"{flag}^{text.removeprefix(flag)}$")


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def parse(self) -> _Program:
        found = self._alternatives()
        if self._at < len(self._text):
            raise ValueError("has a parenthesis that nothing opened")
        return found

    def _peek(self, length: int = 1) -> str:
        return self._text[self._at : self._at + length]

    def _next(self) -> str:
        found = self._peek()
        if not found:
            raise ValueError("ends too early")
        self._at += 1
        return found

    def _alternatives(self) -> _Program:
        found = self._sequence()
        while self._peek() == "|":
            self._at += 1
            other = self._sequence()
            found = _bounded([_Split((1, len(found) + 2)), *found, _Jump(len(other) + 1), *other])
        return found

    def _sequence(self) -> _Program:
        found: _Program = []
        while self._peek() not in ("", "|", ")"):
            found = _bounded([*found, *self._repeated(self._atom())])
        return found

    def _atom(self) -> _Program:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return [self._class()]
        if character == ".":
            return [_One((("\n", "\n"),), negated=True)]
        if character in "^$":
            return [_Edge(character == "$")]
        if character in "*+?":
            raise ValueError(f"has nothing to repeat before {character}")
        if character == "\\":
            return [self._escape()]
        return [_One(((character, character),))]

    def _group(self) -> _Program:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("is nested too deeply")
        if self._peek() == "?":
            if self._peek(2) == "?:":
                self._at += 2
            elif self._peek(3) == "?P<" or self._peek(2) == "?<":
                end = self._text.find(">", self._at)
                if end < 0 or self._peek(3) in ("?<=", "?<!"):
                    raise ValueError("has a group of an unknown kind")
                self._at = end + 1
            else:
                raise ValueError("has a group of an unknown kind")
        found = self._alternatives()
        if self._peek() != ")":
            raise ValueError("has a parenthesis that is not closed")
        self._at += 1
        self._depth -= 1
        return found

    def _repeated(self, atom: _Program) -> _Program:
        least, most = 1, 1
        character = self._peek()
        if character and character in "*+?":
            self._at += 1
            least, most = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[character]
        elif character == "{" and (counts := self._counts()):
            least, most = counts
        else:
            return atom
        if self._peek() == "?":
            self._at += 1  # which match is preferred does not matter for whether there is one
        if self._peek() and self._peek() in "*+?":
            raise ValueError("repeats a repetition")
        found: _Program = []
        for _ in range(least):
            found = _bounded([*found, *atom])
        if most < 0:
            return _bounded([*found, _Split((1, len(atom) + 2)), *atom, _Jump(-len(atom) - 1)])
        for _ in range(most - least):
            found = _bounded([*found, _Split((1, len(atom) + 1)), *atom])
        return found

    def _counts(self) -> tuple[int, int] | None:
        """`{2}`, `{2,}` and `{2,3}`; any other brace stands for itself."""
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _digits(low) or (high and not _digits(high)):
            return None
        self._at = end + 1
        least = int(low)
        most = (int(high) if high else -1) if comma else least
        if max(least, most) > _MAX_COUNT or 0 <= most < least:
            raise ValueError("has an invalid number of repetitions")
        return least, most

    def _class(self) -> _One:
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[str, str]] = []
        while self._peek() != "]" or not ranges:
            if self._peek(2) == "[:":
                raise ValueError("has a POSIX class, which is not understood here")
            low = self._member()
            if self._peek() != "-" or self._peek(2) == "-]":
                ranges += low
                continue
            self._at += 1
            high = self._member()
            if len(low) > 1 or len(high) > 1 or low[0][0] != low[0][1] or low[0][0] > high[0][1]:
                raise ValueError("has a class with an invalid range")
            ranges.append((low[0][0], high[0][1]))
        self._at += 1
        return _One(tuple(ranges), negated)

    def _member(self) -> _Ranges:
        character = self._next()
        if character != "\\":
            return ((character, character),)
        found = self._escape()
        if not isinstance(found, _One):
            raise ValueError("has an escape in a class that is not understood here")
        return _others(found.ranges) if found.negated else found.ranges

    def _escape(self) -> _Step:
        character = self._next()
        if character.lower() in _CLASSES:
            return _One(_CLASSES[character.lower()], negated=character.isupper())
        if character in "Az":
            return _Edge(character == "z")
        if character in _CONTROLS:
            character = _CONTROLS[character]
        elif character == "x":
            digits = self._next() + self._next()
            try:
                character = chr(int(digits, 16))
            except ValueError as error:
                raise ValueError("has an escape that is not understood here") from error
        elif character.isalnum() or not character.isascii():
            raise ValueError(f"has \\{character}, which is not understood here")
        return _One(((character, character),))


def _others(ranges: Iterable[tuple[str, str]]) -> _Ranges:
    """All characters that are in none of the ranges, which are sorted."""
    found, start = [], "\0"
    for low, high in ranges:
        found.append((start, chr(ord(low) - 1)))
        start = chr(ord(high) + 1)
    return (*found, (start, _LAST))


def _digits(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


def _bounded(program: _Program) -> _Program:
    if len(program) > MAX_STEPS:
        raise ValueError("is too large")
    return program
