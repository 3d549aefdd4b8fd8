"""`secpipe rules`: the catalogue, one rule's page, and codes that are none."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from secpipe.lint.rules import known_codes, rule
from tests.support.cli import secpipe

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/rules.schema.json").read_text())


def test_the_catalogue_has_a_line_a_rule() -> None:
    result = secpipe("rules")
    assert (result.code, result.stderr) == (0, "")
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["CODE", "LEVEL", "ON", "FIX", "SUMMARY"]
    assert [line.split()[0] for line in lines] == list(known_codes())
    for line in lines:
        code, level, on, _, summary = line.split(None, 4)
        known = rule(code)
        assert (level, on, summary) == (str(known.level), "on" if known.enabled else "off", known.summary)


def test_what_can_be_fixed_is_what_the_checks_fix() -> None:
    fixes = {item["code"]: item["fix"] for item in secpipe("rules", "-f", "json").json}
    assert fixes["DL3009"] == "safe"
    assert fixes["DL3004"] == "unsafe"
    assert fixes["DL3008"] is None


def test_beginnings_choose() -> None:
    lines = secpipe("rules", "dl400", "SP").stdout.splitlines()[1:]
    wanted = [code for code in known_codes() if code.startswith(("DL400", "SP"))]
    assert [line.split()[0] for line in lines] == wanted


def test_the_page_of_a_rule_says_it_all() -> None:
    result = secpipe("rules", "dl3008")
    known = rule("DL3008")
    text = " ".join(result.stdout.split())
    for part in (known.code, known.name, known.summary, known.rationale, known.remedy, known.url):
        assert part in text
    lines = result.stdout.splitlines()
    bad = lines.index("Bad")
    assert lines[bad + 3].index("^^^^") == lines[bad + 2].index("curl")
    assert {"Good", "See", "  secpipe lint --ignore DL3008"} <= set(lines)


@pytest.mark.parametrize("code", known_codes())
def test_every_page_can_be_written(code: str) -> None:
    from secpipe.cli.rules import _page
    from secpipe.pipeline.rules import page

    lines = list(_page(page(code), 80))
    assert "Bad" in lines
    assert any(set(line.strip()) == {"^"} for line in lines), "the bad example shows where"
    assert "\x1b" not in "".join(lines)


def test_several_codes_and_shellchecks() -> None:
    text = secpipe("rules", "SC2086", "DL3000").stdout
    assert text.index("DL3000 ") < text.index("SC2086 ")
    assert "https://www.shellcheck.net/wiki/SC2086" in text


def test_json_follows_the_published_schema() -> None:
    for args in ([], ["DL3026", "SC2086"], ["SP"]):
        jsonschema.validate(secpipe("rules", "-f", "json", *args).json, SCHEMA)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("DL30008", "did you mean DL300"),
        ("DL3080", "DL3008"),
        ("SC20", "SC2086"),
        ("nonsense", "secpipe rules"),
        ("", "secpipe rules"),
    ],
)
def test_what_is_no_rule_is_an_error(word: str, hint: str) -> None:
    result = secpipe("rules", "DL3000", word)
    assert (result.code, result.stdout) == (2, "")
    assert hint in result.stderr


def test_an_unknown_format_is_an_error() -> None:
    assert secpipe("rules", "-f", "xml").code == 2


def test_a_terminal_gets_lines_that_fit() -> None:
    leader, follower = pty.openpty()
    env = {**os.environ, "COLUMNS": "60"}
    command = [sys.executable, "-m", "secpipe", "rules", "DL306"]
    with subprocess.Popen(command, stdout=follower, env=env) as process:
        os.close(follower)
        data = b""
        while chunk := _read(leader):
            data += chunk
    os.close(leader)
    lines = data.decode().splitlines()
    assert process.returncode == 0
    assert max(map(len, lines[:-1])) <= 60
    assert any(line.endswith("…") for line in lines)


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 4096)
    except OSError:  # Linux' word for the other side being closed
        return b""
