"""SemVer: the table is written from §9–§11 of the specification and from what OSV records contain."""

from __future__ import annotations

import pytest

from secpipe.versions import InvalidVersion, semver
from tests.support.data import event_versions
from tests.versions.support import sign, table

TABLE = """
1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0
1.0.0 < 1.0.1 < 1.1.0 < 1.9.0 < 1.10.0 < 2.0.0
0 = 0.0 = 0.0.0 = v0 < 0.0.1
0.0.0-0 < 0.0.0
1.2.3 = v1.2.3 = 1.2.3+build.7 = v1.2.3+incompatible = 01.02.03
1.2.3-rc.1+a = 1.2.3-rc.1+b
1.0.0-1 < 1.0.0-2 < 1.0.0-10 < 1.0.0--1 < 1.0.0-1a < 1.0.0-A < 1.0.0-a
1.0.0-r100 < 1.0.0-r2
0.7.20-0 < 0.7.20-alpha.1 < 0.7.20
0.0.0-20220906165146-f3363e06e74c < 0.7.0
1.18.0-0 < go1.18beta1 < go1.18rc2 < 1.18.0-rc.10 < go1.18 = 1.18.0 < go1.18.1
go1.21rc2 = 1.21.0-rc.2
1.2.3rc1 = 1.2.3-rc1 < 1.2.3
1.2-rc1 = 1.2.0-rc1
1.0.0-a..0 = 1.0.0-a.-.0
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(semver, left, right) == expected


@pytest.mark.parametrize(
    "text",
    ["a", "1.2.3.4", "1.2.", "1..2", "nightly.2026-03-10.0", "1.2.3-", "1.2.3-ä", "v", "(devel)", "1.2.3_4"],
)
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidVersion):
        semver.key(text)


@pytest.mark.parametrize("ecosystem", ["Go", "crates.io", "Bitnami"])
def test_every_real_version_has_a_key(ecosystem: str) -> None:
    versions = {version for found in event_versions(ecosystem).values() for version in found}
    refused = []
    for version in versions:
        try:
            semver.key(version)
        except InvalidVersion:
            refused.append(version)
    assert refused in ([], ["nightly.2026-03-10.0"])
