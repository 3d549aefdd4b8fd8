"""The examples in rules/ are the tests of the rules: each bad one is found exactly where it says, no good one is."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.source import source
from secpipe.lint.examples import BadExample, examples
from secpipe.lint.fix import fixed
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


@pytest.mark.parametrize(
    ("code", "bad"), [case for case in BAD if isinstance(case.values[1], BadExample) and case.values[1].fixed]
)
def test_a_bad_example_is_fixed_as_it_says(code: str, bad: BadExample) -> None:
    options = examples(code).options._replace(select=frozenset({code}))
    once = fixed(source(bad.dockerfile, "Dockerfile"), options, unsafe=True)
    assert once.text == bad.fixed
    assert once.applied
    assert not once.dropped
    assert fixed(source(once.text, "Dockerfile"), options, unsafe=True).text == once.text


@pytest.mark.parametrize("code", known_codes())
def test_every_example_with_a_fix_says_what_it_gives(code: str) -> None:
    """At least one of them; and no fix of a rule touches what keeps it."""
    options = examples(code).options._replace(select=frozenset({code}))
    results = [
        fixed(source(bad.dockerfile, "Dockerfile"), options, unsafe=True) for bad in examples(code).bad
    ]
    assert any(result.applied for result in results) == any(bad.fixed for bad in examples(code).bad)
    for text in examples(code).good:
        assert fixed(source(text, "Dockerfile"), options, unsafe=True).text == text


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
