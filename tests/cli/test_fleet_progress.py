"""The line that tells how far a run over a fleet is."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from secpipe.cli import _fleetprogress
from secpipe.fleet.plan import plan
from secpipe.fleet.run import Tally
from tests.fleet.test_plan import image


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fleet(**more: Any) -> Any:
    made = plan([image("1", ["base", "one"]), image("2", ["base"])], lambda key: False, lambda layer: False)
    return SimpleNamespace(plan=made, tally=Tally(layers=1, images=0, bytes=14), **more)


def test_nothing_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with _fleetprogress.followed(fleet()):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_line_that_is_wiped_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(_fleetprogress, "_INTERVAL", 0.01)
    with _fleetprogress.followed(fleet()):
        while "layers" not in terminal.getvalue():
            pass
    assert "layers 1/2, images 0/2, 14 B of 27 B" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[2K")
