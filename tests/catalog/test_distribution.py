"""Which distribution an image is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog._distribution import PATHS, detect, parse_os_release
from secpipe.model.package import Distribution

ETC, USR, ALPINE, DEBIAN = PATHS


def detected(files: dict[str, str]) -> Distribution | None:
    return detect({path: text.encode() for path, text in files.items()}.get)


def short(files: dict[str, str]) -> tuple[str, str] | None:
    found = detected(files)
    return (found.id, found.version_id) if found else None


def test_os_release() -> None:
    text = (
        'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
    )
    assert detected({ETC: text}) == Distribution("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert detected({USR: text.replace("PRETTY_", "X")}) == Distribution("debian", "12", "Debian GNU/Linux")
    assert short({ETC: "ID=alpine\nVERSION_ID=3.18.4\n", USR: "ID=other\n"}) == ("alpine", "3.18.4")
    assert short({ETC: "", USR: "ID=other\n"}) == ("other", "")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=plain", "plain"),
        ('K="double quoted"', "double quoted"),
        ("K='single $quoted \\'", "single $quoted \\"),
        (r'K="a \"b\" \$c \\ \` \n"', r'a "b" $c \ ` \n'),
        (r"K=with\ space", "with space"),
        ("""K=mixed"two"'three'""", "mixedtwothree"),
        ("K=value # comment", "value"),
        ("K=", ""),
        ("K=''", ""),
        ("  K=indented  \r", "indented"),
        ('K="open', None),
        ("#K=comment", None),
        ("K", None),
        ("1K=x", None),
        ("export K=x", None),
        ("K=\x1b[31m", None),
    ],
)
def test_the_shell_subset(line: str, value: str | None) -> None:
    assert parse_os_release(line.encode()).get("K") == value


def test_later_assignments_win() -> None:
    assert parse_os_release(b"K=1\nK=2\n")["K"] == "2"


def test_edge_stays_verbatim() -> None:
    assert short({ETC: "ID=alpine\nVERSION_ID=3.21_alpha20240807\n"}) == ("alpine", "3.21_alpha20240807")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({ALPINE: "3.18.4\n"}, ("alpine", "3.18.4")),
        ({DEBIAN: "12.5\n"}, ("debian", "12")),
        ({DEBIAN: "trixie/sid\n"}, ("debian", "trixie/sid")),
        ({ETC: "ID=debian\n", DEBIAN: "13.0\n"}, ("debian", "13")),
        ({ETC: "ID=debian\nVERSION_CODENAME=forky\n", DEBIAN: "forky/sid\n"}, ("debian", "forky")),
        ({ETC: "ID=debian\n", DEBIAN: "trixie/sid\n"}, ("debian", "trixie/sid")),
        ({ETC: "ID=ubuntu\nVERSION_ID=22.04\n", DEBIAN: "bookworm/sid\n"}, ("ubuntu", "22.04")),
        ({ETC: "ID=arch\n", DEBIAN: "12\n"}, ("arch", "")),
        ({ETC: "ID=alpine\n", ALPINE: "3.20.0_alpha\n"}, ("alpine", "3.20.0_alpha")),
        ({ETC: "NAME=x\n", ALPINE: "3.9.6"}, ("alpine", "3.9.6")),
        ({ALPINE: ""}, None),
        ({}, None),
    ],
)
def test_fallbacks(files: dict[str, str], expected: tuple[str, str] | None) -> None:
    assert short(files) == expected


@given(st.binary(), st.binary(), st.binary())
def test_arbitrary_bytes_never_raise(first: bytes, second: bytes, third: bytes) -> None:
    found = detect({ETC: first, ALPINE: second, DEBIAN: third}.get)
    assert found is None or found.id.isprintable()
