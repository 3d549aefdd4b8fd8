"""Maven versions: numbers and qualifiers, nested at each `-` and at each change between digits and letters.

Follows ComparableVersion of Maven 3.9 (POM reference, "Version Order Specification"). That order is not transitive
(`1 < 1-x < 1-0-rc < 1`), so no byte string can stand for it: `key` gives an object that compares like Maven.
Maven orders any text; invalid here is what its own validation refuses: unresolved properties (`${revision}`),
characters that no file name has, and version ranges.
"""

from __future__ import annotations

import re

from msgspec import Struct

from secpipe.versions import InvalidVersion, Part, checked

ORDER = (
    "items in turn, those that are missing as if they were 0 or no qualifier: alpha, beta, milestone, rc, "
    "snapshot, none (also ga, final, release), sp, then other words as text, then what follows a hyphen, "
    "then numbers."
)

Token = tuple[int, str, int]
"""(kind, qualifier, number): what a list of Maven's holds. Tokens order as its items do."""

_QUALIFIER, _LIST, _NUMBER = range(3)
_KINDS = ("qualifier", "part", "number")
_SUBLIST: Token = (_LIST, "", 0)
_KNOWN = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RANKS = {word: str(rank) for rank, word in enumerate(_KNOWN)}
_RELEASE = _RANKS[""]
_RANKS |= {"cr": _RANKS["rc"], "ga": _RELEASE, "final": _RELEASE, "release": _RELEASE}
_BEFORE_A_NUMBER = {"a": "alpha", "b": "beta", "m": "milestone"}
_NULL: tuple[Token, ...] = ((_NUMBER, "", 0), (_QUALIFIER, _RELEASE, 0))
"""What a version may end in without being another one: 1.0-ga is 1."""

NOTHING = frozenset(f"{kind} {qualifier} {number}" for kind, qualifier, number in (_SUBLIST, *_NULL))
"""The pieces of parts that are the same as none."""

_REFUSED = re.compile(r"""[\\/:"<>|?*\[\](){},$]""")
_ITEM = re.compile(r"(?P<digits>[0-9]+)|(?P<word>[^0-9.-]+)|[.-]")


class Key(Struct, frozen=True):
    """A parsed version. Lists nest at their end only, so the tokens stand in one row."""

    tokens: tuple[Token, ...]

    def __lt__(self, other: Key) -> bool:
        return _compare(self.tokens, other.tokens) < 0

    def __le__(self, other: Key) -> bool:
        return _compare(self.tokens, other.tokens) <= 0


def key(text: str) -> Key:
    """What orders the version; raises `InvalidVersion`."""
    rest = checked(text)
    if _REFUSED.search(rest):
        raise InvalidVersion(text, "has a character that Maven allows in no version")
    if not any(map(str.isalnum, rest)):
        raise InvalidVersion(text, "has neither a number nor a word")
    return Key(_tokens(_lists(rest.lower())))


def parts(text: str) -> list[Part]:
    """The items of the parsed version; raises as `key` does."""
    words = dict(zip(_RANKS.values(), _RANKS, strict=True))
    found: list[Part] = []
    for kind, qualifier, value in key(text).tokens:
        word = words.get(qualifier) or qualifier.partition("-")[2] or qualifier
        text = str(value) if kind == _NUMBER else "-" if kind == _LIST else word
        found.append((_KINDS[kind], text, f"{kind} {qualifier} {value}"))
    return found


def _lists(text: str) -> list[list[Token]]:
    """Maven's nested lists, outermost first: each is the last item of the one before."""
    lists: list[list[Token]] = [[]]
    items = list(_ITEM.finditer(text))
    separated = True
    for i, item in enumerate(items):
        following = items[i + 1] if i + 1 < len(items) else None
        if item["digits"]:
            lists[-1].append((_NUMBER, "", int(item["digits"])))
            if following and following["word"]:
                lists.append([])
        elif item["word"]:
            counted = following is not None and following["digits"] is not None
            if (counted or following is None) and lists[-1]:
                lists.append([])
            lists[-1].append(_qualifier(item["word"], counted))
            if counted:
                lists.append([])
        else:
            if separated:
                lists[-1].append((_NUMBER, "", 0))
            if item[0] == "-":
                lists.append([])
        separated = item[0] in ".-"
    return lists


def _qualifier(word: str, counted: bool) -> Token:
    if counted:
        word = _BEFORE_A_NUMBER.get(word, word)
    return _QUALIFIER, _RANKS.get(word) or f"{len(_KNOWN)}-{word}", 0


def _tokens(lists: list[list[Token]]) -> tuple[Token, ...]:
    for items in lists:
        while items and items[-1] in _NULL:
            items.pop()
    while lists and not lists[-1]:
        lists.pop()
    row: list[Token] = []
    for depth, items in enumerate(lists):
        row.extend([_SUBLIST, *items] if depth else items)
    return tuple(row)


def _compare(left: tuple[Token, ...], right: tuple[Token, ...]) -> int:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return -1 if one < other else 1
    common = min(len(left), len(right))
    return _against_nothing(left[common:]) or -_against_nothing(right[common:])


def _against_nothing(tokens: tuple[Token, ...]) -> int:
    for kind, qualifier, value in tokens:
        if value:
            return 1
        if kind == _QUALIFIER and qualifier != _RELEASE:
            return -1 if qualifier < _RELEASE else 1
    return 0
