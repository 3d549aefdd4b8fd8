"""The examples in rules/ are the tests of the rules: each bad one is found exactly where it says, no good one is."""

from __future__ import annotations

import pytest

from secpipe.lint.examples import BadExample, examples
from secpipe.lint.rules import known_codes, rule
from tests.lint.support import findings, place

GOOD = [
    pytest.param(code, text, id=f"{code}-{i}")
    for code in known_codes()
    for i, text in enumerate(examples(code).good)
]
BAD = [
    pytest.param(code, bad, id=f"{code}-{i}")
    for code in known_codes()
    for i, bad in enumerate(examples(code).bad)
]

REFUSED = {"DL1000", "DL3043", "DL3061"}
"""The rules about what BuildKit refuses: only these have examples with a syntax error."""


@pytest.mark.parametrize(("code", "text"), GOOD)
def test_a_good_example_is_not_found(code: str, text: str) -> None:
    assert not findings(text, code, examples(code).options)
    assert not findings(text, "DL1000")


@pytest.mark.parametrize(("code", "bad"), BAD)
def test_a_bad_example_is_found_where_it_says(code: str, bad: BadExample) -> None:
    found = findings(bad.dockerfile, code, examples(code).options)
    assert tuple(map(place, found)) == bad.at
    assert all(finding.level is rule(code).level for finding in found)
    assert code in REFUSED or not findings(bad.dockerfile, "DL1000")


@pytest.mark.parametrize("code", known_codes())
def test_a_rule_has_examples_of_both_kinds(code: str) -> None:
    assert len(examples(code).good) >= 2
    assert len(examples(code).bad) >= 2


@pytest.mark.parametrize("code", known_codes())
def test_with_windows_line_ends_everything_is_found_in_the_same_lines(code: str) -> None:
    for bad in examples(code).bad:
        starts = [at.partition(":")[0] for at in bad.at]
        found = findings(bad.dockerfile.replace("\n", "\r\n"), code, examples(code).options)
        assert [str(f.region.line) for f in found] == starts
