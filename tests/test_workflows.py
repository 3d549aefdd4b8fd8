"""The files of GitHub, as the programs that check such files see them, where these are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def program(name: str) -> str:
    """Where a program is, beside this Python or on the PATH; the test is skipped, with a word, when nowhere."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: the workflows were not checked with it")
    return found


def checked(*command: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_has_nothing_to_say() -> None:
    checked(program("zizmor"), "--offline", "--no-progress", "--persona", "pedantic", ".github", "action.yml")


def test_actionlint_has_nothing_to_say() -> None:
    checked(program("actionlint"), *WORKFLOWS)


CHECKED = {
    "github-workflows": WORKFLOWS,
    "github-actions": [ROOT / "action.yml"],
    "dependabot": [ROOT / ".github" / "dependabot.yml"],
}


@pytest.mark.parametrize("schema", CHECKED)
def test_the_schemas_agree(schema: str) -> None:
    checked(program("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *CHECKED[schema])
