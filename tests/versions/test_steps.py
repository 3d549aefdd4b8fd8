"""Comparisons step by step: they come to what the keys say, and stop at the part that decides."""

from __future__ import annotations

import pytest
from hypothesis import given

from secpipe import versions
from secpipe.versions import InvalidVersion
from secpipe.versions._steps import compare
from tests.versions.support import sign
from tests.versions.test_schemes import NAMES, likely


@pytest.mark.parametrize("name", NAMES)
@given(left=likely, right=likely)
def test_the_last_step_is_the_first_that_differs(name: str, left: str, right: str) -> None:
    found = compare(left, right, name)
    assert found.sign == sign(versions.scheme(name), left, right)
    if found.sign == "?":
        assert found.steps == ()
        return
    assert all(step.sign == "=" for step in found.steps[:-1])
    assert not found.steps or found.steps[-1].sign == found.sign


@pytest.mark.parametrize("name", NAMES)
@given(text=likely)
def test_parts_make_the_key(name: str, text: str) -> None:
    scheme = versions.scheme(name)
    try:
        key = scheme.key(text)
    except InvalidVersion:
        with pytest.raises(InvalidVersion):
            scheme.parts(text)
        return
    parts = scheme.parts(text)
    if isinstance(key, bytes):
        assert "".join(piece for _, _, piece in parts).encode() == key


CASES = [
    ("deb", "1:1.2.3-1~deb12u1", "1:1.2.3-1", "<", "revision", "~deb", ""),
    ("deb", "2.36-9+deb12u3", "2.36-9+deb12u10", "<", "revision", "3", "10"),
    ("deb", "1.0", "1:0.1", "<", "epoch", "0", "1"),
    ("rpm", "1.1.1k-7.el8_6", "1.1.1k-12.el8", "<", "release", "7", "12"),
    ("rpm", "1.0~rc1-1", "1.0-1", "<", "version", "~", ""),
    ("apk", "8.2.1-r0", "8.4.0-r0", "<", "number", "2", "4"),
    ("apk", "1.2.3_rc1-r0", "1.2.3-r0", "<", "suffix or revision", "_rc1", "-r0"),
    ("apk", "1.2.3-r0", "1.2.3-r1", "<", "revision", "-r0", "-r1"),
    ("semver", "1.2.3-rc.1", "v1.2.3", "<", "pre-release", "rc", ""),
    ("semver", "1.10", "1.9.9", ">", "minor", "10", "9"),
    ("bitnami", "3.9.7-12", "3.9.7", ">", "revision", "12", ""),
    ("pep440", "2.0rc1", "2.0.1", "<", "release", "", "0.1"),
    ("pep440", "2.0rc1", "2.0", "<", "stage", "rc1", ""),
    ("pep440", "2.0+cpu", "2", ">", "local", "cpu", ""),
    ("maven", "1.0-alpha-1", "1", "<", "qualifier", "alpha", ""),
    ("maven", "2.0.0.RELEASE", "2.0.1", "<", "number", "", "1"),
    ("rubygems", "1.0.0.rc1", "1.0.0", "<", "segment", "rc", ""),
    ("nuget", "1.0.0-beta", "1.0.0.0", "<", "pre-release", "beta", ""),
    ("packagist", "1.2.0-RC1", "1.2", "<", "stability", "RC", ""),
    ("pub", "1.0.0+1", "1.0.0", ">", "build", "1", ""),
    ("cran", "1.0", "1-0-0", "<", "number", "", "0"),
    ("hackage", "1.2", "1.10", "<", "number", "2", "10"),
]


@pytest.mark.parametrize(("name", "left", "right", "sign", "part", "one", "other"), CASES)
def test_what_decides(name: str, left: str, right: str, sign: str, part: str, one: str, other: str) -> None:
    found = compare(left, right, name)
    assert (found.sign, *found.steps[-1]) == (sign, part, one, other, sign)
    assert found.rule


def test_equal_versions_have_no_step_that_decides() -> None:
    found = compare("1.0-ga", "1", "maven")
    assert (found.sign, found.steps[-1].sign) == ("=", "=")
