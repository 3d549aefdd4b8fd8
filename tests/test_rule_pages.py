"""docs/rules is what rules/ says: `make docs` writes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from secpipe.lint.rules import known_codes
from secpipe.model.lint import rule_url

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "rules"


def test_the_pages_are_those_of_the_rules(tmp_path: Path) -> None:
    (tmp_path / "DL0000.md").write_text("a rule that is no more")
    subprocess.run([sys.executable, ROOT / "scripts" / "rules.py", tmp_path], check=True)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in PAGES.iterdir()}
    stale = sorted(name for name in written.keys() | kept.keys() if written.get(name) != kept.get(name))
    assert not stale, "run make docs"


def test_every_rule_is_in_the_index_and_its_link_leads_to_its_page() -> None:
    index = (PAGES / "README.md").read_text()
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.MULTILINE) == list(known_codes())
    for code in known_codes():
        assert (ROOT / rule_url(code).partition("/blob/main/")[2]).is_file()
