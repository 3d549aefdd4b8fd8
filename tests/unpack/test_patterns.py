"""Which paths a pattern asks for."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.unpack.patterns import any_case, wanted


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("etc/os-release", "etc/os-release", True),
        ("etc/os-release", "x/etc/os-release", False),
        ("etc/os-release", "etc/os-releas", False),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/base", True),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/sub/base", False),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d", False),
        ("**/*.dist-info/METADATA", "a.dist-info/METADATA", True),
        ("**/*.dist-info/METADATA", "usr/lib/a-1.dist-info/METADATA", True),
        ("**/*.dist-info/METADATA", "usr/lib/a-1.dist-info/x/METADATA", False),
        ("**/*.dist-info/METADATA", "usr/lib/a-1.dist-info\n/METADATA", False),
        ("**/*.dist-info/METADATA", "new\nline/a.dist-info/METADATA", True),
        ("**/*.[dD]ist-info/METADATA", "a.Dist-info/METADATA", True),
        ("**/*.[!d]ist-info/METADATA", "a.dist-info/METADATA", False),
        ("**/*.[!d]ist-info/METADATA", "a.xist-info/METADATA", True),
        ("**/*.[!d]ist-info/METADATA", "a./ist-info/METADATA", False),
        ("**/*.egg-info", "x/y.egg-info", True),
        ("**/*.egg-info", "x/y.egg-info/z", False),
        ("usr/**/x/?.json", "usr/x/1.json", True),
        ("usr/**/x/?.json", "usr/a/b/x/1.json", True),
        ("usr/**/x/?.json", "usr/a/b/x/12.json", False),
        ("*/lib", "usr/lib", True),
        ("*/lib", "usr/local/lib", False),
        ("a+b/*", "a+b/c", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert wanted([pattern])(path.encode()) is expected
    assert wanted(["other", "**/other.*", "other/*", pattern])(path.encode()) is expected


_part = st.text("ab.", min_size=1, max_size=4).filter(lambda part: part not in (".", ".."))
_glob = st.lists(
    st.text("ab*?.", min_size=1, max_size=4).filter(lambda part: part not in (".", "..", "**")), min_size=1
)


@given(_glob, st.lists(_part, min_size=1, max_size=5))
def test_agrees_with_pathlib(pattern: list[str], path: list[str]) -> None:
    """Without `**`, `PurePath.match` of an absolute pattern means the same."""
    pattern = [part for part in pattern if "**" not in part] or ["*"]
    expected = pathlib.PurePosixPath("/" + "/".join(path)).match("/" + "/".join(pattern))
    assert wanted(["/".join(pattern)])("/".join(path).encode()) is expected


_token = st.sampled_from(["a", "B", ".", "*", "?", "[aA]", "[Bb]", "[ab]", "[!a]", "[.a]"])


@given(st.lists(_token, min_size=1, max_size=5), st.text("aAbB.", min_size=1, max_size=5))
def test_what_a_pattern_matches_passes_the_sieve(pattern: list[str], name: str) -> None:
    found = wanted([f"**/{''.join(pattern)}"])
    if found(f"x/{name}".encode()):
        lower, (names, tails, _, lasts) = name.encode().lower(), found.sieve
        assert name.encode() in names or (
            lower.endswith(tails) and (name.encode()[-1] in lasts or b"" in tails)
        )


@given(st.text("aAbB1.-é", min_size=1, max_size=6), st.data())
def test_any_case(text: str, data: st.DataObject) -> None:
    """Of the letters that ASCII has, and each pattern keeps its sieve."""
    other = "".join(data.draw(st.sampled_from([a.lower(), a.upper()])) if a.isascii() else a for a in text)
    found = wanted([f"**/*{any_case(text)}"])
    assert found(f"a/b{other}".encode())
    assert not found(f"a/b{other}c".encode())
    assert found.sieve.tails == (text.encode().lower(),)
