"""hadolint's configuration as it is, so that people can switch without rewriting it: its file and `HADOLINT_*`.

Source: hadolint 2.15.1's documentation, and trying its binary. Where it passes over what it does not know (keys, codes)
the lint goes on, with a warning. A file that it cannot parse, and then replaces by its defaults, is an error here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from secpipe.config import values
from secpipe.config.own import mapping
from secpipe.config.settings import LintSettings
from secpipe.documents.node import Node
from secpipe.errors import UsageError
from secpipe.model.severity import Level

_OVERRIDES = ("style", "info", "warning", "error")
"""Of several levels for one rule, the worst holds."""
_FLAGS = {
    "no-fail": "no_fail",
    "no-color": "no_color",
    "verbose": "verbose",
    "strict-labels": "strict_labels",
    "disable-ignore-pragma": "disable_ignore_pragma",
}
KEYS = (
    *_FLAGS,
    *("failure-threshold", "format", "formats", "ignored", "label-schema", "override", "trustedRegistries"),
)
"""The keys of its file."""
_VARIABLES = {
    "HADOLINT_NOFAIL": "no_fail",
    "HADOLINT_VERBOSE": "verbose",
    "HADOLINT_STRICT_LABELS": "strict_labels",
    "HADOLINT_DISABLE_IGNORE_PRAGMA": "disable_ignore_pragma",
}
T = TypeVar("T")


def from_document(document: Node) -> tuple[LintSettings, list[str]]:
    """The settings of its file, and what in it has no effect. Raises `UsageError` for values of a wrong type."""
    if document.value is None:
        return LintSettings(), []
    warnings: list[str] = []
    keys = {name: node for name, node in values.entries(document).items() if node.value is not None}
    for name, node in values.entries(document).items():
        if name not in KEYS:
            warnings.append(_unknown(node, values.near(name, KEYS)))
    found: dict[str, Any] = {field: values.boolean(keys[key]) for key, field in _FLAGS.items() if key in keys}
    if "failure-threshold" in keys:
        found["failure_threshold"] = values.threshold(keys["failure-threshold"])
    if "format" in keys or "formats" in keys:
        listed = [*_items(keys.get("format")), *_items(keys.get("formats"))]
        found["format"] = tuple(dict.fromkeys(values.format_of(node) for node in listed))
    found["ignore"] = frozenset(_told(values.code, _items(keys.get("ignored")), warnings))
    found["trusted_registries"] = tuple(map(values.text, _items(keys.get("trustedRegistries"))))
    if "label-schema" in keys:
        found["label_schema"] = values.label_schema(keys["label-schema"])
    if "override" in keys:
        overrides = values.entries(keys["override"])
        for name, node in overrides.items():
            if name not in _OVERRIDES:
                warnings.append(_unknown(node, values.near(name, _OVERRIDES)))
        found["levels"] = _levels(
            {name: _items(node) for name, node in overrides.items() if node.value is not None}, warnings
        )
    return LintSettings(**found), warnings


def from_environment(environ: Mapping[str, str]) -> tuple[LintSettings, list[str]]:
    """The settings of the variables `HADOLINT_*`, and what in them has no effect. Raises `UsageError`."""
    warnings: list[str] = []
    if not any(name.startswith("HADOLINT_") for name in environ):
        return LintSettings(), warnings
    found: dict[str, Any] = {}
    for name, field in _VARIABLES.items():
        word = environ.get(name, "").strip().lower()
        if word not in values.TRUE | values.FALSE | {""}:
            warnings.append(f"{name}: {environ[name]!r} is taken as false (true is 1, y, yes, on or true)")
        if word:
            found[field] = word in values.TRUE
    for name, field in (("FORMAT", "format"), ("FAILURE_THRESHOLD", "failure_threshold")):
        for node in _listed(environ, f"HADOLINT_{name}")[:1]:
            found[field] = (values.format_of(node),) if field == "format" else values.threshold(node)
    found["ignore"] = frozenset(_told(values.code, _listed(environ, "HADOLINT_IGNORE"), warnings))
    found["trusted_registries"] = tuple(map(values.text, _listed(environ, "HADOLINT_TRUSTED_REGISTRIES")))
    labels = "HADOLINT_REQUIRE_LABELS"
    found["label_schema"] = values.label_schema(
        mapping((node.text for node in _listed(environ, labels)), labels)
    )
    overrides = {name: _listed(environ, f"HADOLINT_OVERRIDE_{name.upper()}") for name in _OVERRIDES}
    found["levels"] = _levels(overrides, warnings)
    return LintSettings(**found), warnings


def _levels(overrides: Mapping[str, Iterable[Node]], warnings: list[str]) -> dict[str, Level]:
    return {
        code: Level[name.upper()]
        for name in _OVERRIDES
        for code in _told(values.code, overrides.get(name, ()), warnings)
    }


def _items(node: Node | None) -> tuple[Node, ...]:
    return () if node is None else values.items(node)


def _listed(environ: Mapping[str, str], name: str) -> list[Node]:
    parts = (part.strip() for part in environ.get(name, "").split(","))
    return [Node(part, part, name) for part in parts if part]


def _told(read: Callable[[Node], T], nodes: Iterable[Node], warnings: list[str]) -> list[T]:
    """What can be read; the rest is a warning."""
    found = []
    for node in nodes:
        try:
            found.append(read(node))
        except UsageError as error:
            warnings.append(f"{error.message} ({error.hint})")
    return found


def _unknown(node: Node, near: str) -> str:
    place, _, name = node.where.rpartition(": ")
    return f"{place}: hadolint has no key {name}" + (f" ({near})" if near else "")
