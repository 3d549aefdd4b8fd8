"""Bitnami's order: SemVer's, but that numbers behind a hyphen are the revision of a build."""

from __future__ import annotations

import pytest

from secpipe.versions import InvalidVersion, bitnami
from tests.support.data import event_versions
from tests.versions.support import sign, table

TABLE = """
3.9.7-rc1 < 3.9.7-rc2 < 3.9.7 < 3.9.7-1 < 3.9.7-2 < 3.9.7-12 < 3.9.8
6.8.2-0 = 6.8.2 = 6.8.2-00 = v6.8.2
1.8.0 < 1.8.0-333 < 1.8.0-333-1 < 1.8.0-333-2 < 1.8.0-334
1.2.0 < 1.2.0-1+metadata = 1.2.0-1 < 1.2.0-2+metadata
7.2.4-rc1 < 7.2.4-debian-12-r3 = 7.2.4 = 7.2.4-debian-12 = 7.2.4-r13 = 7.2.4-scratch-r0 < 7.2.4-1-ol-7-r12 = 7.2.4-1
7.2.4-r1x < 7.2.4 > 7.2.4-debian-rc < 7.2.4-plan-9-r3
11.0.15 < 11.0.15-1 < 11.0.15-10 < 11.0.16
0.0.0-20220906165146-f3363e06e74c < 0.0.0 < 0.0.0-1
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(bitnami, left, right) == expected


@pytest.mark.parametrize(
    ("version", "bound", "within"),
    [
        ("3.9.7-12", "3.9.7", True),
        ("3.9.7-12-1", "3.9.7-12", True),
        ("3.9.7", "3.9.7-12", True),
        ("3.9.7-debian-11-r8", "3.9.7", True),
        ("3.9.7-2", "3.9.7-debian-11-r8", True),
        ("3.9.8-debian-11-r8", "3.9.7", False),
        ("3.9.7-13", "3.9.7-12", False),
        ("3.9.8-rc1", "3.9.7", False),
        ("3.9.8", "3.9.7", False),
    ],
)
def test_the_last_one_affected_means_all_its_builds(version: str, bound: str, within: bool) -> None:
    assert (bitnami.key(version) <= bitnami.last(bound)) == within


@pytest.mark.parametrize("text", ["", "-1", "1.2.3.4-1", "nightly.2026-03-10.0", "1.2.3-", "a-1"])
def test_invalid(text: str) -> None:
    for read in (bitnami.key, bitnami.last):
        with pytest.raises(InvalidVersion):
            read(text)


def test_every_real_version_has_a_key() -> None:
    refused = []
    for version in {version for found in event_versions("Bitnami").values() for version in found}:
        try:
            bitnami.key(version)
        except InvalidVersion:
            refused.append(version)
    assert refused in ([], ["nightly.2026-03-10.0"])
