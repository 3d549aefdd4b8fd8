"""What values a YAML or TOML file has, and where it says that they stand."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.documents.node import Node, decoded
from secpipe.documents.tomltree import parse_toml
from secpipe.documents.yamltree import parse_yaml
from secpipe.errors import UsageError


def at(node: Node | None, *keys: str | int) -> Node:
    found: Any = node
    for key in keys:
        found = found.value[key]
    assert isinstance(found, Node)
    return found


def test_items_of_arrays_of_tables_know_their_lines() -> None:
    text = 'a = 1\n[[x]]\nid = "p"\n\n[[x]]\n# one more\nid = "q"\nuntil = 2027-01-31\n[x.deep]\nb = true\n'
    root = parse_toml(text, "f", "mend it")
    assert [at(root, "x", n).where for n in (0, 1)] == ["f:2: x", "f:5: x"]
    assert at(root, "x", 0, "id") == Node("p", "p", "f:3: x.id")
    assert at(root, "x", 1, "until") == Node("2027-01-31", "2027-01-31", "f:8: x.until")
    assert at(root, "x", 1, "deep", "b").value is True


def test_a_table_that_is_not_there_is_none() -> None:
    assert parse_toml("[tool.other]\na = 1", "f", "", ("tool", "secpipe")) is None
    assert parse_toml("tool = 1", "f", "", ("tool", "secpipe")) is None
    assert at(parse_toml("[tool.secpipe]\na = 1", "f", "", ("tool", "secpipe")), "a").where == "f:2: a"


def test_a_key_that_stands_twice() -> None:
    with pytest.raises(UsageError, match="f:2: a: this key stands here twice"):
        parse_yaml("a: 1\na: 2\n", "f", "")
    assert at(parse_yaml("a: 1\na: 2\n", "f", "", last_wins=True), "a").value == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tree_or_an_error_of_ours(data: bytes) -> None:
    for parse in (parse_yaml, parse_toml):
        with suppress(UsageError):
            assert isinstance(parse(decoded(data, "f", "file"), "f", "mend it"), Node)
