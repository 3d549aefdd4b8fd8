"""Documents of YAML 1.1 and JSON that come one after the other in one file, as manifests and inventories of clusters do.

Each is read for itself, so that one which cannot be read does not cost the others. Values are plain ones: mappings,
lists and texts; of YAML, a scalar is its spelling. An alias is the value that it stands for and no copy, so that a
document never becomes larger than what is written; a merge key (`<<`) gives what it names to its mapping, at the cost of
that. Of two equal keys the last counts, as in JSON everywhere.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from secpipe.model.pattern import lazy

if TYPE_CHECKING:
    import yaml

# At the beginning of a line these can be nothing else, not even within a text of several lines (YAML 1.2.2 §9.1.2).
_MARKER = lazy(rb"^(?:---(?=[ \t\r\n]|\Z)|\.\.\.(?=[ \t\r\n]|\Z)[^\n]*\n?)", re.MULTILINE)
_BEFORE_START = lazy(rb"(?:\s++|[#%][^\n]*+\n)*+")
"""Directives and comments, which stand before the marker of the document that they belong to."""
# A text that does not end goes to the end of the file: to look on behind its first quote would take quadratic time.
_JSON_TOKEN = lazy(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_STRUCTURE = (b"{", b"[", b",")
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_SPLIT_FACTOR = 8
"""How many times the values of one document a file of JSON may have, of which one object is looked at after the other."""


class Bounds(NamedTuple):
    """Of one document: how deeply it is nested, and how many values it has, those of merged mappings counted again."""

    depth: int
    values: int


class Document(NamedTuple):
    """One document: the line that it begins on, and its value or what is wrong with it. `template` tells of `{{` in it."""

    line: int
    value: object = None
    flaw: str = ""
    template: bool = False


def documents(data: bytes, wanted: re.Pattern[bytes], bounds: Bounds) -> Iterator[Document]:
    """The documents of a file in which `wanted` is found; the others are not read. Of a list as Kubernetes writes it
    (`kind: …List`), and of an array, every item is a document."""
    data = _utf8(data)
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            yield from json_documents(data, wanted, bounds)
        except NoJsonError:
            # YAML has braces as well, and so do templates of either.
            yield from _yaml_documents(data, wanted, bounds)
    else:
        yield from _yaml_documents(data, wanted, bounds)


class NoJsonError(ValueError):
    """The file is no JSON; the message says why."""


def json_documents(data: bytes, wanted: re.Pattern[bytes], bounds: Bounds) -> Iterator[Document]:
    """As `documents` for a file that can only be JSON, one value or several. Raises NoJsonError before the first."""
    import msgspec

    data = _utf8(data)
    if sum(map(data.count, _STRUCTURE)) > bounds.values * _SPLIT_FACTOR:
        yield Document(1, flaw=_too_many(bounds.values * _SPLIT_FACTOR))
        return
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
        whole: Iterable[tuple[int, bytes]] = [(1, data)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        whole = list(_values(data))
        if len(whole) < 2:
            raise NoJsonError(_why(error)) from error
    for line, value in whole:
        for item, kind in _items(value):
            if wanted.search(item):
                yield _json(item, kind, line, bounds)


def _items(value: bytes) -> Iterator[tuple[bytes, str]]:
    """The items of a list or an array and the kind that they have when they do not say so; else the value itself."""
    import msgspec

    kind = ""
    try:
        if value.lstrip()[:1] == b"{":
            members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
            said = msgspec.json.decode(members.get("kind", b'""'))
            is_list = isinstance(said, str) and said.endswith("List") and "items" in members
            if not is_list or "spec" in members:
                yield value, ""
                return
            kind, value = said.removesuffix("List"), bytes(members["items"])
        for item in msgspec.json.decode(value, type=list[msgspec.Raw]):
            yield bytes(item), kind
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        yield value, kind


def _json(data: bytes, kind: str, line: int, bounds: Bounds) -> Document:
    import msgspec

    if sum(map(data.count, _STRUCTURE)) > bounds.values:
        return Document(line, flaw=_too_many(bounds.values))
    template = b"{{" in data
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Document(line, flaw=_why(error), template=template)
    if kind and isinstance(value, dict):
        value.setdefault("kind", kind)
    return Document(line, value, template=template)


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else f"no valid JSON: {error}"


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The objects and arrays that stand one after the other; nothing as soon as there is something else between them."""
    found: list[tuple[int, bytes]] = []
    depth = start = line = 0
    end = 0
    for token in _JSON_TOKEN.finditer(data):
        sign = token[0]
        if depth == 0:
            if sign[:1] not in b"{[" or data[end : token.start()].strip():
                return iter(())
            line += data.count(b"\n", start, token.start())
            start = token.start()
        if sign in (b"{", b"["):
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                end = token.end()
                found.append((line + 1, data[start:end]))
    return iter(() if depth or data[end:].strip() else found)


