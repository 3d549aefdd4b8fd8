"""The short way for ranges of one interval says what the walk through the events says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.match import ranges
from secpipe.match.ranges import evaluate, is_settled, lowest_free
from secpipe.model.advisory import Affected, Event, Range

VERSIONS = st.sampled_from(["0", "1", "1.0", "1.1", "1.1-1", "1:0", "2~rc1", "2", "10", "bad version", ""])
EVENTS = st.lists(
    st.builds(Event, st.sampled_from(["introduced", "fixed", "last_affected", "limit"]), VERSIONS), max_size=4
)


@given(EVENTS, VERSIONS, st.sampled_from(["deb", "semver", "pep440", "maven", "rpm"]))
def test_the_short_way_says_the_same(events: list[Event], version: str, scheme: str) -> None:
    entry = Affected("x", "x", (Range("ECOSYSTEM", tuple(events)),))
    told = evaluate(entry, version, scheme)
    with pytest.MonkeyPatch.context() as patch:
        real = ranges._prepare
        patch.setattr(ranges, "_prepare", lambda item, name: replace(real(item, name), plain=None))
        assert evaluate(entry, version, scheme) == told
        if told.affected:
            free = lowest_free([entry], version, scheme, {told.fixed} if told.fixed else ())
    if told.affected and is_settled(entry, told, scheme):
        assert free == told.fixed


def test_the_usual_range_takes_the_short_way() -> None:
    usual = Range("ECOSYSTEM", (Event("introduced", "0"), Event("fixed", "1.2-3")))
    assert ranges._prepare(usual, "deb").plain
    assert is_settled(Affected("x", "x", (usual,)), evaluate(Affected("x", "x", (usual,)), "1", "deb"), "deb")
