"""Alpine's order: the table is written from the rules of apk-tools 3."""

from __future__ import annotations

import pytest

from secpipe.versions import InvalidVersion, apk
from tests.support.data import event_versions
from tests.versions.support import sign, table

TABLE = """
1.2_alpha < 1.2_alpha0 < 1.2_alpha2 < 1.2_beta < 1.2_pre < 1.2_rc1 < 1.2_rc10 < 1.2 < 1.2-r0
1.2 < 1.2_cvs < 1.2_svn < 1.2_git < 1.2_git20210101 < 1.2_hg < 1.2_p < 1.2_p1 < 1.2a < 1.2b < 1.2.1
1.2-r0 < 1.2-r1 < 1.2-r2 < 1.2-r10
1.0_rc1-r3 < 1.0_rc1_p1-r0 < 1.0_rc2-r0 < 1.0-r0
1.0_rc1_alpha < 1.0_rc1
1.1.1s-r1 < 1.1.1t-r0 < 1.1.1t-r10
1.01 < 1.010 < 1.1 < 1.9 < 1.10
1.0 < 1.00 < 1.01
01.2 = 1.2
1.2_rc01 = 1.2_rc1
1.2-r00 = 1.2-r0
1.2 < 1.2-r0 < 1.2~abc < 1.2~abd < 1.2_p0
1.2~ab < 1.2~ab-r0 < 1.2~abc
0.99_beta19-r3 < 0.99_beta20-r0
0_git20210101-r0 < 0.1-r0
5.15.3_git20211127-r4 < 5.15.3_git20220121-r4
1.2_foo < 1.2 < 1.2_p
1.2bc < 1.2b < 1.2b-r0
1.2-x < 1.2
1.2-r1.1 < 1.2-r1
1.2_rc < 1.2_foo
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(apk, left, right) == expected


@pytest.mark.parametrize("text", ["a", "v1.2", "_rc1", "-r1", ".1", "r0"])
def test_must_begin_with_a_number(text: str) -> None:
    with pytest.raises(InvalidVersion):
        apk.key(text)


def test_every_real_version_has_a_key() -> None:
    versions = {version for found in event_versions("Alpine").values() for version in found}
    assert len(versions) > 3000
    for version in versions:
        apk.key(version)
