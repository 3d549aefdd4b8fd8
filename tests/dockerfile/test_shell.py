"""The commands of a RUN and its kin: which there are, what they are given, and where each word stands."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command, script
from tests.dockerfile.support import commands, place, read, shell, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a -b c", [["a", "-b", "c"]]),
        ("a && b || c; d & e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a | b |& c", [["a"], ["b"], ["c"]]),
        ("(a; b) && { c; }", [["a"], ["b"], ["c"]]),
        ("if a; then b; elif c; then d; else e; fi", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("for i in x y; do a $i; done", [["a", "$i"]]),
        ("while a; do b; done; until c; do d; done", [["a"], ["b"], ["c"], ["d"]]),
        ('case "$x" in y|z) a ;; *) b ;; esac', [["a"], ["b"]]),
        ("f() { a; }; f", [["a"], ["f"]]),
        ("! a", [["a"]]),
        ("a $(b `c`) <(d) >(e)", [["a", "$(b `c`)", "<(d)", ">(e)"], ["b", "`c`"], ["c"], ["d"], ["e"]]),
        ('a "x $(b "y")"', [["a", 'x $(b "y")'], ["b", "y"]]),
        ("x=$(a) b", [["a"], ["b"]]),
        ("x=$(a)", [["a"]]),
        ("[ -f $(a) ] && [[ -n $(b) ]]", [["a"], ["b"]]),
        ("DEBIAN_FRONTEND=noninteractive A=1 apt-get install b", [["apt-get", "install", "b"]]),
        (
            "export A=1 B; unset C; readonly D=2",
            [["export", "A=1", "B"], ["unset", "C"], ["readonly", "D=2"]],
        ),
        ("A=1", []),
        ("# nothing", []),
        ("", []),
        # Redirections are no arguments, and do not swallow any.
        ("a >x 2>&1 -b <y c", [["a", "-b", "c"]]),
        (">x a b", [["a", "b"]]),
        ("2>/dev/null a", [["a"]]),
        ("a &>x; b <<< c", [["a"], ["b"]]),
        ("a > $(b) c", [["a", "c"], ["b"]]),
        # Quotes and escapes go, variables stay.
        ("'a b' \"c\"d e\\ f", [["a b", "cd", "e f"]]),
        ('a "\\"\\$x\\n" $\'\\t\' \'$y\' "${z}"w', [["a", '"$x\\n', "\t", "$y", "${z}w"]]),
        (
            "a {b,c} *.d ~/e ${f%.*} $((1 + 1)) ''",
            [["a", "{b,c}", "*.d", "~/e", "${f%.*}", "$((1 + 1))", ""]],
        ),
        ("$A b", [["$A", "b"]]),
        ("apt\\-get 'up'date", [["apt-get", "update"]]),
        ("é 'ü' \"ö\" | ä", [["é", "ü", "ö"], ["ä"]]),
        # Beyond ASCII is neither letter, digit nor blank, whatever the locale; behind `{` it crashed the grammar's scanner.
        ("é=1 a", [["é=1", "a"]]),
        ("日本=1 && a", [["日本=1"], ["a"]]),
        ("a\u2003b \u00a0c", [["a\u2003b", "\u00a0c"]]),
        ("a {\U000a6e59,b} {1\U0010ffff..2}", [["a", "{\U000a6e59,b}", "{1\U0010ffff..2}"]]),
        # What runs another command gives way to it, sudo is both.
        ("command a", [["a"]]),
        ("command -p a", [["a"]]),
        ("command -v a", [["command", "-v", "a"]]),
        ("exec -a x a -b", [["a", "-b"]]),
        ("builtin cd /x", [["cd", "/x"]]),
        ("busybox wget x", [["wget", "x"]]),
        ("busybox --list", [["busybox", "--list"]]),
        ("time -p a b", [["a", "b"]]),
        ("nohup a &", [["a"]]),
        ("env A=1 B=2 a b", [["a", "b"]]),
        ("env -i -u X -- a", [["a"]]),
        ("env", [["env"]]),
        ("exec env A=1 nohup a", [["a"]]),
        ("sudo -u x -E A=1 a -b", [["sudo", "-u", "x", "-E", "A=1", "a", "-b"], ["a", "-b"]]),
        ("sudo -i", [["sudo", "-i"]]),
        ("sudo env A=1 a", [["sudo", "env", "A=1", "a"], ["a"]]),
        # A script in an argument.
        ("sh -c 'a && b'", [["sh", "-c", "a && b"], ["a"], ["b"]]),
        ('bash -exo pipefail -c "a \\"$b\\""', [["bash", "-exo", "pipefail", "-c", 'a "$b"'], ["a", "$b"]]),
        ('/bin/sh -c "$(a)"', [["/bin/sh", "-c", "$(a)"], ["$(a)"], ["a"]]),
        ("sh -c a$b", [["sh", "-c", "a$b"]]),
        ("sh x -c 'a'", [["sh", "x", "-c", "a"]]),
        ("sh -c \"sh -c 'a'\"", [["sh", "-c", "sh -c 'a'"], ["sh", "-c", "a"], ["a"]]),
        ("exec bash -c 'a'", [["bash", "-c", "a"], ["a"]]),
        # What bash takes and the grammar does not.
        ("if a; then if b; then c; fi fi && d", [["a"], ["b"], ["c"], ["d"]]),
        ("if a; then (b) else c; fi", [["a"], ["b"], ["c"]]),
        ("a `# note` && b `# c'` d", [["a"], ["b", "d"]]),
        ("{ { a; } }", [["a"]]),
    ],
)
def test_commands(text: str, expected: list[list[str]]) -> None:
    found = shell(f"RUN {text}")
    assert [[c.name.value, *values(c.args)] for c in found.commands] == expected
    assert found.complete


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a && b 'c", [["a"]]),
        ("a; b )", [["a"]]),
        ("a; if", []),
        ("a &&", [["a"]]),
        ('echo "', []),
        ("(" * 3000, []),
        ("$(" * 100 + "a" + ")" * 100, None),
    ],
)
def test_text_that_is_no_bash(text: str, expected: list[list[str]] | None) -> None:
    found = shell(f"RUN {text}")
    assert not found.complete
    if expected is not None:
        assert [[c.name.value, *values(c.args)] for c in found.commands] == expected


def test_places_over_continuations_in_any_encoding_width() -> None:
    dockerfile = read("FROM a\r\nRUN é 'ü' \\\r\n  # no\r\n\r\n\twg\\\r\net  \"😀 x\"y \\\r\n | b\r\n")
    found = script(dockerfile.instructions[1], dockerfile.source)
    assert [
        (w.value, place(dockerfile, w.start, w.end)) for c in found.commands for w in (c.name, *c.args)
    ] == [
        ("é", "2:5-2:6"),
        ("ü", "2:7-2:10"),
        ("wget", "5:2-6:3"),
        ("😀 xy", "6:5-6:11"),
        ("b", "7:4-7:5"),
    ]
    assert [place(dockerfile, c.start, c.end) for c in found.commands] == ["2:5-6:11", "7:4-7:5"]
    assert [place(dockerfile, *p) for p in found.pipelines] == ["2:5-7:5"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; b", []),
        ("a | b && c |& d | e", ["a | b", "c |& d | e"]),
        ("{ a; } | b", ["{ a; } | b"]),
        ("x=$(a | b)", ["a | b"]),
        ("a || b", []),
        ("sh -c 'a | b' | c", ["sh -c 'a | b' | c", "a | b"]),
        ('["sh", "-c", "a | b"]', ["a | b"]),
        ('["a", "|", "b"]', []),
        ("a '|' b", []),
    ],
)
def test_pipelines(text: str, expected: list[str]) -> None:
    dockerfile = read(f"FROM x\nRUN {text}")
    found = script(dockerfile.instructions[1], dockerfile.source)
    assert [dockerfile.source.text[start:end] for start, end in found.pipelines] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN <<EOF\na\n# no\nb \\\n  c\nEOF\n", [["a"], ["b", "c"]]),
        ("RUN <<EOF\r\na\r\nb \\\r\n c\r\nEOF\r\n", [["a"], ["b", "c"]]),
        ("RUN <<-EOF\n\tif a; then\n\t\tb\n\tfi\n\tEOF\n", [["a"], ["b"]]),
        ("RUN <<EOF\n#!/bin/bash -e\na\nEOF\n", [["a"]]),
        ("RUN <<EOF\n#!/usr/bin/env sh\na\nEOF\n", [["a"]]),
        ("RUN <<EOF\n#!/usr/bin/env -S bash -e\na\nEOF\n", [["a"]]),
        ("RUN <<EOF\n#!/usr/bin/env python3\nimport a\nEOF\n", []),
        ("RUN <<EOF\n#!/usr/bin/python\nimport a\nEOF\n", []),
        ("RUN cat <<EOF > /x && b\nrm -rf /\nEOF\n", [["cat"], ["b"]]),
        ("RUN python3 <<EOF\nimport a\nEOF\n", [["python3"]]),
        ("RUN bash -ex <<EOF\na\nEOF\n", [["bash", "-ex"], ["a"]]),
        ("RUN <<EOF sh\na\nEOF\n", [["sh"], ["a"]]),
        ("RUN bash -s x <<EOF\na\nEOF\n", [["bash", "-s", "x"], ["a"]]),
        ("RUN bash - <<EOF\na\nEOF\n", [["bash", "-"], ["a"]]),
        ("RUN bash -o pipefail <<EOF\na\nEOF\n", [["bash", "-o", "pipefail"], ["a"]]),
        ("RUN bash x.sh <<EOF\na\nEOF\n", [["bash", "x.sh"]]),
        ("RUN bash -c 'b' <<EOF\na\nEOF\n", [["bash", "-c", "b"], ["b"]]),
        ("RUN cat <<A && sh <<-'B'\nx\nA\n\ty\n\tB\n", [["cat"], ["sh"], ["y"]]),
        (
            "RUN <<EOF\ncat <<A <<B\nx\nA\ny\nB\nsh <<C && d\ne\nC\nf\nEOF\n",
            [["cat"], ["sh"], ["d"], ["e"], ["f"]],
        ),
        ('RUN <<EOF\nx="$(cat <<A\nit\'s\nA\n)"\na\nEOF\n', [["cat"], ["a"]]),
        (
            "RUN <<EOF\necho $((1<<2)) '<<A' \"<<B\" # <<C\na <<< b\nEOF\n",
            [["echo", "$((1<<2))", "<<A", "<<B"], ["a"]],
        ),
        ("RUN <<EOF\ncat <<A\nnever closed\nEOF\n", [["cat"]]),
        ("COPY <<EOF /x\na\nEOF\n", []),
        ("ONBUILD RUN <<EOF\na\nEOF\n", [["a"]]),
    ],
)
def test_heredocs(text: str, expected: list[list[str]]) -> None:
    assert commands(text) == expected


def test_places_in_heredocs() -> None:
    dockerfile = read("FROM a\nRUN <<-EOF\n\tb\n\tsh <<X\n\tc é d\n\tX\n\te\n\tEOF\n")
    found = script(dockerfile.instructions[1], dockerfile.source)
    assert [(c.name.value, place(dockerfile, c.start, c.end)) for c in found.commands] == [
        ("b", "3:2-3:3"),
        ("sh", "4:2-4:4"),
        ("c", "5:2-5:7"),
        ("e", "7:2-7:3"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('RUN ["a", "-b", "c d"]', [["a", "-b", "c d"]]),
        ('CMD ["sh", "-c", "a \\"b\\" && c"]', [["sh", "-c", 'a "b" && c'], ["a", "b"], ["c"]]),
        (
            'ENTRYPOINT ["/bin/bash", "-o", "pipefail", "-c", "a | b"]',
            [["/bin/bash", "-o", "pipefail", "-c", "a | b"], ["a"], ["b"]],
        ),
        ('ENTRYPOINT ["env", "sh", "-c", "a"]', [["env", "sh", "-c", "a"]]),
        ("CMD []", []),
        ("CMD a b", [["a", "b"]]),
        ("HEALTHCHECK --retries=3 CMD a || b", [["a"], ["b"]]),
        ('HEALTHCHECK CMD ["a", "b"]', [["a", "b"]]),
        ("HEALTHCHECK NONE", []),
        ("ONBUILD RUN a", [["a"]]),
        ("ONBUILD USER a", []),
        ('SHELL ["a"]', []),
        ("ENV a=$(b)", []),
    ],
)
def test_other_forms(text: str, expected: list[list[str]]) -> None:
    assert commands(text) == expected


def test_places_in_the_string_of_an_exec_form() -> None:
    dockerfile = read('FROM a\nCMD ["sh","-c", "b \\"c\\" \\\n\\u0064"]\n')
    found = script(dockerfile.instructions[1], dockerfile.source)
    assert [
        (w.value, place(dockerfile, w.start, w.end))
        for w in (found.commands[1].name, *found.commands[1].args)
    ] == [
        ("b", "2:18-2:19"),
        ("c", "2:20-2:24"),
        ("d", "3:1-3:2"),
    ]


def command(text: str) -> Command:
    (found,) = shell(f"RUN {text}").commands
    return found


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("a --yes", ("yes",), "--yes"),
        ("a --yes=x", ("yes",), "--yes=x"),
        ("a -qqy", ("y",), "-qqy"),
        ("a -qqy", ("q",), "-qqy"),
        ("a -nv", ("nv",), "-nv"),
        ("a -q=2", ("q",), "-q=2"),
        ("a -x --no -y", ("y", "yes"), "-y"),
        ("a --yes", ("y",), None),
        ("a -oDpkg::Any=y", ("y",), None),
        ("a -oDpkg::Any=y", ("o",), "-oDpkg::Any=y"),
        ("a y - --", ("y", "", "-"), None),
        ("a -- -y", ("y",), None),
    ],
)
def test_flag(text: str, names: tuple[str, ...], expected: str | None) -> None:
    found = command(text).flag(*names)
    assert (found and found.value) == expected


def test_any() -> None:
    found = command("apt-get -y 'install' b")
    assert found.any("remove", "install") == Word("install", found.args[1].start, found.args[1].end)
    assert found.any("b ") is None


@pytest.mark.parametrize(
    ("text", "valued", "expected"),
    [
        ("a install -y b --c d", (), ["install", "b", "d"]),
        ("a -t x b --target-release y c", ("-t", "--target-release"), ["b", "c"]),
        ("a --target-release=x b", ("--target-release",), ["b"]),
        ("a - b -- -c -t d", ("-t",), ["-", "b", "-c", "-t", "d"]),
        ("a b -t", ("-t",), ["b"]),
    ],
)
def test_positional(text: str, valued: tuple[str, ...], expected: list[str]) -> None:
    assert values(command(text).positional(*valued)) == expected


def test_a_subshell_in_a_subshell_is_no_arithmetic() -> None:
    text = "RUN (( find / -x | xargs rm )) && cd a"
    assert commands(text) == [["find", "/", "-x"], ["xargs", "rm"], ["cd", "a"]]
    assert shell(text).complete
    assert len(shell(text).pipelines) == 1
    assert commands("RUN (( a = 1 | 2 )) && cd b") == [["cd", "b"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN ((x | y) || z)", [["x"], ["y"], ["z"]]),
        ("RUN a && (((x | y) || z) && w) && b", [["a"], ["x"], ["y"], ["z"], ["w"], ["b"]]),
        ("RUN ((x && y); (z | w))", [["x"], ["y"], ["z"], ["w"]]),
        ("RUN ((i = (1 + 2) * 3)) && ((x | y) || z)", [["x"], ["y"], ["z"]]),
    ],
)
def test_subshells_that_begin_together(text: str, expected: list[list[str]]) -> None:
    assert commands(text) == expected
    assert shell(text).complete
    assert len(shell(text).pipelines) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN a `# c`b", [["a", "b"]]),
        ("RUN `# c`b c", [["b", "c"]]),
        ("RUN x `# c`; y `# c`|z", [["x"], ["y"], ["z"]]),
    ],
)
def test_a_comment_in_backquotes_is_empty_text_as_bash_reads_it(text: str, expected: list[list[str]]) -> None:
    assert commands(text) == expected


def test_the_heredoc_of_a_shell_is_a_script_with_options_of_its_own() -> None:
    text = "RUN bash -e <<EOF\nset -u\na | b\nsh <<E2\nc | d\nE2\nEOF\n"
    found = shell(text)
    whole = f"FROM base\n{text}"
    assert [whole[start:end] for start, end in found.pipelines] == ["a | b", "c | d"]
    assert [(shell.name.value, whole[start:end]) for start, end, shell in found.fed] == [
        ("bash", "set -u\na | b\nsh <<E2\nc | d\nE2\n"),
        ("sh", "c | d\n"),
    ]
    assert shell("RUN cat <<EOF\na | b\nEOF\n").fed == ()
