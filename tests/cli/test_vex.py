"""`secpipe vex` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.cli import secpipe


def test_it_writes_what_the_ignore_file_states(tmp_path: Path) -> None:
    (tmp_path / ".secpipe-ignore.yaml").write_text(
        "- {id: CVE-1, reason: r, justification: component_not_present}\n- {id: CVE-2, reason: r, path: x}\n"
    )
    done = secpipe("vex", "app:1.2", "--author", "team", cwd=tmp_path)
    assert done.code == 0
    assert [one["vulnerability"]["name"] for one in done.json["statements"]] == ["CVE-1"]
    assert "unstated-ignore: .secpipe-ignore.yaml:2: CVE-2 is left out" in done.stderr
    saved = secpipe("vex", "--product", "pkg:oci/app", "--author", "team", "-o", "v.json", cwd=tmp_path)
    assert saved.stdout == ""
    assert json.loads((tmp_path / "v.json").read_text())["author"] == "team"


def test_errors(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("- {id: CVE-1, reason: r}\n")
    nobody = secpipe("vex", "app:1.2", "--ignore-file", "f.yaml", cwd=tmp_path)
    assert (nobody.code, nobody.stdout) == (2, "")
    assert "say who does: --author" in nobody.stderr
    blank = secpipe("vex", "app:1.2", "--author", " ", "--ignore-file", "f.yaml", cwd=tmp_path)
    assert (blank.code, blank.stdout) == (2, "")
    nothing = secpipe("vex", "--author", "a", "--ignore-file", "f.yaml", cwd=tmp_path)
    assert nothing.code == 2
    assert "there is nothing to state: f.yaml:1: CVE-1 is left out: it names no package" in nothing.stderr
    wrong = secpipe("vex", "APP:1", "--author", "a", "--ignore-file", "f.yaml", cwd=tmp_path)
    assert wrong.code == 2
