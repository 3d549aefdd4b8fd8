"""Fixing: right in every surrounding, nothing else touched, nothing left to do for a second run."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.ast import Dockerfile
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import Pragmas
from secpipe.dockerfile.source import source
from secpipe.lint import fix as module
from secpipe.lint.check import Edit
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.fix import Fixed, fixed
from secpipe.lint.options import Options
from secpipe.model.lint import Fix, LintFinding
from tests.lint.support import findings

FROM = "FROM debian:12.5\n"


def run(text: str, *codes: str, unsafe: bool = False) -> Fixed:
    options = Options(select=frozenset(codes)) if codes else None
    return fixed(source(text, "Dockerfile"), options, unsafe=unsafe)


def after(text: str, *codes: str, unsafe: bool = False) -> str:
    """What becomes of a stage on Debian."""
    text = run(FROM + text, *codes, unsafe=unsafe).text
    assert text.startswith(FROM)
    return text.removeprefix(FROM)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("RUN apt-get install a\n", "RUN apt-get install -y a\n"),
        ("RUN apt-get \\\n  install\\\n  a", "RUN apt-get \\\n  install -y\\\n  a"),
        ("RUN true; apt-get install;true", "RUN true; apt-get install -y;true"),
        ('RUN ["apt-get", "install"]', 'RUN ["apt-get", "install", "-y"]'),
        ("RUN sh -c \"apt-get 'install' a\"", "RUN sh -c \"apt-get 'install' -y a\""),
        ('RUN ["sh", "-c", "apt-get install a"]', 'RUN ["sh", "-c", "apt-get install -y a"]'),
        (
            'RUN ["sh", "-c", "apt-get \\"install\\" a"]',
            'RUN ["sh", "-c", "apt-get \\"install\\" a"]',
        ),
        ("RUN apt-get in\\\nstall a", "RUN apt-get in\\\nstall a"),
        ("RUN apt-get inst\\all a", "RUN apt-get inst\\all a"),
        ("RUN x=$(apt-get install a)", "RUN x=$(apt-get install -y a)"),
        ("RUN <<E\r\napt-get install a\r\nE\r\n", "RUN <<E\r\napt-get install -y a\r\nE\r\n"),
        ("RUN <<-E\n\tapt-get install\n\tE\n", "RUN <<-E\n\tapt-get install -y\n\tE\n"),
        ("ONBUILD RUN apt-get install a", "ONBUILD RUN apt-get install -y a"),
    ],
)
def test_an_argument_is_added_where_that_is_certain(before: str, expected: str) -> None:
    assert after(before, "DL3014") == expected


UPDATE = "apt-get update && apt-get install -y a"
REMOVE = "rm -rf /var/lib/apt/lists/*"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (f"RUN {UPDATE}", f"RUN {UPDATE} && {REMOVE}"),
        (f"RUN {UPDATE};\n", f"RUN {UPDATE} && {REMOVE};\n"),
        (f"RUN {UPDATE} \\\n  b\r\n", f"RUN {UPDATE} \\\n  b \\\n  && {REMOVE}\r\n"),
        (f"RUN {UPDATE} \\\r\n && b\r\n", f"RUN {UPDATE} \\\r\n && b \\\r\n && {REMOVE}\r\n"),
        (
            f"RUN {UPDATE} && \\\n    # why\n    b",
            f"RUN {UPDATE} && \\\n    # why\n    b && \\\n    {REMOVE}",
        ),
        (f"RUN {UPDATE} # why", f"RUN {UPDATE} # why"),
        (f"RUN {UPDATE} &", f"RUN {UPDATE} &"),
        (f"RUN {UPDATE} && exit 0", f"RUN {UPDATE} && exit 0"),
        (f"RUN sudo {UPDATE}", f"RUN sudo {UPDATE} && sudo {REMOVE}"),
        (f"RUN sudo -u a {UPDATE}", f"RUN sudo -u a {UPDATE}"),
        (f'RUN ["sh", "-c", "{UPDATE}"]', f'RUN ["sh", "-c", "{UPDATE} && {REMOVE}"]'),
        ('RUN ["apt-get", "update"]', 'RUN ["apt-get", "update"]'),
        (f"RUN <<E\n{UPDATE}\nE\n", f"RUN <<E\n{UPDATE} && {REMOVE}\nE\n"),
        (f"RUN <<E\nset -e\n  {UPDATE}\n\nE\n", f"RUN <<E\nset -e\n  {UPDATE}\n  {REMOVE}\n\nE\n"),
        (f"RUN <<E\n{UPDATE}\n# why\nE\n", f"RUN <<E\n{UPDATE}\n# why\nE\n"),
        (f"RUN {UPDATE} && cat <<E\na\nE\n", f"RUN {UPDATE} && cat <<E && {REMOVE}\na\nE\n"),
        (f"RUN {UPDATE}\nRUN apt-get install -y b\n", f"RUN {UPDATE}\nRUN apt-get install -y b\n"),
        ("RUN find / -exec apt-get update \\;", "RUN find / -exec apt-get update \\;"),
    ],
)
def test_a_command_is_added_at_the_end_in_the_style_of_the_run(before: str, expected: str) -> None:
    assert after(before, "DL3009", unsafe=True) == expected


def test_the_escape_character_is_that_of_the_file() -> None:
    head = '# escape=`\nFROM debian:12.5\nSHELL ["bash", "-c"]\n'
    result = run(f"{head}RUN {UPDATE} `\n    b\n", "DL3009")
    assert result.text == f"{head}RUN {UPDATE} `\n    b `\n    && {REMOVE}\n"


@pytest.mark.parametrize(
    ("before", "expected", "safe"),
    [
        ("CMD a -b 'c d' \"e's\"", 'CMD ["a", "-b", "c d", "e\'s"]', True),
        ("CMD a \\\n  # why\n  b", 'CMD ["a", \\\n  # why\n  "b"]', True),
        ("CMD exec a b", 'CMD ["a", "b"]', True),
        ("CMD ./a.sh", 'CMD ["./a.sh"]', False),
        ("HEALTHCHECK --retries=2 CMD a b", 'HEALTHCHECK --retries=2 CMD ["a", "b"]', True),
        ('ENTRYPOINT a\nCMD ["b"]', 'ENTRYPOINT ["a"]\nCMD ["b"]', False),
        *(
            (f"CMD {text}", f"CMD {text}", True)
            for text in ("a $b", "a && b", "A=b c", "cd /", "a *", "a >b", "a ~")
        ),
    ],
)
def test_the_exec_form_is_for_what_needs_no_shell(before: str, expected: str, safe: bool) -> None:
    assert after(before, "DL3025", unsafe=True) == expected
    assert after(before, "DL3025") == (expected if safe else before)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('MAINTAINER "A" $b \\c', 'LABEL org.opencontainers.image.authors="\\"A\\" \\$b \\\\c"'),
        ("maintainer 'A b'", 'label org.opencontainers.image.authors="A b"'),
        ("LABEL org.opencontainers.image.authors=a\nMAINTAINER b",) * 2,
    ],
)
def test_a_maintainer_becomes_a_label(before: str, expected: str) -> None:
    assert after(before, "DL4000") == expected


@pytest.mark.parametrize(
    ("image", "more", "option", "safe"),
    [
        ("alpine:3", "", "-q", True),
        ("alpine:3", "RUN apk add --no-cache \\\n    wget\n", "--progress=dot:giga", True),
        ("node:22-alpine", "", "-q", False),
        ("debian:12", "", "--progress=dot:giga", True),
        ("x:1", "RUN yum -y install a\n", "--progress=dot:giga", True),
        ("x:1", "", "--progress=dot:giga", False),
    ],
)
def test_the_wget_of_busybox_is_not_given_options_that_it_lacks(
    image: str, more: str, option: str, safe: bool
) -> None:
    text = f"FROM {image}\n{more}RUN wget http://a\n"
    fixed_text = text.replace("RUN wget", f"RUN wget {option}")
    assert run(text, "DL3047").text == (fixed_text if safe else text)
    assert run(text, "DL3047", unsafe=True).text == fixed_text


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("RUN busybox wget x && wget y", "RUN busybox wget -q x && wget --progress=dot:giga y"),
        ("RUN busybox \\\n  wget x", "RUN busybox \\\n  wget -q x"),
        ("RUN <<E\necho busybox\nwget x\nE", "RUN <<E\necho busybox\nwget --progress=dot:giga x\nE"),
    ],
)
def test_a_wget_that_is_called_by_way_of_busybox(before: str, expected: str) -> None:
    assert run(f"FROM debian:12\n{before}\n", "DL3047").text == f"FROM debian:12\n{expected}\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("USER app\nRUN sudo a\n", "USER app\nRUN sudo a\n"),
        ("USER $NAME\nRUN sudo a\n", "USER $NAME\nRUN sudo a\n"),
        ("RUN sudo a\nUSER app\nUSER 0:0\nRUN sudo b\n", "RUN a\nUSER app\nUSER 0:0\nRUN b\n"),
        ("USER app\nFROM debian:12.5\nRUN sudo a\n", "USER app\nFROM debian:12.5\nRUN a\n"),
    ],
)
def test_sudo_stays_where_the_user_is_not_root(before: str, expected: str) -> None:
    assert after(before, "DL3004", unsafe=True) == expected


def test_sudo_stays_where_the_base_has_another_user() -> None:
    text = "FROM debian:12.5 AS a\nUSER app\nFROM a AS b\nFROM b\nRUN sudo c\n"
    assert run(text, "DL3004", unsafe=True).text == text


def test_nothing_that_is_ignored_is_fixed() -> None:
    text = f"{FROM}# secpipe ignore=DL3014\nRUN apt-get install a\nRUN apt-get install b\n"
    assert run(text).text == text.replace("install b", "install -y b")
    assert fixed(source(text, "x"), Options(ignore=frozenset({"DL3014"}))).text == text


def test_fixes_that_need_each_other_take_several_rounds() -> None:
    result = run(f"{FROM}RUN apt update && apt install a\n", unsafe=True)
    assert result.text == (
        f"{FROM}RUN apt-get update && apt-get install -y --no-install-recommends a && {REMOVE}\n"
    )
    assert Counter(f.code for f in result.applied) == {"DL3027": 2, "DL3014": 1, "DL3015": 1, "DL3009": 1}


@pytest.mark.parametrize("text", [" && echo 'x", " -y\nRUN true", " | true #", " -y\n# a", " -y\nFROM x"])
def test_a_fix_that_does_more_than_it_should_is_dropped_alone(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def wrong(dockerfile: Dockerfile, pragmas: Pragmas, options: Options) -> list[LintFinding]:
        found = lint_dockerfile(dockerfile, pragmas, options)
        return [spoilt(f) if f.code == "DL3014" and f.region.line == 3 else f for f in found]

    def spoilt(finding: LintFinding) -> LintFinding:
        edits = tuple(edit._replace(text=text) for edit in finding.fix.edits) if finding.fix else ()
        return finding._replace(fix=Fix(edits))

    monkeypatch.setattr("secpipe.lint.fix.lint_dockerfile", wrong)
    result = run(f"{FROM}RUN apt-get install a\nRUN apt-get install b c\nRUN apt-get install d\n", "DL3014")
    assert (
        result.text == f"{FROM}RUN apt-get install -y a\nRUN apt-get install b c\nRUN apt-get install -y d\n"
    )
    assert [f.region.line for f in result.dropped] == [3]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.text("ab", max_size=3)), max_size=6))
def test_places_move_with_the_text(raw: list[tuple[int, int, str]]) -> None:
    text = "".join(chr(0x100 + i) for i in range(40))
    edits: list[Edit] = []
    for start, length, new in sorted(raw):
        if not edits or start > edits[-1].end:
            edits.append(Edit(start, start + length, new))
    move = module._Move(edits)
    new_text = move.text(text)
    for at, char in enumerate(text):
        if char in new_text:
            assert new_text[move.start(at)] == char
            assert new_text[move.end(at + 1) - 1] == char


WORDS = st.sampled_from(
    [
        "apt-get",
        "apt",
        "install",
        "update",
        "-y",
        "curl",
        "&&",
        ";",
        "|",
        "||",
        "\\\n",
        "\\\n  # why\n  ",
        "wget",
        "pip",
        "sudo",
        "apk",
        "add",
        "yum",
        "dnf",
        "zypper",
        "useradd",
        "-u",
        "123456",
        "'a b'",
        '"$x"',
        "$(",
        ")",
        "sh",
        "-c",
        "exit",
        "x.tar",
        "/b",
        "<<E",
        "yarn",
        "--no-cache",
        "#",
        "{",
        "}",
        "if",
        "then",
        "fi",
        "true",
        "é",
        "[",
        "]",
        '"a",',
        '"b"',
        "A=b",
        "\\",
    ]
)
LINES = st.tuples(
    st.sampled_from(
        [
            "RUN",
            "run",
            "ONBUILD RUN",
            "CMD",
            "ENTRYPOINT",
            "HEALTHCHECK CMD",
            "ADD",
            "COPY",
            "MAINTAINER",
            "WORKDIR",
            "LABEL",
            "ENV",
            "FROM",
            "FROM --platform=$TARGETPLATFORM",
            "# secpipe ignore=DL3014",
            "SHELL",
            "E",
            "USER",
            "RUN apt-get update &&",
        ]
    ),
    st.lists(WORDS, min_size=1, max_size=8).map(" ".join),
).map(" ".join)
FILES = st.tuples(
    st.sampled_from(["FROM debian:1", "FROM alpine", "# escape=`\nFROM a", ""]),
    st.lists(LINES, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
).map(lambda p: p[2].join([p[0], *p[1]]).replace("\n", p[2]).replace("\r\r", "\r") + (p[2] if p[3] else ""))


@given(FILES, st.booleans())
def test_a_second_run_changes_nothing_and_all_else_stays(text: str, unsafe: bool) -> None:
    once = run(text, unsafe=unsafe)
    twice = run(once.text, unsafe=unsafe)
    assert twice.text == once.text
    assert not twice.applied
    before, now = (parse(source(each, "Dockerfile")) for each in (text, once.text))
    assert [c.text for c in before.comments] == [c.text for c in now.comments]
    assert [i.stage for i in before.instructions] == [i.stage for i in now.instructions]
    assert len(now.problems) <= len(before.problems)
    assert list(once.remaining) == findings(once.text)
    if not once.applied:
        assert once.text == text


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    run("FROM a\n" + text, unsafe=True)
