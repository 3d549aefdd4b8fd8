"""YAML 1.1, as PyYAML reads it, as a tree whose every value knows where it stands.

A scalar keeps its spelling besides its value, so that `shellcheck: off` and a label called `1.0` mean what they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secpipe.documents.node import MAX_DEPTH, Node
from secpipe.errors import UsageError

if TYPE_CHECKING:
    import yaml


def parse_yaml(text: str, source: str, hint: str, *, last_wins: bool = False) -> Node:
    """The document, null when it is empty; `source` names the file in messages, `hint` is what to do about a bad one.

    A key that stands twice in a mapping is an error, unless its last value is to win. Raises `UsageError`.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _measure(text, source, hint, loader)
        root = yaml.compose(text, loader)
        if root is None:
            return Node(None, "", source)
        return _Tree(source, hint, loader, last_wins).node(root, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise UsageError(f"{place}: no valid YAML: {error.problem or error.context}", hint) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{source}: no valid YAML: {getattr(error, 'reason', error)}", hint) from error


def _measure(text: str, source: str, hint: str, loader: type[Any]) -> None:
    """Refuse what is nested too deeply: PyYAML composes by recursion in C, which ends the process and not in an error."""
    import yaml

    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise UsageError(f"{source}:{line}: nested too deeply", hint)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Tree:
    """Turns PyYAML's nodes into ours, each once however many aliases lead to it."""

    def __init__(self, source: str, hint: str, loader: type[Any], last_wins: bool) -> None:
        self._source = source
        self._hint = hint
        self._last_wins = last_wins
        self._construct = loader("")
        self._known: dict[int, Node] = {}

    def node(self, node: yaml.Node, key: str, depth: int = 0) -> Node:
        if id(node) in self._known:
            return self._known[id(node)]
        where = self._where(node, key)
        if depth > MAX_DEPTH:
            raise UsageError(f"{where}: nested too deeply", self._hint)
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
                raise UsageError(f"{self._where(name, key)}: a key that is no text", self._hint)
            if text in entries and not self._last_wins:
                raise UsageError(
                    f"{self._where(name, inner)}: this key stands here twice", "remove one of them"
                )
            found = self.node(value, inner, depth + 1)
            entries[text] = found._replace(where=self._where(name, inner)) if value.id != "scalar" else found
        return entries

    def _where(self, node: yaml.Node, key: str) -> str:
        place = f"{self._source}:{node.start_mark.line + 1}"
        return f"{place}: {key}" if key else place

    @staticmethod
    def _text(node: Any) -> str:
        return str(node.value) if node.id == "scalar" else ""
