"""Expressions in Go's syntax, against Python's where both mean the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.policy.regex import Regex, whole


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("linux(-.*)?-headers-.*", "linux-headers-6.1", True),
        ("linux(-.*)?-headers-.*", "linux-aws-headers-6", True),
        ("linux(-.*)?-headers-.*", "my-linux-headers-6", False),
        # As Grype does it: `^a|b$`.
        ("curl|ssl", "curl-dev", True),
        ("curl|ssl", "libssl", True),
        ("curl|ssl", "libssl3", False),
        ("(?:curl|ssl)", "curl-dev", False),
        ("(?P<n>a)b", "ab", True),
        ("(?i)OpenSSL", "openssl", True),
        ("(?i)[^a]", "A", False),
        ("(?i)\\S+", "x y", False),
        ("a{2,3}", "aaa", True),
        ("a{2,3}", "a", False),
        ("a{2,3}", "aaaa", False),
        ("a{2,}", "aaaaa", True),
        ("a{,2}", "a{,2}", True),
        ("[\\w.+-]+", "lib-c++.so_1", True),
        ("[\\W]", "-", True),
        ("[\\W]", "a", False),
        ("[a-]", "-", True),
        ("[]a]", "]", True),
        ("a.c", "a\nc", False),
        ("\\x61\\.\\d\\z", "a.5", True),
        ("", "", True),
        ("", "a", False),
        ("()*a*?", "aa", True),
        ("(a*)*b", "a" * 500, False),
        ("(a|aa)+", "a" * 499 + "b", False),
    ],
)
def test_an_expression(text: str, name: str, expected: bool) -> None:
    assert whole(text).search(name) is expected


_REFUSED = r"a** *a ( ) a) [ [b-a] \ \b \pL [[:alpha:]] (?=a) (?<=a)b (?m)a a{3,2} a{2000} [\A] \xzz [a-\d]"


@pytest.mark.parametrize("text", [*_REFUSED.split(), "((a{100}){100}){10}", "(" * 60 + ")" * 60])
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Regex(text)


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\d", "\\W", "^", "$", "-"])
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: f"(?:{a}|{b})", inner, inner),
        st.builds(lambda a, n: f"(?:{a}){n}", inner, st.sampled_from(["*", "+", "?", "{0,2}", "{2}", "*?"])),
    ),
    max_leaves=6,
)


@given(_EXPRESSIONS, st.text(alphabet="ab1-\n", max_size=6))
def test_it_agrees_with_python(text: str, name: str) -> None:
    # Python's $ is also before the last line's end.
    assert Regex(text).search(name) is bool(re.search(text.replace("$", "\\Z"), name))


@given(st.text(alphabet="ab()[]{}|*+?^$\\.-,123:<>P", max_size=20), st.text(max_size=10))
def test_any_text_is_matched_or_refused(text: str, name: str) -> None:
    try:
        found = Regex(text)
    except ValueError:
        return
    assert found.search(name) in (True, False)
