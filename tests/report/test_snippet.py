"""The line below a finding: as wide as the terminal at most, the mark under the word."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.model.location import Region
from secpipe.report import render
from secpipe.report._snippet import snippet
from tests.support.reports import LINT


def columns(text: str) -> int:
    """What a terminal makes of it."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)


@pytest.mark.parametrize(
    ("line", "region", "text", "mark"),
    [
        ("RUN cd /tmp", Region(1, 5, 1, 7), "RUN cd /tmp", "    ^^"),
        ("\tcd\t/tmp", Region(1, 2, 1, 4), "    cd  /tmp", "    ^^"),
        ("日本 cd", Region(1, 4, 1, 6), "日本 cd", "     ^^"),
        ("日本 cd", Region(1, 1, 1, 3), "日本 cd", "^^^^"),
        ("e\u0301 cd", Region(1, 4, 1, 6), "e\u0301 cd", "  ^^"),
        ("a\x1bb cd", Region(1, 5, 1, 7), "a\\x1bb cd", "       ^^"),
        ("RUN a \\  ", Region(1, 5, 2, 3), "RUN a \\", "    ^^^"),
        ("FROM a", Region(1, 7, 1, 7), "FROM a", "      ^"),
        ("", Region(1, 1, 1, 1), "", "^"),
        ("x" * 30 + " cd /tmp " + "y" * 30, Region(1, 32, 1, 34), "…xxxxx cd /tmp yyyy…", "       ^^"),
        ("cd " + "y" * 30, Region(1, 1, 1, 3), "cd yyyyyyyyyyyyyyy…", "^^"),
        ("y" * 30 + " cd", Region(1, 32, 1, 34), "…yyyyy cd", "       ^^"),
    ],
)
def test_shown_as(line: str, region: Region, text: str, mark: str) -> None:
    shown = snippet(line, region, 20)
    assert (shown.text, shown.mark) == (text, mark)


@given(st.text(max_size=200), st.integers(1, 210), st.integers(0, 210), st.integers(20, 100))
def test_whatever_the_line(line: str, column: int, length: int, width: int) -> None:
    shown = snippet(line.replace("\n", " "), Region(1, column, 1, column + length), width)
    assert columns(shown.text) <= width
    assert columns(shown.mark) <= width + 1, "one behind the end of a full line"
    assert set(shown.mark.lstrip(" ")) == {"^"}
    assert shown.text.isprintable() or not any(unicodedata.category(c) == "Cc" for c in shown.text)


@given(st.text("ab \t日é", max_size=300), st.integers(0, 300))
def test_the_mark_is_under_the_word(before: str, after: int) -> None:
    line = f"{before}WORD" + " x" * after
    shown = snippet(line, Region(1, len(before) + 1, 1, len(before) + 5), 40)
    assert shown.mark.lstrip() == "^^^^"
    assert columns(shown.text[: shown.text.index("WORD")]) == shown.mark.index("^")


def test_a_line_of_ten_megabytes_costs_nothing() -> None:
    line = "x" * 10_000_000
    start = time.perf_counter()
    for column in range(1, 10_000_000, 100_000):
        snippet(line, Region(1, column, 1, column + 3), 80)
    assert time.perf_counter() - start < 5


def test_a_finding_is_one_line_for_grep() -> None:
    piped, shown = render("tty", LINT), render("tty", LINT, width=80)
    heads = [line for line in shown.splitlines() if line[:1].strip() and ":" in line and " | " not in line]
    assert heads[:5] == piped.splitlines()[:5]
    assert max(columns(line) for line in shown.splitlines() if line not in heads) <= 80


def test_the_link_of_a_rule_comes_once() -> None:
    found = LINT.findings[0]
    text = render("tty", LINT._replace(findings=(found, found)), width=80)
    assert text.count("docs/rules/DL3006.md") == 1
    assert "http" not in render("tty", LINT)


def test_what_can_be_fixed_is_counted() -> None:
    assert "1 fixable with --fix, 1 more with --fix --unsafe-fixes" in render("tty", LINT).splitlines()
