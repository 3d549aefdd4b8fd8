"""Scripts that are commands in a row: read without a parser, and as bash reads them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile import bash
from secpipe.dockerfile.joined import Joined, join
from secpipe.dockerfile.plainshell import read
from secpipe.dockerfile.wrappers import Words

SEPARATORS = (" && ", "||", ";", " ; ", "\n", " \n\n\t", "&&\n ")


def whole(text: str) -> Joined:
    return join([(0, text)])


def shown(commands: tuple[Words, ...]) -> list[list[str]]:
    return [[word.value for word in words] for words in commands]


@pytest.mark.parametrize(
    ("text", "commands", "pipelines"),
    [
        ("", [], []),
        (" \t", [], []),
        ("a -b c", [["a", "-b", "c"]], []),
        ("a && b || c; d\n\n  e;", [["a"], ["b"], ["c"], ["d"], ["e"]], []),
        ("a | b && c |d|e; f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]], ["a | b", "c |d|e"]),
        ("A=1 B='x y' a C=2 | b", [["a", "C=2"], ["b"]], ["A=1 B='x y' a C=2 | b"]),
        ("A=$B/c && d", [["d"]], []),
        ("A=1", [], []),
        ("A= a", [["a"]], []),
        ("""a --b="c $d/${e}"'f g'h '' "" """, [["a", "--b=c $d/${e}f gh", "", ""]], []),
        ("'a' \"b\"", [["a", "b"]], []),
        ("$A b*.c ~/d e? a@ é", [["$A", "b*.c", "~/d", "e?", "a@", "é"]], []),
        ("sudo env A=1 a -b", [["sudo", "env", "A=1", "a", "-b"], ["a", "-b"]], []),
        # The grammar makes two pipelines of this, the one within the other.
        ("a -b 'c'   /d | e -f 'g' | h /i     && k", [["a", "-b", "c", "/d"], ["e", "-f", "g"], ["h", "/i"], ["k"]],
         ["a -b 'c'   /d | e -f 'g' | h /i"]),
    ],
)  # fmt: skip
def test_plain_scripts(text: str, commands: list[list[str]], pipelines: list[str]) -> None:
    found = read(whole(text))
    assert found
    assert shown(found.commands) == commands
    assert [text[start:end] for start, end in found.pipelines] == pipelines
    parsed = bash.parse(whole(text))
    assert (parsed.commands, parsed.pipelines, parsed.complete) == (*found, True)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a > b",
            "a 2>&1",
            "a <b",
            "a &",
            "a & b",
            "(a)",
            "{ a; }",
            "a $(b)",
            "a `b`",
            "a $((1))",
            "a ${b:-c}",
        ),
        *(
            "a \\b",
            'a "b\\c"',
            'a "$(b)"',
            'a "`b`"',
            "a #b",
            "a[1]=b c",
            "[ a ]",
            "! a",
            "a {b,c}",
            "a $",
            "a $1",
        ),
        *("a 'b", 'a "b', 'a "$"', "a $'b'", "a '\n'", "a \r", "a \x0bb", "a |& b", "a ;; b", "a &&& b"),
        *("a &&", "a |", "&& a", "; a", "a && ; b", "a || && b", "a ; ; b", "a |\n| b"),
        *(
            "if a; then b; fi",
            "for a in b",
            "while a",
            "export A=1",
            "case a",
            "time a",
            "a && local b",
            "A=1 export",
        ),
        *("sh -c a", "bash -ec 'a b'", "sudo sh -c 'a'", "env sh -c a"),
    ],
)
def test_everything_else_is_for_the_parser(text: str) -> None:
    assert read(whole(text)) is None


def test_places_over_continuations() -> None:
    text = join([(10, "ab c"), (20, "d && 'e"), (40, "f' g")])
    found = read(text)
    assert found
    places = [(word.value, word.start, word.end) for words in found.commands for word in words]
    assert places == [("ab", 10, 12), ("cd", 13, 21), ("ef", 25, 42), ("g", 43, 44)]


@given(
    st.lists(st.lists(st.text("ab.$'\" -=é|;&\\", min_size=1), min_size=1), min_size=1),
    st.lists(st.sampled_from(SEPARATORS), min_size=1),
)
def test_any_arguments_in_a_row(commands: list[list[str]], separators: list[str]) -> None:
    texts = [shlex.join(["run-it", *command]) for command in commands]
    text = texts[0] + "".join(
        separators[i % len(separators)] + following for i, following in enumerate(texts[1:])
    )
    found = read(whole(text))
    assert found
    assert shown(found.commands) == [["run-it", *command] for command in commands]
    assert not found.pipelines


@given(st.text("ab$={}'\" \t\n|;&\\1-<>()#"))
def test_any_text_is_read_as_the_parser_reads_it_or_left_to_it(text: str) -> None:
    found = read(whole(text))
    if found:
        words = [word for command in found.commands for word in command]
        assert all(0 <= word.start < word.end <= len(text) for word in words)
        assert [word.start for word in words] == sorted(word.start for word in words)
