"""The variables that a text uses: any text is read, and quotes mean what they mean to a shell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.lint.expansions import assigned_names, sets_anything, uses

PIECES = st.lists(st.sampled_from([*"'\"`$(){}#\\ \na", "$a", "${a", "<<'a'", "$((", "a="])).map("".join)


@given(PIECES, st.booleans())
def test_every_use_stands_where_it_says(text: str, shell: bool) -> None:
    last = 0
    for use in uses(text, shell=shell):
        assert last <= use.start < use.end <= len(text)
        assert text[use.start : use.end].lstrip("${").startswith(use.name)
        last = use.end


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$a ${b} ${c%.*} ${d:-$e} ${f+x}", "abce"),
        ("'$a' \"'$b'\" \\$c \"\\$d\" $$e", "b"),
        ("\"$(echo '$a' \"$b\")\" $'it\\'s $c' $d", "bd"),
        ("echo a#$b # $c\n$d", "bd"),
        ("cat <<'X'\n$a\nX\n$b <<Y\n$c\nY", "bc"),
        ("`echo '$a' $b` ${#c} ${!d}", "b"),
    ],
)
def test_uses_in_a_shell(text: str, names: str) -> None:
    assert [use.name for use in uses(text, shell=True)] == list(names)


def test_uses_in_an_instruction_know_no_comments_and_another_escape() -> None:
    assert [use.name for use in uses("# $a `$b (c)'$d' \\$e", escape="`")] == ["a", "e"]


def test_names_that_a_script_sets() -> None:
    script = (
        "a=1; for b in x; do read -r c d; done; export e; local f=2; : ${g:=3}; h+=4; printf -v i x; echo j=k"
    )
    assert assigned_names(script) >= set("abcdefghij") - {"x"}
    assert "k" not in assigned_names(script)


@pytest.mark.parametrize(
    ("script", "expected"), [(". /etc/os-release", True), ("x && source y", True), ("pip install .", False)]
)
def test_scripts_that_may_set_anything(script: str, expected: bool) -> None:
    assert sets_anything(script) is expected
