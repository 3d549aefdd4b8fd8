"""Configuration files as trees whose every value knows where it stands: YAML 1.1 as PyYAML reads it, TOML 1.0.

A scalar keeps its spelling besides its value, so that `shellcheck: off` and a label called `1.0` mean what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from secpipe.errors import UsageError
from secpipe.model.pattern import lazy

if TYPE_CHECKING:
    import yaml

_MAX_BYTES = 1 << 20
_MAX_DEPTH = 8
_MAX_DOTS = 500
"""Of a key: tomllib takes time and memory by the square of their number."""
_BETWEEN_KEYS = lazy(r"[=,{}\[\]\n]")
_TABLE = ("tool", "secpipe")
_HEADER = lazy(r"\s*\[([^\[\]]*)\]")
_TOML_KEY = lazy(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*=""")


class Node(NamedTuple):
    """A value, its spelling when it is a scalar, and `where` it stands in words: file, line and key, or an option's name."""

    value: str | bool | int | float | tuple[Node, ...] | Mapping[str, Node] | None
    text: str
    where: str


def read_yaml(path: Path) -> Node:
    """The document of a YAML file, null when it is empty. Raises `UsageError` when it cannot be read."""
    import yaml

    text = _read(path)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _measure(text, path, loader)
        root = yaml.compose(text, loader)
        if root is None:
            return Node(None, "", str(path))
        return _Yaml(path, loader).node(root, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UsageError(f"{place}: no valid YAML: {error.problem or error.context}", _MEND) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: no valid YAML: {getattr(error, 'reason', error)}", _MEND) from error


def read_toml(path: Path) -> Node | None:
    """The table `tool.secpipe` of a TOML file; without one None, or all of a file that is not pyproject.toml.

    Raises `UsageError` when it cannot be read.
    """
    text = _read(path)
    if path.name == "pyproject.toml" and "secpipe" not in text:
        return None  # spares most projects the parser
    if any(part.count(".") > _MAX_DOTS for part in _BETWEEN_KEYS.split(text)):
        raise UsageError(f"{path}: a key of more than {_MAX_DOTS} parts", _MEND)
    import tomllib

    try:
        document: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        place = f"{path}:{found[1]}:{found[2]}" if found and found[1] else str(path)
        reason = str(error)[: found.start()] if found else error
        raise UsageError(f"{place}: no valid TOML: {reason}", _MEND) from error
    prefix: tuple[str, ...] = ()
    tool = document.get("tool")
    if isinstance(tool, dict) and _TABLE[1] in tool:
        document, prefix = tool[_TABLE[1]], _TABLE
    elif path.name == "pyproject.toml":
        return None
    return _toml(document, prefix, dict(reversed(list(_toml_lines(text)))), path)


_MEND = "mend the file, or pass --no-config to do without it"


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{path}: the configuration cannot be read: {reason}", "check the path and its permissions"
        ) from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path}: a configuration of more than {_MAX_BYTES} bytes", "name another file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: the configuration is no UTF-8", "save it as UTF-8") from error


def _measure(text: str, path: Path, loader: type[Any]) -> None:
    """Refuse what is nested too deeply: PyYAML composes by recursion in C, which ends the process and not in an error."""
    import yaml

    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise UsageError(f"{path}:{line}: nested too deeply", _MEND)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Yaml:
    """Turns PyYAML's nodes into ours, each once however many aliases lead to it."""

    def __init__(self, path: Path, loader: type[Any]) -> None:
        self._path = path
        self._construct = loader("")
        self._known: dict[int, Node] = {}

    def node(self, node: yaml.Node, key: str, depth: int = 0) -> Node:
        if id(node) in self._known:
            return self._known[id(node)]
        where = self._where(node, key)
        if depth > _MAX_DEPTH:
            raise UsageError(f"{where}: nested too deeply", _MEND)
        found = self._known[id(node)] = Node(self._value(node, key, depth), self._text(node), where)
        return found

    def _value(self, node: Any, key: str, depth: int) -> Any:
        if node.id == "sequence":
            return tuple(self.node(item, key, depth + 1) for item in node.value)
        if node.id == "mapping":
            return self._mapping(node, key, depth)
        if node.tag.removeprefix("tag:yaml.org,2002:") in ("bool", "int", "null"):
            try:
                return self._construct.construct_object(node)
            except ValueError:
                return node.value
        return node.value

    def _mapping(self, node: Any, key: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for name, value in node.value:
            text = self._text(name)
            inner = f"{key}.{text}" if key else text
            if name.id != "scalar":
                raise UsageError(f"{self._where(name, key)}: a key that is no text", _MEND)
            if text in entries:
                raise UsageError(
                    f"{self._where(name, inner)}: this key stands here twice", "remove one of them"
                )
            found = self.node(value, inner, depth + 1)
            entries[text] = found._replace(where=self._where(name, inner)) if value.id != "scalar" else found
        return entries

    def _where(self, node: yaml.Node, key: str) -> str:
        place = f"{self._path}:{node.start_mark.line + 1}"
        return f"{place}: {key}" if key else place

    @staticmethod
    def _text(node: Any) -> str:
        return str(node.value) if node.id == "scalar" else ""


def _toml(value: Any, key: tuple[str, ...], lines: Mapping[tuple[str, ...], int], path: Path) -> Node:
    line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), None)
    place = f"{path}:{line}" if line else str(path)
    name = ".".join(filter(None, key[len(_TABLE) :] if key[: len(_TABLE)] == _TABLE else key))
    where = f"{place}: {name}" if name else place
    if len(key) > _MAX_DEPTH + len(_TABLE):
        raise UsageError(f"{place}: nested too deeply", _MEND)
    if isinstance(value, dict):
        return Node({k: _toml(v, (*key, k), lines, path) for k, v in value.items()}, "", where)
    if isinstance(value, list):
        return Node(tuple(_toml(item, (*key, ""), lines, path) for item in value), "", where)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Node(value if isinstance(value, bool | int | float) else text, text, where)


def _toml_lines(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Where tables and keys stand, as far as lines tell: tomllib keeps no places."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            yield table, number
        elif key := _TOML_KEY.match(line):
            yield (*table, key[1] or key[2] or key[3] or ""), number
