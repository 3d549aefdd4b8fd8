"""Modules are found by the names of their files."""

from __future__ import annotations

import pkgutil
import zipfile
from pathlib import Path

import secpipe.cli
import secpipe.lint.checks
import secpipe.report
from secpipe.model.modules import names


def test_they_are_what_python_finds() -> None:
    for package in (secpipe.lint.checks, secpipe.report, secpipe.cli):
        found = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]
        assert names(package.__path__) == sorted(found)


def test_in_an_archive_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("p/__init__.py", "")
        archive.writestr("p/one.py", "")
    assert names([f"{tmp_path}/a.zip/p"]) == ["one"]
