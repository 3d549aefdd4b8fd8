"""What is known of a fleet as JSON: the values as they are, under names as JSON has them, what was not asked left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from secpipe.model.severity import Severity

if TYPE_CHECKING:
    from secpipe.model.fleetreport import FleetReport

_COUNTS = ("findings", "severities", "verdicts")
"""Pairs of a word and a number, where they are no numbers."""
_ANSWERS = ("located", "asked", "changes", "worst", "fixes")


def document(report: FleetReport) -> dict[str, Any]:
    """The members of the object."""
    told = _object(report)
    for name in _ANSWERS:
        if told[name] is None:
            del told[name]
    return told


def _object(value: Struct) -> dict[str, Any]:
    return {_camel(name): _member(name, getattr(value, name)) for name in value.__struct_fields__}


def _told(value: Any) -> Any:
    if isinstance(value, Severity):
        return str(value)
    if isinstance(value, tuple):
        return [_told(item) for item in value]
    if isinstance(value, Struct):
        return _object(value)
    return value


def _member(name: str, value: Any) -> Any:
    if name in _COUNTS and isinstance(value, tuple):
        return {str(word): number for word, number in value}
    return _told(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
