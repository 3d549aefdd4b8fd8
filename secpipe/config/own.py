"""Our own keys, in `.secpipe.yaml` and `[tool.secpipe]`, and the variables `SECPIPE_LINT_<KEY>` that are called after them.

Nothing here is passed over: an unknown key, a value of the wrong type and a code that is no rule are errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from secpipe.config import values
from secpipe.config.settings import LintSettings
from secpipe.documents.node import Node
from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple
from secpipe.pipeline.patterns import Patterns

_PREFIX = "SECPIPE_LINT_"
_ALIASES = {"SECPIPE_SHELLCHECK": "shellcheck"}


class _Key(NamedTuple):
    """How the value of a key is read, and its shape: a variable writes lists with commas, mappings as `a=b,c=d`."""

    read: Callable[[Node], Any]
    shape: str = "one"


LINT: Mapping[str, _Key] = {
    "select": _Key(values.selection, "list"),
    "extend-select": _Key(values.codes(values.selected), "list"),
    "ignore": _Key(values.codes(values.ignored), "list"),
    "levels": _Key(values.levels, "mapping"),
    "failure-threshold": _Key(values.threshold),
    "no-fail": _Key(values.boolean),
    "trusted-registries": _Key(values.texts, "list"),
    "label-schema": _Key(values.label_schema, "mapping"),
    "strict-labels": _Key(values.boolean),
    "disable-ignore-pragma": _Key(values.boolean),
    "shellcheck": _Key(values.shellcheck),
    "jobs": _Key(values.count),
    "exclude": _Key(values.texts, "list"),
    "per-file-ignores": _Key(values.entries, "mapping"),
    "format": _Key(lambda node: (values.format_of(node),)),
    "no-cache": _Key(values.boolean),
    "no-color": _Key(values.boolean),
}
"""The keys of the section `lint`; the fields of `LintSettings` are called the same."""
SECTIONS = ("lint", "scan")
SCAN = ("fail-on", "overrides", "baseline", "base", "allow-incomplete", "max-db-age")
"""The keys of the section `scan`, which are read in `secpipe.config.scan`."""


def from_document(document: Node, path: Path) -> LintSettings:
    """The settings of a file of ours. Raises `UsageError` for whatever is wrong with it."""
    if document.value is None:
        return LintSettings()
    sections = values.entries(document)
    check_sections(sections)
    lint = sections.get("lint")
    if lint is None or lint.value is None:
        return LintSettings()
    keys = values.entries(lint)
    for name, node in keys.items():
        if name not in LINT:
            raise unknown(node, values.near(name, LINT) or f"the keys are {', '.join(sorted(LINT))}")
    return from_nodes(keys, os.path.dirname(os.path.abspath(path)))  # noqa: PTH100, PTH120 - `..` must go


def check_sections(sections: Mapping[str, Node]) -> None:
    """Raises `UsageError` for a section that there is none of."""
    for name, node in sections.items():
        if name not in SECTIONS:
            hint = (
                f"it belongs into lint: lint.{name}"
                if name in LINT
                else f"it belongs into scan: scan.{name}"
                if name in SCAN
                else values.near(name, [*SECTIONS, *LINT])
            )
            raise unknown(node, hint or "the sections are " + ", ".join(SECTIONS))


def from_environment(environ: Mapping[str, str], folder: str) -> LintSettings:
    """The settings of the variables `SECPIPE_LINT_*`; patterns are relative to the folder. Raises `UsageError`."""
    found: dict[str, Node] = {}
    for name in sorted(environ):
        key = _ALIASES.get(name) or name.removeprefix(_PREFIX).lower().replace("_", "-")
        if not environ[name].strip() or not (name in _ALIASES or name.startswith(_PREFIX)):
            continue
        if key not in LINT:
            near = values.near(key, LINT)
            hint = near.replace("-", "_").upper().replace("DID YOU MEAN ", f"did you mean {_PREFIX}")
            raise UsageError(
                f"{name}: no such setting", hint or f"the settings are {_PREFIX}<KEY>, such as IGNORE"
            )
        found[key] = _node(environ[name], LINT[key].shape, name)
    return from_nodes(found, folder)


def from_nodes(keys: Mapping[str, Node], folder: str) -> LintSettings:
    """The settings of the keys of `LINT`; patterns are relative to the folder. Raises `UsageError`."""
    found: dict[str, Any] = {}
    for name, node in keys.items():
        # A key whose items are all commented out says nothing.
        if node.value is not None:
            found[name.replace("-", "_")] = LINT[name].read(node)
    if "exclude" in found:
        found["exclude"] = (Patterns(folder, found["exclude"]),)
    if "per_file_ignores" in found:
        read = values.codes(values.ignored)
        found["per_file_ignores"] = tuple(
            (Patterns(folder, (pattern,)), read(node)) for pattern, node in found["per_file_ignores"].items()
        )
    return LintSettings(**found)


def _node(text: str, shape: str, where: str) -> Node:
    """The value of a variable as a file would have it."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if shape == "one":
        return Node(text.strip(), text.strip(), where)
    if shape == "list":
        return Node(tuple(Node(part, part, where) for part in parts), "", where)
    return mapping(parts, where)


def mapping(pairs: Iterable[str], where: str) -> Node:
    """Pairs as `a=b` or `a:b` as a mapping; a key that comes again has a list. Raises `UsageError`."""
    found: dict[str, Node] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=" if "=" in pair else ":")
        if not (sign and key.strip() and value.strip()):
            raise UsageError(
                f"{where}: {pair!r} is no pair", "write pairs as name=value, with commas between"
            )
        node = Node(value.strip(), value.strip(), where)
        if before := found.get(key.strip()):
            node = Node((*values.items(before), node), "", where)
        found[key.strip()] = node
    return Node(found, "", where)


def unknown(node: Node, hint: str) -> UsageError:
    """The error for a key that there is none of."""
    place, _, name = node.where.rpartition(": ")
    return UsageError(f"{place or node.where}: unknown key {name}", hint)
