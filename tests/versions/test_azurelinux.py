"""Azure Linux's order is RPM's, whose test has the oracle; here is what the tag of the distribution does to it."""

from __future__ import annotations

import pytest

from secpipe.versions import azurelinux
from tests.versions.support import sign, table

TABLE = """
1.3.0-9.azl3 < 1.3.1-1 = 1.3.1-1.azl3 = 1.3.1-1.cm2 < 1.3.1-2.azl3 < 1.3.1-10 < 0:1.4-1 = 1.4-1.azl3 < 1:1.0-1.azl3
1.0-1.azl < 1.0-1.azl3.1
1.0-1 < 1.0-1.el9
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(azurelinux, left, right) == expected
