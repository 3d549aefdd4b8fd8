"""NuGet's order: the table is written from NuGet's page on package versioning and from NuGetVersion's rules."""

from __future__ import annotations

import pytest

from secpipe.versions import InvalidVersion, nuget
from tests.versions.support import sign, table

TABLE = """
1.0.1-alpha10 < 1.0.1-alpha2 < 1.0.1-alpha7.9 < 1.0.1-alpha7.10
1.0.1-aaa < 1.0.1-alpha < 1.0.1-beta < 1.0.1-open < 1.0.1-rc < 1.0.1-zzz < 1.0.1 < 1.0.2
1.0.1-rc.2 < 1.0.1-rc.10 < 1.0.1
1 = 1.0 = 1.0.0 = 1.0.0.0 = 01.0 = 1.00.0 = 1.0+meta = 1.0.0+other.01 < 1.0.0.1 < 1.0.0.2 < 1.0.1 < 1.1 < 1.10
1.0-ALPHA = 1.0-alpha = 1.0.0.0-Alpha+1
1.0-alpha < 1.0-Beta < 1.0-rc < 1.0-RC.1 < 1.0
1.0.0.1-rc < 1.0.0.1 < 1.0.0.2-rc < 1.0.0.2
1.0-1 < 1.0-2 < 1.0-10 < 1.0-1a < 1.0-a < 1.0-a.1 < 1.0-a.a
1.0--5 < 1.0--4 < 1.0-0 < 1.0-2147483647 < 1.0--
1.0-2147483647 < 1.0-10000000000 < 1.0-9000000000 < 1.0-a
1.0-preview.1.20201.1 < 1.0-preview.2.20101.1
4.3.0-preview1-2484 < 4.3.0-preview1-24842 < 4.3.0-preview2-1
"""

INVALID = "v1.0 1.0.0.0.0 1. .1 1..0 1.0- 1.0+ 1.0-a..b 1.0-01 1.0-a.00 1.0-a_b 1.0-a+b+c 1.0a alpha 1.0-é 1.0.* [1.0,2.0)"


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(nuget, left, right) == expected


@pytest.mark.parametrize("text", INVALID.split())
def test_what_nuget_does_not_parse(text: str) -> None:
    with pytest.raises(InvalidVersion):
        nuget.key(text)
