"""Dart's order: the table is written from the rules of pub_semver."""

from __future__ import annotations

import pytest

from secpipe.versions import InvalidVersion, pub
from tests.versions.support import sign, table

TABLE = """
1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0-rc.1+build.1 < 1.0.0 < 1.0.0+0.3.7
1.0.0 < 1.0.0+0 < 1.0.0+1 < 1.0.0+2 < 1.0.0+10 < 1.0.0+1a < 1.0.0+a < 1.0.0+build < 1.0.0+build.2 < 1.0.0+build.11
1.0.0+build.11 < 1.0.1-dev < 1.0.1-dev+5 < 1.0.1 < 1.1.0 < 1.9.0 < 1.10.0 < 2.0.0
1.0.0+1 < 1.0.0+1.0 < 1.0.0+1.a
01.02.03-01.dev+pre.02 = 1.2.3-1.dev+pre.2
1.0 = 1.0.0 = 1 < 1.0.0+hotfix.1
1.0.0--5 < 1.0.0--4 < 1.0.0-0 = 1.0.0-00 < 1.0.0-9 < 1.0.0-0x1f < 1.0.0-32 < 1.0.0-- < 1.0.0-A < 1.0.0-a
2.12.0-0.0.dev < 2.12.0-1.0.dev < 2.12.0-29.10.beta < 2.12.0-259.9.beta < 2.12.0
2.0.0-nullsafety.0 < 2.0.0-nullsafety.1 < 2.0.0
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(pub, left, right) == expected


INVALID = "v1.0.0 1.2.3.4 1. a 1.0.0- 1.0.0+ 1.0.0-a..b 1.0.0+a+b 1.0.0a 1.0.0-a_b ^1.0.0 any"


@pytest.mark.parametrize("text", INVALID.split())
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidVersion):
        pub.key(text)
