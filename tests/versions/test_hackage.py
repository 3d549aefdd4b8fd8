"""Haskell's order: the table is written from the package versioning policy."""

from __future__ import annotations

import random

import pytest

from secpipe.versions import InvalidVersion, hackage
from tests.versions.support import sign, table

TABLE = """
0 < 0.1 < 0.1.0 < 0.1.0.0 < 0.1.0.1 < 0.1.1 < 0.2 < 0.10 < 1 < 1.0 < 1.0.0 < 1.1 < 2
1.4.1.0 < 1.4.1.3 < 1.4.2.0 < 1.5
2.1.5 < 2.1.5.1 < 2.1.10
20200101 < 20210101.1
01.2 = 1.02
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(hackage, left, right) == expected


@pytest.mark.parametrize(
    "text", ["1.", ".1", "1..2", "1-2", "1.0-beta", "1.0a", "v1", "1.*", "1_0", "-1", "HEAD"]
)
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidVersion):
        hackage.key(text)


def test_orders_as_lists_of_numbers_do() -> None:
    rng = random.Random(20)
    lists = [[rng.choice((0, 1, 2, 10, 2021)) for _ in range(rng.randint(1, 5))] for _ in range(400)]
    for left in lists:
        for right in lists[:50]:
            expected = "<" if left < right else ">" if left > right else "="
            assert sign(hackage, *(".".join(map(str, numbers)) for numbers in (left, right))) == expected
