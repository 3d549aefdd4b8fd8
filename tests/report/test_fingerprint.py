"""The hashes that GitHub's upload action computes for the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.report._fingerprint import line_hashes

ASSIGNMENTS = "x = 2\nx = 1\nprint(x)\nx = 3\nprint(x)\nx = 4\nprint(x)\n"


@pytest.mark.parametrize(
    ("text", "hashes"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (
            ASSIGNMENTS,
            [
                "e54938cc54b302f1:1",
                "bb609acbe9138d60:1",
                "1131fd5871777f34:1",
                "5c482a0f8b35ea28:1",
                "54517377da7028d2:1",
                "2c644846cb18d53e:1",
                "f1b89f20de0d133:1",
                "c129715d7a2bc9a3:1",
            ],
        ),
    ],
)
def test_values_of_the_upload_action(text: str, hashes: list[str]) -> None:
    assert line_hashes(text) == hashes


def test_equal_windows_are_counted() -> None:
    assert line_hashes("a\n" * 120)[:2] == [
        line_hashes("a\n" * 120)[0],
        line_hashes("a\n" * 120)[0][:-1] + "2",
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n")), max_size=20))
def test_one_hash_a_line_whatever_the_line_ends(lines: list[str]) -> None:
    hashes = line_hashes("\n".join(lines))
    assert len(hashes) == max(len(lines), 1)
    assert line_hashes("\r\n".join(lines)) == hashes
    assert line_hashes("\r".join(lines)) == hashes
    assert line_hashes("\n".join(" \t".join(line) for line in lines)) == hashes
