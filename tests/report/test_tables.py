"""What is drawn without rich is what rich draws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.report._console import Part, _drawn, _plain, shown
from secpipe.report._tables import Rows, Styled, styled

STYLES = ("", "bold", "bold red", "bold white on red", "dim", "yellow")
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9)
pieces = st.tuples(texts, st.sampled_from(STYLES))
cells = st.one_of(
    st.builds(styled, texts, st.sampled_from(STYLES)),
    st.builds(Styled, st.tuples(pieces, pieces)),
)
rows = st.lists(st.tuples(cells, cells, cells), max_size=4)
widths = st.one_of(st.none(), st.integers(20, 60))


def _table(found: list[tuple[Styled, ...]]) -> Rows:
    table = Rows("Severity", "B", "Name", unbroken=[1])
    for row in found:
        table.add(*row)
    return table


def _by_rich(parts: list[Part], color: bool, width: int | None) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rows, "fitting", lambda *_: None)
        text = _drawn(parts, color, width)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@given(rows, st.booleans(), widths, st.lists(texts, max_size=2))
def test_as_rich_draws_it(
    found: list[tuple[Styled, ...]], color: bool, width: int | None, lines: list[str]
) -> None:
    parts: list[Part] = [styled("Title", "bold"), _table(found), *lines]
    assert shown(parts, color=color, width=width) == _by_rich(parts, color, width)


def test_most_is_drawn_without_it() -> None:
    row = (styled("high", "bold red"), styled("CVE-2024-1"), styled("libexpat"))
    parts: list[Part] = [_table([row] * 3), "three", ""]
    assert _plain(parts, 80)
    assert _plain(parts, None)
    assert _plain(parts, 12) is None
    assert _plain([_table([(styled("é"), *row[1:])])], None) is None


def test_what_has_no_room_is_wrapped_by_it() -> None:
    row = (styled("high"), styled("CVE-2024-1"), styled("a-very-long-name-of-a-package"))
    assert shown([_table([row])], color=False, width=30).splitlines()[2:] == [
        "high      CVE-2024-1  a-very-l",
        "                      ong-name",
        "                      -of-a-pa",
        "                      ckage",
    ]
