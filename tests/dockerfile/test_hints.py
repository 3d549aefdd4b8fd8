"""The likely meaning of a slip is sought for the first faults of a file alone."""

from __future__ import annotations

import difflib

import pytest

from tests.dockerfile.support import complaints, read


def test_a_slip_is_told_with_what_was_meant() -> None:
    assert complaints("FROM a\nRNU x\n") == ["2:1-2:4 unknown instruction 'RNU'; is it RUN?"]
    (message,) = complaints("FROM a\nRUN --mont=type=cache x\n")
    assert "is it --mount?" in message


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\n" + "".join(f"FOO{number}BAR x\n" for number in range(3000)),
        "FROM a\nRUN " + "".join(f"--a{number}=1 " for number in range(3000)) + "a\n",
        "FROM a\n" + "".join(f"RUN --a{number}=1 x\n" for number in range(3000)),
    ],
)
def test_many_faults_are_all_told_and_few_are_searched_for(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    original = difflib.get_close_matches

    def counted(*arguments: object) -> list[str]:
        nonlocal calls
        calls += 1
        return original(*arguments)  # type: ignore[call-overload,no-any-return]  # handed on

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    assert len(read(text).problems) == 3000
    assert 0 < calls <= 200
