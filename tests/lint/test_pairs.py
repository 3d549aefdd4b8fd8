"""Names and values of ENV, ARG and LABEL stand where the file has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.source import source
from secpipe.lint.pairs import pairs


def read(line: str) -> list[tuple[str, str, str | None, str]]:
    """Each name and value, as they are and as they stand in the file."""
    text = f"FROM a:1\n{line}\n"
    dockerfile = parse(source(text, "f"))
    return [
        (
            name.value,
            text[name.start : name.end],
            value and value.value,
            text[value.start : value.end] if value else "",
        )
        for name, value in pairs(dockerfile.instructions[1], dockerfile.source)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ENV a=b c=", [("a", "a", "b", "b"), ("c", "c", "", "")]),
        ("ENV a=b=c", [("a", "a", "b=c", "b=c")]),
        ("ENV a b c", [("a", "a", "b c", "b c")]),
        ("ENV a  b=c", [("a", "a", "b=c", "b=c")]),
        ("""LABEL "a b"='c d' e=f""", [("a b", '"a b"', "c d", "'c d'"), ("e", "e", "f", "f")]),
        ("LABEL a=1 \\\n  b=2", [("a", "a", "1", "1"), ("b", "b", "2", "2")]),
        ("ARG a", [("a", "a", None, "")]),
        ("ARG a b", [("a", "a", None, ""), ("b", "b", None, "")]),
        ("ARG a=$b c", [("a", "a", "$b", "$b"), ("c", "c", None, "")]),
    ],
)
def test_pairs(line: str, expected: list[tuple[str, str, str | None, str]]) -> None:
    assert read(line) == expected


@given(st.sampled_from(["ENV", "ARG", "LABEL"]), st.text("ab=\"'\\ \n$", max_size=20))
def test_pairs_are_inside_their_instruction(keyword: str, rest: str) -> None:
    dockerfile = parse(source(f"FROM a:1\n{keyword} {rest}", "f"))
    for instruction in dockerfile.instructions[1:]:
        if instruction.keyword == keyword:
            for pair in pairs(instruction, dockerfile.source):
                for word in filter(None, pair):
                    assert instruction.start <= word.start <= word.end <= instruction.end
