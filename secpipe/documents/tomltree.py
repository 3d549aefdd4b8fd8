"""TOML 1.0 as a tree whose every value knows where it stands, as far as lines tell: tomllib keeps no places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from secpipe.documents.node import MAX_DEPTH, Node
from secpipe.errors import UsageError
from secpipe.model.pattern import lazy

_MAX_DOTS = 500
"""Of a key: tomllib takes time and memory by the square of their number."""
_BETWEEN_KEYS = lazy(r"[=,{}\[\]\n]")
_HEADER = lazy(r"\s*\[([^\[\]]*)\]")
_ITEM = lazy(r"\s*\[\[([^\[\]]*)\]\]")
_TOML_KEY = lazy(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*=""")
_Key = tuple[str | int, ...]
"""Names of keys, and positions in arrays."""


def parse_toml(text: str, source: str, hint: str, table: tuple[str, ...] = ()) -> Node | None:
    """The document, or the table of that name, by which messages do not call its keys; None without it.

    `source` names the file in messages, `hint` is what to do about a bad one. Raises `UsageError`.
    """
    if any(part.count(".") > _MAX_DOTS for part in _BETWEEN_KEYS.split(text)):
        raise UsageError(f"{source}: a key of more than {_MAX_DOTS} parts", hint)
    import tomllib

    try:
        document: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        place = f"{source}:{found[1]}:{found[2]}" if found and found[1] else source
        reason = str(error)[: found.start()] if found else error
        raise UsageError(f"{place}: no valid TOML: {reason}", hint) from error
    for name in table:
        if not isinstance(document, dict) or name not in document:
            return None
        document = document[name]
    lines = dict(reversed(list(_lines(text))))
    return _Tree(lines, source, hint, table).node(document, table)


class _Tree:
    def __init__(self, lines: Mapping[_Key, int], source: str, hint: str, table: tuple[str, ...]) -> None:
        self._lines = lines
        self._source = source
        self._hint = hint
        self._table = table

    def node(self, value: Any, key: _Key) -> Node:
        line = next((self._lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self._lines), None)
        place = f"{self._source}:{line}" if line else self._source
        inner = key[len(self._table) :]
        name = ".".join(part for part in inner if isinstance(part, str) and part)
        where = f"{place}: {name}" if name else place
        if len(inner) > MAX_DEPTH:
            raise UsageError(f"{place}: nested too deeply", self._hint)
        if isinstance(value, dict):
            return Node({k: self.node(v, (*key, k)) for k, v in value.items()}, "", where)
        if isinstance(value, list):
            return Node(tuple(self.node(item, (*key, n)) for n, item in enumerate(value)), "", where)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return Node(value if isinstance(value, bool | int | float) else text, text, where)


def _lines(text: str) -> Iterator[tuple[_Key, int]]:
    table: _Key = ()
    seen: Counter[tuple[str, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if item := _ITEM.match(line):
            names = _names(item[1])
            table = (*names, seen[names])
            seen[names] += 1
            yield table, number
        elif header := _HEADER.match(line):
            table = _names(header[1])
            yield table, number
        elif key := _TOML_KEY.match(line):
            yield (*table, key[1] or key[2] or key[3] or ""), number


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in text.split("."))
