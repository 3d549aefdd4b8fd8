"""DL4006 where a shell reads its script from a heredoc."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.source import source
from secpipe.lint.engine import lint_dockerfile


@pytest.mark.parametrize(
    ("run", "line"),
    [
        ("bash <<EOF\na | b\nEOF", 4),
        ("bash -o pipefail <<EOF\na | b\nEOF", None),
        ("bash <<EOF\nset -o pipefail\na | b\nEOF", None),
        ("set -o pipefail && a | b && sh <<EOF\na | b\nEOF", 4),
        ("bash -o pipefail <<EOF | tee log\na | b\nEOF", 3),
        ("cat <<EOF >x\na | b\nEOF", None),
    ],
)
def test_its_own_options_decide(run: str, line: int | None) -> None:
    dockerfile = parse(source(f'FROM a:1\nSHELL ["/bin/bash", "-c"]\nRUN {run}\n', "Dockerfile"))
    found = [f.region.line for f in lint_dockerfile(dockerfile, pragmas(dockerfile)) if f.code == "DL4006"]
    assert found == ([] if line is None else [line])
