"""Databases that lost their blank lines, or have millions of them."""

from __future__ import annotations

import time
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


def test_millions_of_blank_lines_cost_no_memory_of_the_search() -> None:
    file = Read("var/lib/dpkg/status", b"\n" * 5_000_000 + dpkg([("a", "1")]).encode())
    start = time.process_time()
    assert len(list(dpkg_cataloger.parse(file))) == 1
    assert time.process_time() - start < 10
