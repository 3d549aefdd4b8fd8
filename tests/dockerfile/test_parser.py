"""Instructions, words and their places."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.ast import Flag
from tests.dockerfile.support import only, place, read, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Only ENV, LABEL and ARG let quotes hold a word together.
        ('ENV A=1 B="two words" C=three\\ words', ["A=1", "B=two words", "C=three words"]),
        ("ENV KEY  the rest  of it", ["KEY", "the rest  of it"]),
        ('ENV KEY "quoted = rest"', ["KEY", "quoted = rest"]),
        ('ENV A=\'$x\' B="$y" C=${z:-"d"}', ["A=$x", "B=$y", 'C=${z:-"d"}']),
        ("ENV A=\\$x", ["A=$x"]),
        ("LABEL \"a.b\"='c d' e=f", ["a.b=c d", "e=f"]),
        ("LABEL key value with blanks", ["key", "value with blanks"]),
        ("ARG A B=1 C='x y' D=", ["A", "B=1", "C=x y", "D="]),
        ("WORKDIR /a b/c", ["/a b/c"]),
        ('WORKDIR "/a b"', ["/a b"]),
        ("WORKDIR \\\\server\\share", ["\\servershare"]),
        ("USER  app:group ", ["app:group"]),
        ("STOPSIGNAL SIGTERM", ["SIGTERM"]),
        ('MAINTAINER "Some One" <s@example.org>', ['"Some One" <s@example.org>']),
        ("EXPOSE 80/tcp\t443  $PORT", ["80/tcp", "443", "$PORT"]),
        ("COPY a\\ b c /d", ["a", "b", "c", "/d"]),
        ('COPY "a" b /d', ["a", "b", "/d"]),
        ('COPY ["a b", "/d\\u0041"]', ["a b", "/dA"]),
        ("VOLUME /a /b", ["/a", "/b"]),
        ('VOLUME ["/a", "/b c"]', ["/a", "/b c"]),
        ("RUN echo 'a  b'  \"c\"", ["echo 'a  b'  \"c\""]),
        ("CMD echo 'a  b'  \"c\"", ["echo", "'a", "b'", '"c"']),
        ('CMD ["a", "b"]', ["a", "b"]),
        ("CMD [\"a\", 'b']", ['["a",', "'b']"]),
        ("CMD", []),
        ("HEALTHCHECK CMD curl  x", ["CMD", "curl", "x"]),
        ('HEALTHCHECK cmd ["curl", "x"]', ["cmd", "curl", "x"]),
        ("HEALTHCHECK none", ["none"]),
        ("ONBUILD ENV a b c", ["ENV", "a", "b c"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert values(only(text).words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('RUN ["a", "b"]', ["a", "b"]),
        ('RUN [ "a" , "b" ] ', ["a", "b"]),
        ("RUN []", []),
        ('CMD ["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ud800"]', ['"\\/\b\f\n\r\té😀\ufffd']),
        ('HEALTHCHECK --retries=3 CMD ["a"]', ["a"]),
        ("RUN [ -f x ] && y", None),
        ('RUN ["a",]', None),
        ('RUN ["a"] b', None),
        ("RUN ['a']", None),
        ('RUN ["a\tb"]', None),
        ('RUN ["\\x"]', None),
        ('RUN "a"', None),
        ("RUN [", None),
        ("RUN " + "[" * 5000, None),
    ],
)
def test_exec_form(text: str, expected: list[str] | None) -> None:
    found = only(text).json
    assert (found if found is None else values(found)) == expected


def test_every_string_of_the_exec_form_stands_on_its_quotes() -> None:
    dockerfile = read('FROM a\nCMD [ "x", \\\n  # why\n  "y\\n" ]\n')
    assert [place(dockerfile, w.start, w.end) for w in dockerfile.instructions[1].json or ()] == [
        "2:7-2:10",
        "4:3-4:8",
    ]


@pytest.mark.parametrize(
    ("text", "flags", "words"),
    [
        ("COPY --from=a --link b /c", [("from", "a"), ("link", None)], ["b", "/c"]),
        ("COPY --from=a -- --b /c", [("from", "a")], ["--b", "/c"]),
        ("COPY b --from=a /c", [], ["b", "--from=a", "/c"]),
        ('COPY --chown="a b" c /d', [("chown", "a b")], ["c", "/d"]),
        ("COPY --chown=a\\ b c /d", [("chown", "a b")], ["c", "/d"]),
        (
            "RUN --mount=type=cache,target=/x --network=none y",
            [("mount", "type=cache,target=/x"), ("network", "none")],
            ["y"],
        ),
        ("RUN -x", [], ["-x"]),
        ("ARG --x y", [("x", None)], ["y"]),
    ],
)
def test_flags(text: str, flags: list[tuple[str, str | None]], words: list[str]) -> None:
    instruction = only(text)
    assert [(flag.name, flag.value) for flag in instruction.flags] == flags
    assert values(instruction.words) == words


def test_the_last_of_a_flag_counts() -> None:
    run = only("RUN --mount=type=ssh --mount=type=tmpfs,target=/x y")
    assert run.flag("mount") == "type=tmpfs,target=/x"
    assert run.flag("network") is None


def test_places_in_one_line() -> None:
    dockerfile = read('FROM --platform=linux/arm64 a:1  AS  b\n\tEnV\tA=1   "B"=2 \n')
    base, env = dockerfile.instructions
    (platform,) = base.flags
    assert place(dockerfile, platform.start, platform.end) == "1:6-1:28"
    assert [place(dockerfile, w.start, w.end) for w in base.words] == ["1:29-1:32", "1:34-1:36", "1:38-1:39"]
    assert env.keyword == "ENV"
    assert env.keyword_word.value == "EnV"
    assert place(dockerfile, env.start, env.end) == "2:2-2:17"
    assert [place(dockerfile, w.start, w.end) for w in env.words] == ["2:6-2:9", "2:12-2:17"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_places_over_continuations(end: str) -> None:
    lines = ["FROM a", "CMD apt-\\", "get \\ ", "# no", "", "  # nor this", "\tinstall\t\\", " x", "USER y"]
    dockerfile = read(end.join(lines) + end)
    run = dockerfile.instructions[1]
    assert run.text == "apt-get \tinstall\t x"
    assert values(run.words) == ["apt-get", "install", "x"]
    assert [place(dockerfile, w.start, w.end) for w in run.words] == ["2:5-3:4", "7:2-7:9", "8:2-8:3"]
    assert place(dockerfile, run.start, run.end) == "2:1-8:3"
    assert [(c.text, c.line) for c in dockerfile.comments] == [(" no", 4), (" nor this", 6)]


def test_a_keyword_may_span_lines() -> None:
    dockerfile = read("FR\\\nOM a\n\\\n\\\nRUN b\n")
    assert [i.keyword for i in dockerfile.instructions] == ["FROM", "RUN"]
    assert place(dockerfile, dockerfile.instructions[0].start, dockerfile.instructions[0].end) == "1:1-2:5"
    assert place(dockerfile, dockerfile.instructions[1].start, dockerfile.instructions[1].end) == "5:1-5:6"
    assert dockerfile.problems == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN a \\\n", "a"),
        ("RUN a \\", "a"),
        ("RUN a \\\n# c\n\n", "a"),
        ("RUN a", "a"),
        ("RUN a \\\\\n", "a \\\\"),
        ("RUN a \\\\\\\n", "a \\\\\\"),
        ("RUN a\\ \t\n b", "a b"),
        ("RUN a\\ x\n", "a\\ x"),
        ("RUN a\\\n\\\n\\\nb", "ab"),
    ],
)
def test_continuations(text: str, expected: str) -> None:
    dockerfile = read(f"FROM x\n{text}")
    assert [i.keyword for i in dockerfile.instructions] == ["FROM", "RUN"]
    assert dockerfile.instructions[1].text == expected


def test_an_instruction_named_like_what_the_package_calls_a_comment() -> None:
    dockerfile = read("FROM a\nCOMMENT b\n#RUN c\n")
    assert [i.keyword for i in dockerfile.instructions] == ["FROM", "COMMENT"]


def test_lone_carriage_returns_end_no_line() -> None:
    dockerfile = read("FROM a\nRUN b\rc\r\r\nUSER d\r\n")
    assert [i.keyword for i in dockerfile.instructions] == ["FROM", "RUN", "USER"]
    assert dockerfile.instructions[1].text == "b\rc"


def test_onbuild_holds_a_whole_instruction() -> None:
    onbuild = only('ONBUILD COPY --from=x ["a", "b"]')
    trigger = onbuild.trigger
    assert trigger is not None
    assert (trigger.keyword, trigger.stage, trigger.flags) == (
        "COPY",
        0,
        (Flag("from", "x", trigger.flags[0].start, trigger.flags[0].end),),
    )
    assert values(trigger.json or ()) == ["a", "b"]
    assert values(onbuild.words) == ["COPY", "a", "b"]
    assert onbuild.start < trigger.start < trigger.end == onbuild.end


def test_long_lines_are_told_but_read() -> None:
    dockerfile = read("FROM a\nRUN " + "x" * 70000 + "\nUSER b\n")
    assert "65535" in dockerfile.problems[0].message
    assert [i.keyword for i in dockerfile.instructions] == ["FROM", "RUN", "USER"]