def _yaml_documents(data: bytes, wanted: re.Pattern[bytes], bounds: Bounds) -> Iterator[Document]:
    line = 1
    for start, end in pairwise([*_starts(data), len(data)]):
        piece = data[start:end]
        if wanted.search(piece):
            yield from _yaml(piece, line, bounds)
        line += piece.count(b"\n")


def _starts(data: bytes) -> list[int]:
    """Where documents begin: at `---`, or at the directives before it, and behind `...`."""
    starts = [0]
    for found in _MARKER.finditer(data):
        if found[0] != b"---":
            starts.append(found.end())
        elif not _BEFORE_START.fullmatch(data, starts[-1], found.start()):
            starts.append(found.start())
    return starts


def _yaml(data: bytes, line: int, bounds: Bounds) -> Iterator[Document]:
    import yaml

    template = b"{{" in data
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for value in _Builder(bounds).values(yaml.parse(data.decode("utf-8", "replace"), loader)):
            yield Document(line, value, template=template)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = line + (mark.line if mark else 0)
        yield Document(at, flaw=f"no valid YAML: {error.problem or error.context}", template=template)
    except yaml.YAMLError as error:
        yield Document(line, flaw=f"no valid YAML: {getattr(error, 'reason', error)}", template=template)
    except _TooMuchError as error:
        yield Document(line, flaw=str(error), template=template)


class _TooMuchError(Exception):
    """A document beyond its bounds."""


class _Builder:
    """Makes values of the events of a parser, without recursion: PyYAML's own way ends the process when it is deep."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._left = bounds.values

    def values(self, events: Iterable[yaml.Event]) -> Iterator[object]:
        """The root of each document. Raises _TooMuchError, and the parser's errors."""
        import yaml

        anchors: dict[str, object] = {}
        open_: list[_Frame] = []
        for event in events:
            self._spend(1)
            if isinstance(event, yaml.ScalarEvent):
                plain = event.implicit[0] and event.value in _NULLS
                value: object = None if plain else event.value
            elif isinstance(event, yaml.CollectionStartEvent):
                value = {} if isinstance(event, yaml.MappingStartEvent) else []
                open_.append(_Frame(value))
                if len(open_) > self._bounds.depth:
                    raise _TooMuchError(f"nested more than {self._bounds.depth} deep")
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    raise _TooMuchError(
                        f"no valid YAML: the alias *{str(event.anchor)[:80]} stands for nothing"
                    )
                value = anchors[event.anchor]
            elif isinstance(event, yaml.CollectionEndEvent):
                value = open_.pop().value
            else:
                if isinstance(event, yaml.DocumentStartEvent):
                    anchors = {}
                continue
            if isinstance(event, yaml.NodeEvent) and not isinstance(event, yaml.AliasEvent) and event.anchor:
                anchors[event.anchor] = value
            if isinstance(event, yaml.CollectionStartEvent):
                continue
            if open_:
                self._add(open_[-1], value)
            else:
                yield value

    def _add(self, frame: _Frame, value: object) -> None:
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif not frame.has_key:
            frame.key, frame.has_key = value, True
        else:
            frame.has_key = False
            if frame.key == "<<":
                self._merge(frame.value, value)
            elif isinstance(frame.key, str) or frame.key is None:
                frame.value[frame.key or ""] = value

    def _merge(self, mapping: dict[str, object], merged: object) -> None:
        """What stands in the mapping itself wins, and of several merged ones the first."""
        for each in merged if isinstance(merged, list) else [merged]:
            if isinstance(each, dict):
                self._spend(len(each))
                for key, value in list(each.items()):
                    mapping.setdefault(key, value)

    def _spend(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise _TooMuchError(_too_many(self._bounds.values))


class _Frame:
    """A mapping or list that is not yet complete, and the key whose value comes next."""

    __slots__ = ("has_key", "key", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.key: object = None
        self.has_key = False


def _too_many(values: int) -> str:
    return f"more than {values} values (limit fleet-values)"


def _utf8(data: bytes) -> bytes:
    if data.startswith(_UTF_32):
        return data.decode("utf-32", "replace").encode()
    if data.startswith(_UTF_16):
        return data.decode("utf-16", "replace").encode()
    # What begins with ASCII tells without a mark as well (YAML 1.2.2 §5.2).
    if 0 in data[:2]:
        return data.decode("utf-16-le" if data[0] else "utf-16-be", "replace").encode()
    # Files that were put one behind the other have a mark each.
    return data.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")
