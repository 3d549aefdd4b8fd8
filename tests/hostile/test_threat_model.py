"""Every test that the threat model names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)?::(test_[a-z0-9_]+)`")


def test_the_tests_are_there() -> None:
    file = ""
    count = 0
    for match in NAMED.finditer(TEXT):
        file = match[1] or file
        assert f"\ndef {match[2]}(" in (ROOT / file).read_text(), match[0]
        count += 1
    assert count > 60
    assert len(re.findall("test_", TEXT)) >= count


def test_every_hostile_test_is_named_or_beside_one_that_is() -> None:
    for path in (ROOT / "tests" / "hostile").glob("test_*.py"):
        if path.name != Path(__file__).name:
            assert f"tests/hostile/{path.name}" in TEXT
