"""Which findings are those of an earlier scan."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.model.baseline import Mark, mark
from secpipe.model.purl import bare
from secpipe.model.severity import Severity
from secpipe.policy.baseline import about_new, compared, pairs
from secpipe.policy.gate import gate_of
from secpipe.policy.overrides import Gates
from tests.support.reports import APT, finding, package

CURL = finding("CVE-1-1", package("curl", "1"), fixed=None)


def states(*later: object) -> list[tuple[bool | None, bool]]:
    return [(one.new, one.updated) for one in compared(later, [mark(CURL)])]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("later", "updated"),
    [
        (CURL, False),
        (replace(CURL, package=package("curl", "1", APT)), False),
        (replace(CURL, package=replace(CURL.package, path="elsewhere", arch="arm64")), False),
        (replace(CURL, package=package("curl", "2")), True),
        (replace(CURL, fixed_version="2"), True),
        (replace(CURL, severity=Severity.LOW), True),
        (replace(CURL, id="CVE-1-2", aliases=("GHSA-1", "CVE-1-1")), False),
    ],
)
def test_what_an_upgrade_a_layer_or_another_name_leaves_is_known(later: object, updated: bool) -> None:
    assert states(later) == [(False, updated)]


@pytest.mark.parametrize(
    "later",
    [
        replace(CURL, id="CVE-1-2"),
        replace(CURL, package=package("libcurl4", "1")),
        replace(CURL, package=replace(CURL.package, purl="pkg:apk/alpine/curl@1")),
    ],
)
def test_another_flaw_or_package_is_new(later: object) -> None:
    assert states(later) == [(True, False)]


def test_packages_of_one_scope_written_out_are_not_each_other() -> None:
    """Lists of packages may have `pkg:npm/@scope/a@1` where the specification wants `%40scope`."""
    one = replace(CURL, package=replace(CURL.package, purl="pkg:npm/@scope/one@1"))
    other = replace(CURL, package=replace(CURL.package, purl="pkg:npm/@scope/two@1"))
    encoded = replace(CURL, package=replace(CURL.package, purl="pkg:npm/%40scope/one@2"))
    assert pairs([mark(one)], [mark(other), mark(encoded)]) == [None, 0]


def test_a_second_copy_is_new_and_the_first_is_known_by_its_path() -> None:
    copy = replace(CURL, package=replace(CURL.package, path="app/copy"))
    assert states(copy, CURL) == [(True, False), (False, False)]


def test_a_flaw_keeps_its_own_record_before_one_of_the_same_alias() -> None:
    other = replace(CURL, id="CVE-1-2", aliases=("DSA-1",))
    both = replace(CURL, aliases=("DSA-1",))
    assert [one.new for one in compared([other, both], [mark(both)])] == [True, False]


def test_an_update_that_mends_both_makes_no_two_flaws_the_same() -> None:
    """As DSA-5726-1 does, which stands among the aliases of CVE-2024-37370 and of CVE-2024-37371."""
    one = mark(replace(CURL, aliases=("DEBIAN-CVE-1-1", "DSA-1")))
    other = mark(replace(CURL, id="CVE-1-2", aliases=("DEBIAN-CVE-1-2", "DSA-1")))
    assert pairs([one], [other]) == [None]
    assert pairs([mark(replace(CURL, id="DSA-1", aliases=()))], [other, one]) == [0, None]
    assert pairs([one], [mark(replace(CURL, id="DEBIAN-CVE-1-1", aliases=()))]) == [0]


def test_platforms_count_where_both_sides_have_them() -> None:
    amd = mark(replace(CURL, package=replace(CURL.package, platform="linux/amd64")))
    arm = amd._replace(platform="linux/arm64")
    assert pairs([amd], [arm]) == [None]
    assert pairs([amd], [mark(CURL)]) == [0]
    assert pairs([mark(CURL)], [arm, amd]) == [0, None]


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:npm/%40scope/a@1.0?x=y#z", "pkg:npm/%40scope/a"),
        ("pkg:npm/@scope/a@1.0?x=y#z", "pkg:npm/%40scope/a"),
        ("pkg:npm/@scope/a", "pkg:npm/%40scope/a"),
        ("pkg:golang/github.com/a/b@v1", "pkg:golang/github.com/a/b"),
        ("pkg:deb/debian/a", "pkg:deb/debian/a"),
    ],
)
def test_a_package_is_told_by_its_url_without_the_version(purl: str, expected: str) -> None:
    assert bare(purl) == expected


_MARKS = st.lists(
    st.builds(
        Mark,
        st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True).map(tuple),
        st.sampled_from(["p", "q"]),
        st.sampled_from(["x", "y"]),
        st.sampled_from(["", "l/a", "l/b"]),
    ),
    max_size=8,
)


@given(_MARKS, _MARKS)
def test_each_is_taken_once_and_nothing_is_left_that_would_fit(old: list[Mark], new: list[Mark]) -> None:
    found = pairs(old, new)
    taken = [position for position in found if position is not None]
    assert max(Counter(taken).values(), default=1) == 1
    platforms = any(one.platform for one in old) and any(one.platform for one in new)

    def fits(one: Mark, other: Mark) -> bool:
        same = one.platform == other.platform or not platforms
        return (
            same
            and one.package == other.package
            and (one.names[0] in other.names or other.names[0] in one.names)
        )

    assert all(fits(old[p], one) for p, one in zip(found, new, strict=True) if p is not None)
    left = [old[p] for p in set(range(len(old))) - set(taken)]
    assert not any(fits(one, other) for p, one in zip(found, new, strict=True) if p is None for other in left)


@given(_MARKS)
def test_nothing_is_new_in_the_same_scan(marks: list[Mark]) -> None:
    assert pairs(marks, marks) == list(range(len(marks)))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], "new"),
        (["high", "fixable"], "high and new|fixable and new"),
        (["eol", "critical"], "eol|critical and new"),
        (["none"], "none"),
        (["any", "new"], "any|new"),
    ],
)
def test_with_a_baseline_the_gate_is_about_what_is_new(texts: list[str], expected: str) -> None:
    assert "|".join(map(str, about_new(Gates(gate_of(texts))).gate)) == expected
