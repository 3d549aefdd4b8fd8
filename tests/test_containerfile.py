"""The Containerfile of secpipe itself keeps to what secpipe asks of others."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.cli import secpipe

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "Containerfile").read_text()


def test_our_own_lint_is_content() -> None:
    done = secpipe("lint", "--failure-threshold", "style", ROOT / "Containerfile")
    assert done.code == 0, done.stdout


def test_shellcheck_is_content() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("ShellCheck is not installed: the shell of the Containerfile was not checked")
    done = secpipe("lint", "--shellcheck", "on", ROOT / "Containerfile", env={"SECPIPE_SHELLCHECK": "on"})
    assert done.code == 0, done.stdout


def test_bases_are_pinned_and_the_user_is_a_number_that_is_not_root() -> None:
    bases = dict(re.findall(r"^ARG (\w+)=(.*)$", TEXT, re.MULTILINE))
    used = re.findall(r"^FROM \$\{(\w+)\}", TEXT, re.MULTILINE)
    assert set(used) == set(bases)
    assert not re.findall(r"^FROM (?!\$\{)", TEXT, re.MULTILINE)
    for base in bases.values():
        assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", base)
    assert re.findall(r"^USER (.*)$", TEXT, re.MULTILINE)[-1] == "65532:65532"


def test_the_build_gets_what_it_needs() -> None:
    """What a wheel is built from, and what is copied, must not be left out of the context."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    project = (ROOT / "pyproject.toml").read_text()
    needed = set(re.findall(r'"([^"]+)"', re.findall(r"only-include = \[(.*)\]", project)[0]))
    needed |= set(re.findall(r'shared-data\]\n"(\w+)"', project))
    needed |= {"pyproject.toml", "README.md", "LICENSE", "requirements"}
    assert needed == kept
