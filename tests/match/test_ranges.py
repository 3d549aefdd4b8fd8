"""Range evaluation against a reference of a few lines, and what it says besides yes and no."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.match.ranges import LISTED, evaluate, lowest_free
from secpipe.model.advisory import Affected, Event, EventKind, Range

UNPARSABLE = "1-"

kinds = st.sampled_from(("introduced", "fixed", "last_affected"))
numbers = st.integers(0, 6)
events = st.lists(st.tuples(kinds, numbers), min_size=1, max_size=6)


def entry(
    *ranges: list[tuple[EventKind, str]], versions: tuple[str, ...] = (), ecosystem: str = "Debian:12"
) -> Affected:
    made = tuple(Range("ECOSYSTEM", tuple(Event(kind, version) for kind, version in item)) for item in ranges)
    return Affected(ecosystem, "example", made, versions)


def affected(item: Affected, version: str, scheme: str = "deb") -> bool | None:
    return evaluate(item, version, scheme).affected


def reference(found: list[tuple[EventKind, int]], version: int) -> bool:
    """The schema's algorithm, one version after the other; 0 is the version before all others."""
    on = False
    for at in range(version + 1):
        here = {kind for kind, number in found if number == at}
        begins = "introduced" in here
        ends = "fixed" in here or ("last_affected" in here and at < version)
        if begins != ends:
            on = begins
    return on


def test_a_range_without_a_beginning_ends_all_the_same() -> None:
    item = entry([("fixed", "2"), ("fixed", "4")])
    assert [affected(item, version) for version in ("1", "3", "4", "5")] == [None, None, False, False]
    assert [affected(entry([("last_affected", "2")]), version) for version in ("2", "3")] == [None, False]


def written(found: list[tuple[EventKind, int]]) -> list[tuple[EventKind, str]]:
    return [(kind, str(number)) for kind, number in found]


@given(found=events, version=st.integers(1, 7))
def test_agrees_with_the_reference(found: list[tuple[EventKind, int]], version: int) -> None:
    if ("last_affected", 0) in found:
        return  # only `introduced` has the special 0
    outcome = evaluate(entry(written(found)), str(version), "deb")
    if any(kind == "introduced" for kind, _ in found):
        assert outcome.affected == reference(found, version)
    else:
        assert not outcome.affected
    assert bool(outcome.range) == bool(outcome.affected)
    if outcome.fixed:
        assert int(outcome.fixed) > version
        assert not any(reference(found, at) is False for at in range(version, int(outcome.fixed)))


@given(first=events, second=events, version=st.integers(1, 7))
def test_ranges_are_alternatives(
    first: list[tuple[EventKind, int]], second: list[tuple[EventKind, int]], version: int
) -> None:
    one, two = entry(written(first)), entry(written(second))
    both = entry(written(first), written(second))
    answers = [affected(one, str(version)), affected(two, str(version))]
    expected = next((answer for answer in (True, None) if answer in answers), False)
    assert affected(both, str(version)) is expected


@given(found=events, limits=st.lists(st.integers(1, 7), max_size=2), version=st.integers(1, 7))
def test_limits(found: list[tuple[EventKind, int]], limits: list[int], version: int) -> None:
    limited: list[tuple[EventKind, str]] = [*written(found), *(("limit", str(number)) for number in limits)]
    before = not limits or any(version < number for number in limits)
    assert affected(entry(limited), str(version)) == (
        before and affected(entry(written(found)), str(version))
    )
    unlimited: list[tuple[EventKind, str]] = [*limited, ("limit", "*")]
    assert affected(entry(unlimited), str(version)) == affected(entry(written(found)), str(version)) or limits


@given(
    found=events,
    version=st.integers(1, 7),
    broken=st.lists(st.integers(0, 5), min_size=1, max_size=2, unique=True),
)
def test_a_bound_without_order_is_never_guessed(
    found: list[tuple[EventKind, int]], version: int, broken: list[int]
) -> None:
    """A definite answer holds wherever the unparsable bounds may really lie."""
    places = [index for index in broken if index < len(found)]
    text = [(kind, UNPARSABLE if i in places else str(number)) for i, (kind, number) in enumerate(found)]
    answer = affected(entry(text), str(version))
    if answer is None:
        assert places or not any(kind == "introduced" for kind, _ in found)
        return
    for numbers in itertools.product(range(1, 9), repeat=len(places)):
        replaced = dict(zip(places, numbers, strict=True))
        possible = [(kind, replaced.get(i, number)) for i, (kind, number) in enumerate(found)]
        assert affected(entry(written(possible)), str(version)) == answer


@given(found=events, version=st.text(max_size=4))
def test_any_installed_version(found: list[tuple[EventKind, int]], version: str) -> None:
    assert affected(entry(written(found)), version) in (True, False, None)


@pytest.mark.parametrize(
    ("version", "expected", "text", "fixed"),
    [
        ("1.1", False, "", None),
        ("1.2", True, ">=1.2,<1.4.1", "1.4.1"),
        ("1.4.1", False, "", None),
        ("2.0", True, ">=2.0,<=2.3", None),
        ("2.3", True, ">=2.0,<=2.3", None),
        ("2.3.1", False, "", None),
        ("3.5", True, ">=3.0", None),
    ],
)
def test_the_interval_is_named(version: str, expected: bool, text: str, fixed: str | None) -> None:
    item = entry(
        [
            ("fixed", "1.4.1"),
            ("introduced", "3.0"),
            ("introduced", "1.2"),
            ("last_affected", "2.3"),
            ("introduced", "2.0"),
        ]
    )
    outcome = evaluate(item, version, "deb")
    assert (outcome.affected, outcome.range, outcome.fixed) == (expected, text, fixed)


def test_from_the_beginning() -> None:
    outcome = evaluate(entry([("introduced", "0"), ("fixed", "2")]), "0~rc1", "deb")
    assert (outcome.affected, outcome.range, outcome.fixed) == (True, "<2", "2")
    assert evaluate(entry([("introduced", "0")]), "1", "deb").range == ">=0"
    assert evaluate(entry([("introduced", "0"), ("limit", "3")]), "1", "deb").range == "<3"


def test_listed_only() -> None:
    item = entry([("introduced", "2"), ("fixed", "3")], versions=("1.0", "1.1"))
    outcome = evaluate(item, "1.1", "deb")
    assert (outcome.affected, outcome.range, outcome.fixed) == (True, LISTED, "3")
    assert affected(item, "1.2") is False
    assert affected(entry(versions=("odd version",)), "odd version") is True
    assert affected(entry(versions=("odd version",)), "other version 2") is False


def test_python_versions_are_listed_in_any_spelling() -> None:
    item = entry(versions=("1.0.0rc1", "2.0"), ecosystem="PyPI")
    assert affected(item, "1.0-RC.1", "pep440") is True
    assert affected(item, "2.0.0+cpu", "pep440") is True
    assert affected(item, "2.0.post1", "pep440") is False


def test_the_lowest_version_that_is_free_of_all() -> None:
    first = entry([("introduced", "0"), ("fixed", "2"), ("introduced", "3"), ("fixed", "5")])
    second = entry([("introduced", "0"), ("fixed", "4")])
    assert lowest_free([first], "1", "deb") == "2"
    assert lowest_free([first, second], "1", "deb") == "5"
    assert lowest_free([second, entry([("introduced", "0")])], "1", "deb") is None


def test_nothing_named_is_nothing_affected() -> None:
    assert affected(entry(), "1") is None
    assert affected(entry([("introduced", "0"), ("fixed", "0")]), "1") is False
