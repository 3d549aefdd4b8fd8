"""What the readers of other programs' ignore files share: typed fields out of a tree, and words for what is not honoured.

An entry with anything in it that we cannot weigh would suppress more than it says, so it suppresses nothing and is told.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar

from secpipe.documents.node import Node
from secpipe.documents.yamltree import parse_yaml
from secpipe.errors import UsageError
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.policy.ignore import MAX_TEXT, day, decoded

MAX_ENTRIES = 20_000
MAX_ITEMS = 1000
"""Of a list in an entry."""
T = TypeVar("T")
MEND = "mend the file, or name another one with --ignore-file"


class Unread(ValueError):
    """An entry, or a key, that is not honoured; `where` it stands and why."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


def yaml_document(data: bytes, source: str, *, last_wins: bool = False) -> Mapping[str, Node]:
    """The mapping that a YAML file is, empty for an empty file. Raises `UsageError` when it is none."""
    return _mapping(parse_yaml(decoded(data, source), source, MEND, last_wins=last_wins))


def _mapping(root: Node) -> Mapping[str, Node]:
    if root.value is None:
        return {}
    if not isinstance(root.value, Mapping):
        raise UsageError(f"{root.where}: no mapping", MEND)
    return root.value


def entries(node: Node | None) -> tuple[Node, ...]:
    """The items of a list, none without one. Raises `UsageError` when it is no list."""
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise UsageError(f"{node.where}: this is no list", MEND)
    if len(node.value) > MAX_ENTRIES:
        raise UsageError(f"{node.where}: more than {MAX_ENTRIES} entries", MEND)
    return node.value


def fields(node: Node, known: Collection[str]) -> Mapping[str, Node]:
    """The keys of an entry that have a value. Raises `Unread` when one of them is none of the known ones."""
    if not isinstance(node.value, Mapping):
        raise Unread(node.where, "this entry has no keys")
    for name, value in node.value.items():
        if name not in known:
            near = difflib.get_close_matches(name[:MAX_TEXT], known, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise Unread(value.where, f"unknown key {printable(name[:80])}{hint}")
    return {name: value for name, value in node.value.items() if value.value is not None}


def text(node: Node | None) -> str:
    """A scalar as it is written; '' without one."""
    if node is None or node.value is None:
        return ""
    if isinstance(node.value, tuple | Mapping):
        raise Unread(node.where, "this is no text")
    if len(node.text) > MAX_TEXT:
        raise Unread(node.where, f"more than {MAX_TEXT} characters")
    return node.text.strip()


def texts(node: Node | None) -> tuple[str, ...]:
    """A list of scalars; empty without one."""
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise Unread(node.where, "this is no list")
    if len(node.value) > MAX_ITEMS:
        raise Unread(node.where, f"more than {MAX_ITEMS} items")
    return tuple(text(item) for item in node.value)


def flag(node: Node | None) -> bool:
    """True or false; false without one."""
    if node is None or node.value is None:
        return False
    if not isinstance(node.value, bool):
        raise Unread(node.where, "this is neither true nor false")
    return node.value


def until(node: Node | None) -> date | None:
    """The day (UTC) of a date or a time, which ends what it is about; None without one."""
    written = text(node)
    if not written:
        return None
    assert node is not None
    if found := day(written):
        return found
    try:
        moment = datetime.fromisoformat(written)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError) as error:
        raise Unread(node.where, f"{printable(written)} is no date") from error


def valid(read: Callable[[str], T], written: str, node: Node) -> T:
    """What `read` makes of a text. Raises `Unread` where that raises `ValueError`."""
    try:
        return read(written)
    except ValueError as error:
        raise Unread(node.where, f"{printable(written)} {error}") from error


def line(where: str, source: str) -> int:
    """The line in the place of a value, 1 where it has none."""
    number = where.removeprefix(f"{source}:").partition(":")[0]
    return int(number) if number.isascii() and number.isdecimal() else 1


def unreadable(told: object, source: str, hint: str, what: str = "this entry suppresses nothing") -> Problem:
    """The warning about something that is not honoured; `told` says where it stands and why."""
    message = printable(str(told))
    return Problem("unreadable-ignore", f"{source}:{line(message, source)}", f"{message}; {what}", hint)
