"""docs/differences-from-hadolint.md says the truth: about us always, about hadolint where it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lint.support import findings

PAGE = Path(__file__).parents[2] / "docs" / "differences-from-hadolint.md"
EXAMPLE = re.compile(r"```dockerfile\n(.*?)```\n    hadolint: ([^\n]*)\n    secpipe: ([^\n]*)\n", re.DOTALL)
HADOLINT = os.environ.get("HADOLINT") or shutil.which("hadolint")


def said(text: str) -> set[str]:
    return set() if text == "nothing" else set(text.split())


EXAMPLES = [
    pytest.param(text, said(theirs), said(ours), id=str(position))
    for position, (text, theirs, ours) in enumerate(EXAMPLE.findall(PAGE.read_text()), 1)
]


def about(found: set[str], *named: set[str]) -> set[str]:
    """What concerns the codes that the page names for this example."""
    codes = {place.partition(":")[0] for places in named for place in places}
    return {place for place in found if place.partition(":")[0] in codes}


def test_every_example_of_the_page_is_read() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```dockerfile")


@pytest.mark.parametrize(("text", "theirs", "ours"), EXAMPLES)
def test_what_we_say(text: str, theirs: set[str], ours: set[str]) -> None:
    assert theirs != ours
    assert about({f"{f.code}:{f.region.line}" for f in findings(text)}, theirs, ours) == ours


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
@pytest.mark.parametrize(("text", "theirs", "ours"), EXAMPLES)
def test_what_hadolint_says(text: str, theirs: set[str], ours: set[str]) -> None:
    assert HADOLINT
    done = subprocess.run(
        [HADOLINT, "-f", "json", "--no-fail", "-"], input=text.encode(), capture_output=True
    )
    found = {f"{f['code']}:{f['line']}" for f in json.loads(done.stdout)}
    assert about(found, theirs, ours) == theirs
