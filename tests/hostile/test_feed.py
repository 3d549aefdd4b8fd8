"""Advisories from somebody who would rather have images pass, or the program fail."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tests.hostile.attack import IMAGE, MIB, Program, as_layout, cheap
from tests.support.advisories import record

GOOD = record("DSA-1", "Debian:12", "openssl", "3.0.11-1")


def build(program: Program, folder: Path, members: dict[str, bytes]) -> Any:
    """`db build` from a zip of these members, into a database in the folder."""
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return cheap(program.run(["db", "build", str(folder / "all.zip"), "--db", str(folder / "db" / "a")]))


def test_records_that_inflate_without_end(program: Program, tmp_path: Path) -> None:
    """They are left out and told, and a scan that they may concern cannot decide."""
    outcome = build(program, tmp_path, {"1.json": json.dumps(GOOD).encode(), "2.json": b" " * (200 * MIB)})
    assert outcome.code == 3
    assert "2.json" in outcome.stderr
    database = str(tmp_path / "db" / "a")
    scan = program.run(["scan", as_layout(IMAGE, tmp_path), "--db", database, "-f", "json", "--no-cache"])
    assert "incomplete-advisories" in scan.problems


def test_names_that_lead_out(program: Program, tmp_path: Path) -> None:
    """A record's name in the zip is shown and never opened."""
    (tmp_path / "zip").mkdir()
    names = ["../../../out.json", "/etc/out.json", "a\x1b[31m\nb.json", "C:\\out.json"]
    members = {name: json.dumps({**GOOD, "id": f"X-{number}"}).encode() for number, name in enumerate(names)}
    outcome = build(program, tmp_path / "zip", {**members, "\x1b]0;x\x07.json": b"{"})
    assert outcome.code == 3
    assert "\x1b" not in outcome.stderr
    assert "\x07" not in outcome.stderr
    inside = (tmp_path / "zip" / "db").resolve()
    assert all(Path(path).resolve().is_relative_to(inside) for path in outcome.written), outcome.written
    assert not list(tmp_path.rglob("out.json"))


def test_records_that_are_none(program: Program, tmp_path: Path) -> None:
    """Every one is told; those beside them are used."""
    bad = [
        b"[" * 100_000,
        b'{"id": "X", "affected": ' + b"[" * 5000,
        b"\xff\xfe",
        b"",
        b"null",
        json.dumps({**GOOD, "modified": "NaN", "affected": "all"}).encode(),
        json.dumps({**GOOD, "id": 7}).encode(),
    ]
    members = {f"{number}.json": data for number, data in enumerate(bad)}
    outcome = build(program, tmp_path, {**members, "good.json": json.dumps(GOOD).encode()})
    assert outcome.code == 3
    assert outcome.stderr.count(".json") == len(bad)
    assert (tmp_path / "db" / "a" / "manifest.json").is_file()


def test_texts_that_drive_a_terminal(program: Program, tmp_path: Path) -> None:
    """What a record says reaches no terminal as it is."""
    steering = "\x1b[2J\x1b]0;owned\x07\u202e"
    lying = {
        **GOOD,
        "id": f"DSA-2{steering}",
        "aliases": [f"CVE-{steering}"],
        "summary": steering,
        "references": [{"type": "ADVISORY", "url": f"https://x/{steering}"}],
        "severity": [{"type": "CVSS_V3", "score": steering}],
    }
    build(program, tmp_path, {"1.json": json.dumps(lying).encode(), "2.json": json.dumps(GOOD).encode()})
    database = str(tmp_path / "db" / "a")
    for form in ("tty", "sarif", "json"):
        outcome = cheap(
            program.run(
                ["scan", as_layout(IMAGE, tmp_path / form), "--db", database, "-f", form, "--no-cache"]
            )
        )
        assert outcome.code in (1, 3)
        for character in "\x1b\x07\u202e":
            assert character not in outcome.stdout + outcome.stderr
