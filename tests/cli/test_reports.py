"""`-f` and `-o`: which reports go where, and what cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from secpipe.cli._reports import destinations
from secpipe.errors import UsageError


@pytest.mark.parametrize(
    ("format", "outputs", "expected"),
    [
        (None, [], [("tty", None)]),
        ("json", ["sarif=a"], [("json", None), ("sarif", "a")]),
        ("json", ["a"], [("json", "a")]),
        (["json", "sarif"], ["a", "b"], [("json", "a"), ("sarif", "b")]),
        (["json", "sarif"], ["a"], [("sarif", None), ("json", "a")]),
        (["json"], ["a", "b"], [("json", "a"), ("json", "b")]),
        (["json"], ["sarif=b", "a"], [("sarif", "b"), ("json", "a")]),
        (None, ["json=-"], [("json", None)]),
        (None, ["json=-", "sarif=a"], [("json", None), ("sarif", "a")]),
        (None, ["gitlab_codeclimate=a"], [("tty", None), ("gitlab_codeclimate", "a")]),
        (None, ["json=a=b", "x-y=z"], [("json", "a=b"), ("tty", "x-y=z")]),
        (
            None,
            ["json=/dev/null", "sarif=/dev/null"],
            [("tty", None), ("json", "/dev/null"), ("sarif", "/dev/null")],
        ),
    ],
)
def test_places(
    format: str | list[str] | None, outputs: list[str], expected: list[tuple[str, str | None]]
) -> None:
    found = destinations("lint", format, outputs)
    assert [(name, file and str(file)) for name, file in found] == expected


@pytest.mark.parametrize("kind", ["lint", "scan"])
@pytest.mark.parametrize(
    ("format", "outputs"),
    [
        (None, ["json="]),
        (None, ["=x"]),
        (None, ["="]),
        (None, [""]),
        (None, ["json=same", "sarif=same"]),
        (None, ["json=same", "sarif=./sub/../same"]),
        (None, ["json=same", "same"]),
        (None, ["json=there", "sarif=link"]),
        (None, ["json=there", "sarif=hard"]),
        ("json", ["sarif=-"]),
        (["json", "sarif"], ["a", "b", "c"]),
        (["json", "sarif"], []),
        (None, ["json=-", "sarif=-"]),
    ],
)
def test_what_cannot_be_meant(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    format: str | list[str] | None,
    outputs: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "there").touch()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "hard").hardlink_to(tmp_path / "there")
    with pytest.raises(UsageError) as error:
        destinations(kind, format, outputs)  # type: ignore[arg-type]  # one of the two kinds
    assert error.value.hint


def test_a_default_gives_way() -> None:
    assert destinations("lint", None, [], ["json"]) == [("json", None)]
    assert destinations("lint", None, ["sarif=-"], ["json"]) == [("sarif", None)]
    assert destinations("lint", "sarif", [], ["json"]) == [("sarif", None)]


def test_a_format_is_no_file() -> None:
    with pytest.raises(UsageError) as error:
        destinations("lint", None, ["json"])
    assert error.value.message == "--output json: that is a format and no file"
    assert destinations("lint", None, ["./json"]) == [("tty", Path("json"))]
