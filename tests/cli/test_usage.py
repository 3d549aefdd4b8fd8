"""A wrong command line: a line that says what, a line that says what next, exit 2, for every command alike."""

from __future__ import annotations

import pytest

from tests.support.cli import secpipe


@pytest.mark.parametrize(
    ("arguments", "what", "next_step"),
    [
        (["scan", "x", "--fail-on", "hihg"], "--fail-on hihg: no such value", "did you mean high?"),
        (["scan", "x", "--fail-on", "zzz"], "--fail-on zzz", "use one of any, negligible, low"),
        (["scan", "x", "--fial-on", "high"], "scan: no such option: --fial-on", "did you mean --fail-on?"),
        (["lint", "-q", "x"], "lint: no such option: -q", "run: secpipe lint --help"),
        (["lnt", "x"], "secpipe: no such command: lnt", "did you mean lint?"),
        (["--debug", "scna"], "secpipe: no such command: scna", "did you mean scan?"),
        (["qqqq"], "no such command: qqqq", "the commands are"),
        (["db", "stauts"], "secpipe db: no such command: stauts", "did you mean status?"),
        (["scan", "-f", "json"], "secpipe scan: TARGET is missing", "run: secpipe scan --help"),
        (["db", "build", "--db", "x"], "PATH… is missing", "run: secpipe db build --help"),
        (["scan", "x", "--db"], "'--db' requires an argument", "--help"),
        (["scan", "x", "--insecure=1"], "'--insecure' does not take a value", "--help"),
        (["scan", "x", "y"], "unexpected extra argument", "run: secpipe scan --help"),
        (["scan", "x", "--max-db-age", "-1"], "--max-db-age: -1 is not in the range", "--help"),
        (["scan", "x", "--max-db-age", "week"], "--max-db-age: 'week' is not a valid int", "--help"),
        (["scan", "x", "--\x1b[31m"], "no such option: --\\x1b[31m", "--help"),
    ],
)
@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "", "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "20"}])
def test_two_lines(arguments: list[str], what: str, next_step: str, env: dict[str, str]) -> None:
    result = secpipe(*arguments, env=env)
    if "--debug" not in arguments:
        lines = result.stderr.splitlines()
        assert [line.partition(": ")[0] for line in lines] == ["error", "hint"]
    assert what in result.stderr.splitlines()[-2]
    assert next_step in result.stderr.splitlines()[-1]
    assert (result.code, result.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [[], ["lint"], ["scan"], ["db"], ["db", "build"]])
def test_without_arguments_the_help(arguments: list[str]) -> None:
    result = secpipe(*arguments)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.lower().startswith("usage: secpipe")
    assert len(result.stderr.splitlines()) > 5
    asked = secpipe(*arguments, "--help")
    assert (asked.code, asked.stderr) == (0, "")
    assert asked.stdout.strip() == result.stderr.strip()
