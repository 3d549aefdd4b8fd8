"""Every scheme is found by name, orders totally, and raises nothing but InvalidVersion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe import versions
from secpipe.errors import SecpipeError
from secpipe.match.ecosystem import scheme_for
from secpipe.versions import InvalidVersion
from tests.versions.support import sign

NAMES = versions.names()
TRANSITIVE = [name for name in NAMES if name != "maven"]
"""Maven's own order is not: see its test."""

_FRAGMENTS = """
. - ~ + _ : ! -r v go 00 01 _rc _p _git ~ab
-1 rc1 a _alpha _pre -alpha.1 +build 1! .dev0 .post1 +local.1 b2 1: ~~ -0 Z
"""
FRAGMENTS = ("", *_FRAGMENTS.split())

likely = st.lists(
    st.one_of(
        st.integers(0, 12).map(str),
        st.sampled_from(FRAGMENTS),
    ),
    min_size=1,
    max_size=7,
).map("".join)


SCHEMES = """
apk azurelinux bitnami cran deb hackage maven nuget packagist pep440 pub rpm rubygems semver
"""


def test_names() -> None:
    assert list(NAMES) == SCHEMES.split()
    with pytest.raises(LookupError):
        versions.scheme("os.path")


ECOSYSTEMS = {
    "CRAN": "cran",
    "Hackage": "hackage",
    "Maven": "maven",
    "NuGet": "nuget",
    "Packagist": "packagist",
    "Pub": "pub",
    "PyPI": "pep440",
    "RubyGems": "rubygems",
    "Hex": "semver",
    "npm": "semver",
}


@pytest.mark.parametrize(("ecosystem", "name"), ECOSYSTEMS.items())
def test_languages_have_their_schemes(ecosystem: str, name: str) -> None:
    assert scheme_for(ecosystem) == name


def test_an_invalid_version_is_no_error_of_the_program() -> None:
    assert not issubclass(InvalidVersion, SecpipeError)
    assert issubclass(InvalidVersion, ValueError)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", " ", "\n", "1 2", "1\0", "1.2\u0663", "1é", "1" * 2000, "-", "\ud800"])
def test_what_no_scheme_takes(name: str, text: str) -> None:
    with pytest.raises(InvalidVersion):
        versions.scheme(name).key(text)


@pytest.mark.parametrize("name", NAMES)
@given(text=st.one_of(st.text(), likely))
def test_only_invalid_version_is_raised(name: str, text: str) -> None:
    scheme = versions.scheme(name)
    try:
        key = scheme.key(text)
    except InvalidVersion:
        return
    assert key <= scheme.key(text)
    assert not key < scheme.key(text)


@pytest.mark.parametrize("name", TRANSITIVE)
@given(texts=st.lists(likely, min_size=3, max_size=3))
def test_the_order_is_total(name: str, texts: list[str]) -> None:
    scheme = versions.scheme(name)
    a, b, c = texts
    if "?" in (sign(scheme, a, b), sign(scheme, b, c)):
        return
    ordered = sorted(texts, key=scheme.key)
    for i, left in enumerate(ordered):
        for right in ordered[i + 1 :]:
            assert sign(scheme, left, right) in "<="
    if sign(scheme, a, b) == "=":
        assert sign(scheme, a, c) == sign(scheme, b, c)


@pytest.mark.parametrize("name", NAMES)
@given(left=likely, right=likely)
def test_a_pair_turns_round(name: str, left: str, right: str) -> None:
    scheme = versions.scheme(name)
    flip = {"<": ">", ">": "<", "=": "=", "?": "?"}
    assert sign(scheme, left, right) == flip[sign(scheme, right, left)]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_any_size(name: str) -> None:
    scheme = versions.scheme(name)
    assert sign(scheme, "1." + "9" * 500, "1.1" + "0" * 500) == "<"
    assert sign(scheme, "1.18446744073709551616", "1.18446744073709551617") == "<"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("middle", ["1", "a", "1a", "-1", ".1", "-", ".a", "0", ".0"])
def test_long_versions_take_no_long_time(name: str, middle: str) -> None:
    """With a backtracking expression one of these would not end in an hour."""
    scheme = versions.scheme(name)
    for start in ("1", "1.0-a", "1.0-", "1-x86-linux"):
        for end in ("!", "", "+"):
            sign(scheme, start + middle * (800 // len(middle)) + end, "1")
