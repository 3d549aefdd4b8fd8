"""What holds for any text: nothing is raised, every place is right, and line ends and comments change nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from hypothesis import assume, example, given
from hypothesis import strategies as st

from secpipe.dockerfile.ast import Comment, Dockerfile, Flag, Instruction, Word
from secpipe.dockerfile.lexer import SPACE
from secpipe.dockerfile.mounts import mounts
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.shell import script
from secpipe.dockerfile.source import decode
from secpipe.errors import UndecidedError
from tests.dockerfile.support import only, read, shell, values

KEYWORDS = (
    *("ADD ", "ARG ", "CMD ", "COPY ", "ENTRYPOINT ", "ENV ", "EXPOSE ", "FROM ", "HEALTHCHECK ", "LABEL "),
    *(
        "MAINTAINER ",
        "ONBUILD ",
        "RUN ",
        "SHELL ",
        "STOPSIGNAL ",
        "USER ",
        "VOLUME ",
        "WORKDIR ",
        "from ",
        "RUN",
    ),
)
PIECES = (
    *KEYWORDS,
    *(
        " AS ",
        " as b",
        "CMD ",
        "NONE",
        "alpine",
        "a",
        "b=c",
        "=",
        "--from=a ",
        "--mount=type=cache,target=/x ",
        "--",
        "-- ",
    ),
    *(
        "$x",
        "${x}",
        "${x:-y}",
        "${x#*}",
        "${",
        "$(",
        ")",
        "`",
        "'",
        '"',
        "\\",
        "\\\n",
        "\\ \n",
        "`\n",
        "\\\\\n",
        "{",
        "}",
    ),
    *(
        "\n",
        "\n\n",
        " ",
        "\t",
        "# c\n",
        "\n# c\n",
        "# hadolint ignore=DL3008\n",
        "# escape=`\n",
        "#syntax=x\n",
    ),
    *(
        "<<EOF",
        "<<-EOF",
        "<<'EOF'",
        "3<<E ",
        "<<",
        "\nEOF\n",
        "\n\tEOF\n",
        '["a", "b"]',
        '["sh", "-c", "a | b"]',
        "[1]",
        "[",
    ),
    *(
        "|",
        "&&",
        ";",
        "(",
        "if a; then ",
        "fi",
        "> ",
        "sh -c ",
        "sudo ",
        "env ",
        "é",
        "😀",
        "\u00a0",
        "\u2003",
        "\x85",
        "\x1c",
        "\x0b",
    ),
)


def texts(pieces: tuple[str, ...] = PIECES) -> st.SearchStrategy[str]:
    """Texts that look like Dockerfiles gone wrong."""
    part = st.sampled_from(pieces) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
    return st.lists(part, max_size=30).map("".join)


def without_carriage_returns() -> st.SearchStrategy[str]:
    return texts().map(lambda text: text.replace("\r", ""))


def words_of(instruction: Instruction) -> Iterator[Word]:
    yield instruction.keyword_word
    yield from instruction.words
    yield from instruction.json or ()
    if instruction.trigger:
        yield from words_of(instruction.trigger)


def meaning(dockerfile: Dockerfile) -> list[object]:
    """Everything of the instructions that does not depend on where they stand."""
    return [
        (
            instruction.keyword,
            [(f.name, f.value) for f in instruction.flags],
            values(instruction.words),
            instruction.json and values(instruction.json),
            instruction.text,
            instruction.stage,
            [(h.delimiter, h.body, h.expand, h.strip_tabs, h.fd) for h in instruction.heredocs],
            [[c.name.value, *values(c.args)] for c in script(instruction, dockerfile.source).commands],
            len(script(instruction, dockerfile.source).pipelines),
        )
        for instruction in dockerfile.instructions
    ]


@given(st.binary() | texts().map(str.encode))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        source = decode(data, "x")
    except UndecidedError:
        return
    dockerfile = read(source.text)
    for instruction in dockerfile.instructions:
        script(instruction, dockerfile.source)
        mounts(instruction)
    pragmas(dockerfile).ignored("DL3008", 1, 2, 0)


@given(texts())
@example("FROM a\nRUN <<EOF")
@example("ADD <<EOF# c\n")
@example("\\\n# c\n\\\nFROM a \\\n")
def test_places_are_inside_ordered_and_nested(text: str) -> None:
    dockerfile = read(text)
    last = 0
    for instruction in dockerfile.instructions:
        assert last <= instruction.start <= instruction.end <= len(text)
        last = instruction.end
        at = instruction.start
        places: tuple[Word | Flag, ...] = (instruction.keyword_word, *instruction.flags, *instruction.words)
        for place in places:
            if not (instruction.trigger and place in (instruction.keyword_word, *instruction.words)):
                assert at <= place.start <= place.end <= instruction.end
                at = place.end
        for word in words_of(instruction):
            assert instruction.start <= word.start <= word.end <= instruction.end
        for heredoc in instruction.heredocs:
            assert instruction.start <= heredoc.marker.start < heredoc.marker.end <= heredoc.start
            assert heredoc.start <= heredoc.end <= instruction.end
        found = script(instruction, dockerfile.source)
        for command in found.commands:
            assert instruction.start <= command.start <= command.end <= instruction.end
            for word in (command.name, *command.args):
                assert instruction.start <= word.start <= word.end <= instruction.end
        for start, end in found.pipelines:
            assert instruction.start <= start < end <= instruction.end
    for problem in dockerfile.problems:
        assert 0 <= problem.start <= problem.end <= len(text)


@given(texts())
def test_a_word_without_quotes_is_what_stands_there(text: str) -> None:
    dockerfile = read(text)
    for instruction in dockerfile.instructions:
        commands = script(instruction, dockerfile.source).commands
        shell_words = (word for command in commands for word in (command.name, *command.args))
        for word in (*words_of(instruction), *shell_words):
            written = text[word.start : word.end]
            # A JSON escape keeps a backslash of the text; `$(…)` over a heredoc leaves out its body.
            if not set(written) & set("'\"\\`\n"):
                assert word.value == written


@given(texts())
@example("ADD --")
def test_instructions_comments_and_blanks_are_the_whole_file(text: str) -> None:
    dockerfile = read(text)
    rest = list(text)
    parts: tuple[Instruction | Comment, ...] = (*dockerfile.instructions, *dockerfile.comments)
    for part in parts:
        rest[part.start : part.end] = [""] * (part.end - part.start)
    # An escape character may stand on a line of its own, or at the end of the file.
    assert not "".join(rest).strip(SPACE + dockerfile.escape)


@given(without_carriage_returns())
@example("FROM a\nRUN <<EOF\na \\\n b\nEOF\n")
def test_line_ends_change_nothing(text: str) -> None:
    unix, windows = read(text), read(text.replace("\n", "\r\n"))
    assert meaning(unix) == meaning(windows)
    assert (unix.escape, unix.directives) == (windows.escape, windows.directives)
    assert [p.message for p in unix.problems] == [p.message for p in windows.problems]
    assert [c.text for c in unix.comments] == [c.text for c in windows.comments]


@given(without_carriage_returns(), st.data())
def test_a_comment_line_changes_nothing_else(text: str, data: st.DataObject) -> None:
    text = f"{text}\nRUN a\nRUN b\n"
    dockerfile = read(text)
    assume(dockerfile.instructions)
    assume(not any("never closed" in p.message and "heredoc" in p.message for p in dockerfile.problems))
    first = dockerfile.instructions[0].start
    bodies = [(i.heredocs[0].start, i.end) for i in dockerfile.instructions if i.heredocs]
    places = [
        start
        for start in dockerfile.source.line_starts
        if start > first and not any(begin <= start <= end for begin, end in bodies)
    ]
    assume(places)
    at = data.draw(st.sampled_from(places))
    assert meaning(read(f"{text[:at]} \t# a comment\n{text[at:]}")) == meaning(dockerfile)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_strings_survive_the_exec_form(strings: list[str]) -> None:
    for ascii_only in (True, False):
        found = only(f"CMD {json.dumps(strings, ensure_ascii=ascii_only)}").json
        assert found is not None
        assert values(found) == strings


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'\n")))
def test_single_quotes_keep_everything(text: str) -> None:
    assert values(only(f"ENV A='{text}' B=''").words) == [f"A={text}", "B="]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]))))
def test_any_arguments_survive_the_shell(arguments: list[str]) -> None:
    found = shell(f"RUN run-it {shlex.join(arguments)}")
    assert [values(command.args) for command in found.commands] == [arguments]
    assert found.complete
