"""Platforms: parsing, and which entry of an index serves one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import UsageError
from secpipe.model.image import Descriptor, Platform
from secpipe.oci.platform import choose, fits, host, normalised, parse


def entries(*platforms: str) -> list[Descriptor]:
    """Descriptors whose digest is their position; an empty text is an entry without platform."""
    return [
        Descriptor("", str(number), 0, Platform(*text.split("/")) if text else None)
        for number, text in enumerate(platforms)
    ]


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AArch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("windows/amd64", "windows/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
    ],
)
def test_parse(text: str, platform: str) -> None:
    assert str(parse(text)) == platform


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux//v7"])
def test_no_platform(text: str) -> None:
    with pytest.raises(UsageError, match="no platform"):
        parse(text)


def test_all_is_for_commands_that_take_several() -> None:
    with pytest.raises(UsageError, match="one platform, not on all"):
        parse("all")


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse(str(parse(text))) == parse(text)


def test_the_host_is_linux() -> None:
    assert host().os == "linux"
    assert host() == normalised(host())


@pytest.mark.parametrize(
    ("wanted", "there", "position"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64", "linux/amd64"], 1),
        ("linux/amd64", ["windows/amd64", "linux/amd64/v1"], 1),
        ("linux/amd64", ["linux/amd64/v3", "linux/amd64/v2"], 1),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], 1),
        ("linux/amd64/v2", ["linux/amd64", "linux/amd64/v3"], 0),
        ("linux/arm64", ["linux/arm64/v8"], 0),
        ("linux/arm64/v8", ["linux/arm64"], 0),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm"], 1),
        ("linux/arm/v7", ["linux/arm", "linux/arm/v8"], 0),
        ("linux/arm/v6", ["linux/arm/v7"], None),
        ("linux/arm", ["linux/arm/v5", "linux/arm/v7"], 1),
        ("linux/arm", ["linux/arm/v7", "linux/arm"], 1),
        ("linux/s390x", ["linux/amd64"], None),
        ("linux/s390x", ["linux/amd64", "", ""], 1),
        ("linux/amd64", ["", "linux/x86_64"], 1),
        ("linux/amd64", [], None),
    ],
)
def test_choice(wanted: str, there: list[str], position: int | None) -> None:
    chosen = choose(entries(*there), Platform(*wanted.split("/")))
    assert (chosen.digest if chosen else None) == (None if position is None else str(position))


def test_fits() -> None:
    assert fits(Platform("linux", "arm", "v6"), Platform("linux", "arm", "v7"))
    assert not fits(Platform("linux", "arm", "v7"), Platform("linux", "arm", "v6"))
    assert fits(Platform("linux", "arm64", "v8"), Platform("linux", "arm64"))
    assert not fits(Platform("windows", "amd64"), Platform("linux", "amd64"))
