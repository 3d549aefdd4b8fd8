"""The parts that checks are made of: mounts, image names, shells, package arguments, paths."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.mounts import Mount, mounts
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.source import source
from secpipe.lint.check import listed
from secpipe.lint.image import ImageName, split
from secpipe.lint.mounts import covers, keep_out, kept_out
from secpipe.lint.packages import literal
from secpipe.lint.shell import Shell, sets_pipefail
from tests.lint.support import lines


def mounts_of(flags: str) -> tuple[Mount, ...]:
    dockerfile = parse(source(f"FROM a:1\nRUN {flags} true\n", "f"))
    return mounts(dockerfile.instructions[1])


def test_several_mounts() -> None:
    found = mounts_of("--mount=type=cache,target=/a --network=none --mount=type=tmpfs,target=/b")
    assert kept_out(found) == ("/a", "/b")
    assert keep_out(found, "/a/b")
    assert keep_out(found, "/b")
    assert not keep_out(found, "/ab")
    assert not keep_out(mounts_of("--mount=target=/a"), "/a")
    assert keep_out(mounts_of("--mount=TYPE=Cache,Dst=/a"), "/a/c")


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        ("/", "/a", True),
        ("/a/", "/a", True),
        ("/a/../b", "/b/c", True),
        ("/a", "/ab", False),
        ("/a/b", "/a", False),
    ],
)
def test_covers(folder: str, path: str, expected: bool) -> None:
    assert covers(folder, path) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian", ImageName("debian", None, None)),
        ("debian:12", ImageName("debian", "12", None)),
        ("debian:", ImageName("debian", "", None)),
        ("localhost:5000/x", ImageName("localhost:5000/x", None, None)),
        ("localhost:5000/x:1@sha256:ab", ImageName("localhost:5000/x", "1", "sha256:ab")),
        ("x@sha256:ab", ImageName("x", None, "sha256:ab")),
        ("${A:-b}", ImageName("${A:-b}", None, None)),
        ("${A:-b}:${C:-d}", ImageName("${A:-b}", "${C:-d}", None)),
    ],
)
def test_image_names(text: str, expected: ImageName) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(
    ("words", "program", "windows", "pipefail"),
    [
        ((), "sh", False, False),
        (("/bin/bash", "-c"), "bash", False, False),
        (("bash", "-euxo", "pipefail", "-c"), "bash", False, True),
        (("/usr/local/bin/zsh", "-o", "errexit", "-o", "pipefail", "-c"), "zsh", False, True),
        (("C:\\Windows\\System32\\CMD.EXE", "/S", "/C"), "cmd", True, False),
        (("pwsh", "-Command"), "pwsh", True, False),
        (("bash", "--posix", "pipefail"), "bash", False, False),
        (("bash", "-c", "set -o pipefail"), "bash", False, False),
    ],
)
def test_shells(words: tuple[str, ...], program: str, windows: bool, pipefail: bool) -> None:
    shell = Shell(words)
    assert (shell.program, shell.is_windows, shell.pipefail) == (program, windows, pipefail)


def test_the_last_switch_counts() -> None:
    assert sets_pipefail(["-o", "pipefail", "+o", "pipefail"]) is False
    assert sets_pipefail(["-e"]) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [("a=1", "a=1"), ("$(b /c)=1", "=1"), ("x$(a $(b =1))y", "xy"), ("`a=1`", ""), ("$(", "$(")],
)
def test_words_without_substitutions(word: str, expected: str) -> None:
    assert literal(word) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["a"], "`a`"), (["a", "b"], "`a` and `b`"), (["a", "b", "a", "c"], "`a`, `b` and `c`")],
)
def test_words_in_messages(words: list[str], expected: str) -> None:
    assert listed(words) == expected


@pytest.mark.parametrize(
    ("cleaning", "cleaned"),
    [
        ("rm -rf /var/lib/apt/lists/*", True),
        ("rm -r /var/lib/apt/lists", True),
        ("rm /var/lib/apt/lists/*_*", True),
        ("rm -rf /var/lib/apt/lists/partial/../*", True),
        ("rm -rf -- '/var/lib/apt/'", True),
        ("rm -rf /var/{cache,lib}/apt", True),
        ("rm -rf /var/lib/*", True),
        ('rm -rf "${root}/var/lib/apt/lists"', True),
        ("find /var/lib/apt/lists -type f -delete", True),
        ("find /var/lib/apt/lists -type f", False),
        ("apt-get dist-clean", True),
        ("apt-get clean", False),
        ("rm -rf /tmp/*", False),
        ("rm -rf /*.tar", False),
        ("rm -rf /var/lib/apt/list", False),
        ("rm -rf /var/lib/aptitude", False),
        ("echo /var/lib/apt/lists", False),
        ("rm -rf $unset", False),
    ],
)
def test_what_removes_the_package_lists(cleaning: str, cleaned: bool) -> None:
    assert lines(f"FROM debian:12\nRUN apt-get update && {cleaning}\n", "DL3009") == ([] if cleaned else [2])
