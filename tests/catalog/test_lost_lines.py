"""Databases that lost their blank lines, or have millions of them."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import pytest

from secpipe.catalog import apk as apk_cataloger
from secpipe.catalog import dpkg as dpkg_cataloger
from secpipe.model.problem import Problem
from tests.support.packages import apk, dpkg


@dataclass(frozen=True)
class Read:
    path: str
    data: bytes


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (dpkg_cataloger.parse, dpkg([("ok", "3"), ("openssl", "3")])),
        (apk_cataloger.parse, apk([("ok", "3", "ok"), ("openssl", "3", "openssl")])),
    ],
)
def test_entries_that_ran_together_are_told(parse: object, text: str) -> None:
    assert callable(parse)
    file = Read("var/lib/db", text.replace("\n\n", "\n").encode())
    assert any(isinstance(found, Problem) for found in parse(file))


@pytest.mark.parametrize("parse", [dpkg_cataloger.parse, apk_cataloger.parse])
@pytest.mark.parametrize("text", [b"\n", b" \n", b"\0", b"x:\n", b"\r\n"])
def test_databases_are_read_without_copies(parse: object, text: bytes) -> None:
    """Neither the search for blank lines nor what stands between them costs memory in proportion to the file."""
    assert callable(parse)
    file = Read("var/lib/db", b"P:a\nV:1\n\n" + text * (2_000_000 // len(text)) + b"\nPackage: b\n")
    list(parse(Read("", b"P:a\nPackage: b\n")))
    tracemalloc.start()
    try:
        assert list(parse(file))
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
