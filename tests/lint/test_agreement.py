"""hadolint as the oracle on the project's own Dockerfiles: what it finds we find, or the page of differences says why not.

`benchmarks/lint_agreement.py` does the same for any folder of Dockerfiles.
"""

from __future__ import annotations

import json
import re
import subprocess
from bisect import bisect_right
from collections import Counter
from pathlib import Path

import pytest

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.source import source
from secpipe.lint.examples import examples
from secpipe.lint.options import Options
from secpipe.lint.rules import known_codes
from tests.lint.support import findings
from tests.support.hadolint import HADOLINT, needs_hadolint

PAGE = (Path(__file__).parents[2] / "docs" / "differences-from-hadolint.md").read_text()
EXPLAINED = (
    "\n".join(re.findall(r"^## DL.*", PAGE, re.MULTILINE))
    + PAGE[PAGE.index("## Everywhere") : PAGE.index("\n## DL")]
)
"""The headings of the rules that differ, and what differs for all of them."""
CODES = [code for code in known_codes() if code.startswith("DL")]


def collection() -> list[str]:
    """Every example of every rule."""
    return [
        text
        for code in known_codes()
        for text in (*examples(code).good, *(bad.dockerfile for bad in examples(code).bad))
    ]


def ours(text: str) -> set[tuple[int, str]]:
    """What we find, at the first line of the instruction, where hadolint puts it."""
    dockerfile = parse(source(text, "Dockerfile"))
    starts = [dockerfile.source.region(i.start, i.start).line for i in dockerfile.instructions]
    found = findings(text, options=Options(select=frozenset({"hadolint"})))
    lines = ((bisect_right(starts, f.region.line) - 1, f) for f in found)
    return {(starts[index] if index >= 0 else f.region.line, f.code) for index, f in lines}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[int, str]]]:
    folder = tmp_path_factory.mktemp("collection")
    texts = dict(enumerate(collection()))
    for number, text in texts.items():
        (folder / str(number)).write_bytes(text.encode())
    found: dict[str, set[tuple[int, str]]] = {}
    pending = [[str(number) for number in texts]]
    while pending:
        names = pending.pop()
        done = subprocess.run(
            [str(HADOLINT), "--no-fail", "-f", "json", *names], cwd=folder, capture_output=True
        )
        if done.stdout:
            for name in names:
                found[texts[int(name)]] = set()
            for entry in json.loads(done.stdout):
                found[texts[int(entry["file"])]].add((entry["line"], entry["code"]))
        elif len(names) > 1:
            # It crashes on some and then says nothing about any.
            pending += [names[::2], names[1::2]]
    return found


@needs_hadolint
def test_what_hadolint_finds_we_find(theirs: dict[str, set[tuple[int, str]]]) -> None:
    shared: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for text, found in theirs.items():
        if any(code == "DL1000" for _, code in found):
            continue
        own = ours(text)
        for line, code in found:
            if code in CODES:
                (shared if (line, code) in own else missing)[code] += 1
    assert len(shared) >= 55
    # Many examples stand exactly where hadolint is wrong; on Dockerfiles of the world the share is above 99 %.
    assert shared.total() / (shared.total() + missing.total()) >= 0.8
    unexplained = [code for code in missing if code not in EXPLAINED]
    assert not unexplained, {code: missing[code] for code in unexplained}
