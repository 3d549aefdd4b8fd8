"""PEP 440: the order is `packaging`'s; what it refuses is unknown, and only its release number may still be used."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion as Refused
from packaging.version import Version

from secpipe.versions import InvalidVersion, pep440
from tests.support.data import event_versions
from tests.versions.support import sign, table

TABLE = """
1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0b2 < 1.0rc1 < 1.0 < 1.0+cpu < 1.0+cpu.1 < 1.0.post1.dev1 < 1.0.post1 < 1.0.1
1.0 = 1 = v1.0.0 = 1.0-0.0 = 0!1.0
1.0rc1 = 1.0-RC.1 = 1.0c1 = 1.0_pre1
1.0-1 = 1.0.post1 = 1.0.r1
2.7.0+cpu < 2.7.1 < 2.7.1+cu128
3.11.0.dev0 < 3.11.0rc0 < 3.11.0
2024.1 < 1!0.1
"""


@pytest.mark.parametrize(
    ("left", "expected", "right"),
    [row for row in table(TABLE) if row[2] != "1.0-0.0" and row[0] != "1.0-0.0"],
)
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(pep440, left, right) == expected


@pytest.mark.parametrize(
    "text", ["4.11-final", "1.0-0.0", "2.5.0-NA", "french toast", "1.0.stable11", "2018-04-22b"]
)
def test_legacy_versions_are_unknown(text: str) -> None:
    with pytest.raises(InvalidVersion):
        pep440.key(text)


def test_span() -> None:
    low, high = pep440.span("2.6.0-cu124")
    assert (
        Version("2.5.9") < low < Version("2.6.0rc1") < Version("2.6.0.post3") < high < Version("2.6.1.dev0")
    )
    for text in ("2018-04-22b", "french toast", "2.6.0\\", ""):
        with pytest.raises(InvalidVersion):
            pep440.span(text)


def test_last_is_behind_every_local_version() -> None:
    for text, after in (
        ("2.7.1", "2.7.1.post0.dev0"),
        ("2.7.1rc1", "2.7.1rc2.dev0"),
        ("1!2.dev3", "1!2.dev4"),
    ):
        last = pep440.last(text)
        for label in ("cu128", "9", "9" * 900, "zz.99"):
            assert Version(text) < Version(f"{text}+{label}") < last < Version(after)
    assert pep440.last("2.6.0+cu124") == Version("2.6.0+cu124")


def test_agrees_with_packaging() -> None:
    """Ordering goes by that library: this holds what is done around it, on tens of thousands of real pairs."""
    rng = random.Random(440)
    every = sorted({version for found in event_versions("PyPI").values() for version in found})
    for _ in range(20_000):
        left, right = rng.choice(every), rng.choice(every)
        try:
            a, b = Version(left), Version(right)
        except Refused:
            expected = "?"
        else:
            expected = "<" if a < b else ">" if a > b else "="
        assert sign(pep440, left, right) == expected


spellings = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "v", "0!", " "]),
    st.lists(st.sampled_from(["0", "1", "2", "10", "01"]), min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", ".0", "rc1", ".post1", "+cpu", "-1"]),
    st.sampled_from(["", " ", "\n"]),
)


@given(st.one_of(spellings, st.text(max_size=6)), st.lists(st.one_of(spellings, st.text(max_size=6))))
def test_a_list_is_asked_as_one_version_after_the_other_would_be(installed: str, versions: list[str]) -> None:
    assert pep440.listed(installed, tuple(versions)) == any(
        pep440.listed(installed, (one,)) for one in versions
    )


def test_other_spellings_are_listed() -> None:
    versions = ("1.0", "2.0.0rc1", "v3.0", "4.1+cpu")
    assert all(pep440.listed(one, versions) for one in ("1", "1.0.0+cpu", "2.0rc1", "3", "4.1+cpu"))
    assert not any(pep440.listed(one, versions) for one in ("2.0.0", "4.1", "10", "", "x"))
