"""docs/differences-from-hadolint.md says the truth: about us always, about hadolint where it is installed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from secpipe.lint.options import Options
from secpipe.model.lint import LintFinding
from secpipe.pipeline.lint import LintOptions, lint
from secpipe.pipeline.shellcheck import find
from tests.lint.support import findings
from tests.support.hadolint import HADOLINT, needs_hadolint

PAGE = Path(__file__).parents[2] / "docs" / "differences-from-hadolint.md"
EXAMPLE = re.compile(
    r"```dockerfile\n(.*?)```\n(?:    labels: ([^\n]*)\n)?    hadolint: ([^\n]*)\n    secpipe: ([^\n]*)\n",
    re.DOTALL,
)


def said(text: str) -> set[str]:
    return set() if text == "nothing" else set(text.split())


EXAMPLES = [
    pytest.param(text, labels.split(), said(theirs), said(ours), id=str(position))
    for position, (text, labels, theirs, ours) in enumerate(EXAMPLE.findall(PAGE.read_text()), 1)
]


def codes(*named: set[str]) -> list[str]:
    """The codes that the page names for this example."""
    return sorted({place.partition(":")[0] for places in named for place in places})


def about(found: set[str], *named: set[str]) -> set[str]:
    """What concerns these codes."""
    return {place for place in found if place.partition(":")[0] in codes(*named)}


def with_shellcheck(text: str, options: Options, folder: Path) -> Sequence[LintFinding]:
    """The findings in a Dockerfile, those of ShellCheck too."""
    if find() is None:
        pytest.skip("ShellCheck is not installed")
    (folder / "Dockerfile").write_text(text)
    report = lint([str(folder / "Dockerfile")], LintOptions(options, shellcheck="on"))
    assert not report.problems
    return report.findings


def test_every_example_of_the_page_is_read() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```dockerfile")


@pytest.mark.parametrize(("text", "labels", "theirs", "ours"), EXAMPLES)
def test_what_we_say(text: str, labels: list[str], theirs: set[str], ours: set[str], tmp_path: Path) -> None:
    assert theirs != ours
    schema = dict(label.split("=") for label in labels)
    options = Options(extend_select=frozenset(codes(theirs, ours)), label_schema=schema)
    if any(code.startswith("SC") for code in codes(theirs, ours)):
        told = with_shellcheck(text, options, tmp_path)
    else:
        told = findings(text, options=options)
    found = {f"{f.code}:{f.region.line}" for f in told}
    assert about(found, theirs, ours) == ours


@needs_hadolint
@pytest.mark.parametrize(("text", "labels", "theirs", "ours"), EXAMPLES)
def test_what_hadolint_says(text: str, labels: list[str], theirs: set[str], ours: set[str]) -> None:
    assert HADOLINT
    command = [HADOLINT, "-f", "json", "--no-fail", "-"]
    for label in labels:
        command += ["--require-label", label.replace("=", ":")]
    if "DL3057" in codes(theirs, ours):
        # Silent until it is given a level.
        command += ["--info", "DL3057"]
    done = subprocess.run(command, input=text.encode(), capture_output=True)
    found = {f"{f['code']}:{f['line']}" for f in json.loads(done.stdout)}
    assert about(found, theirs, ours) == theirs
