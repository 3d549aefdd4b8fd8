"""`--fix`, `--diff` and `--unsafe-fixes` as a user meets them: streams and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import secpipe

SAFE = "FROM debian:12.5\nMAINTAINER b\nUSER 1000\n"
DONE = 'FROM debian:12.5\nLABEL org.opencontainers.image.authors="b"\nUSER 1000\n'
UNSAFE = "FROM debian:12.5\nRUN apt-get install -y a=1\nUSER 1000\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(SAFE)
    return tmp_path / "Dockerfile"


def test_fix_ends_with_the_code_of_what_remains(file: Path) -> None:
    result = secpipe("lint", "--fix", "--select", "hadolint", file)
    assert (result.code, result.stdout) == (0, "no findings in 1 file\n")
    assert result.stderr == "fixed 1 finding in 1 file\n"
    assert file.read_text() == DONE


def test_unsafe_fixes_are_counted_and_then_made(file: Path) -> None:
    file.write_text(UNSAFE)
    first = secpipe("lint", "--fix", "--select", "hadolint", file)
    assert (first.code, first.stderr) == (1, "fixed 0 findings in 0 files; 1 more with --unsafe-fixes\n")
    assert file.read_text() == UNSAFE
    second = secpipe("lint", "--fix", "--unsafe-fixes", "--select", "hadolint", file)
    assert (second.code, second.stderr) == (0, "fixed 1 finding in 1 file\n")
    assert "install --no-install-recommends -y" in file.read_text()


def test_a_diff_changes_nothing_and_fails(file: Path) -> None:
    for more in ([], ["--fix"]):
        result = secpipe("lint", "--diff", *more, "Dockerfile", cwd=file.parent)
        assert result.code == 1
        assert result.stdout.startswith("--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,3 +1,3 @@\n")
        assert result.stderr == "would fix 1 finding in 1 file\n"
        assert file.read_text() == SAFE


def test_without_a_difference_a_diff_says_what_the_lint_says(file: Path) -> None:
    file.write_text("FROM debian:12.5\nUSER 1000\n")
    assert secpipe("lint", "--diff", "--select", "hadolint", file).code == 0
    file.write_text("FROM debian\n")
    assert secpipe("lint", "--diff", "--select", "hadolint", file).code == 1


def test_the_fixed_standard_input_goes_to_standard_output(file: Path) -> None:
    result = secpipe("lint", "--fix", "--select", "hadolint", "-", stdin=SAFE)
    assert (result.code, result.stdout) == (0, DONE)
    assert result.stderr == "fixed 1 finding in 1 file\n"
    assert "+++ b/stdin" in secpipe("lint", "--diff", "-", stdin=SAFE).stdout


def test_reports_still_go_to_files(file: Path) -> None:
    report = file.parent / "report.json"
    result = secpipe("lint", "--diff", "--select", "hadolint", "-o", f"json={report}", file)
    assert result.stdout.startswith("--- a/")
    assert '"DL4000"' in report.read_text()


def test_a_file_that_cannot_be_written_is_not_clean(file: Path) -> None:
    file.chmod(0o444)
    result = secpipe("lint", "--fix", "--no-fail", file)
    assert result.code == 3
    assert "not fixed: it is read-only" in result.stderr


def test_unsafe_fixes_alone_are_a_slip(file: Path) -> None:
    result = secpipe("lint", "--unsafe-fixes", file)
    assert (result.code, result.stdout) == (2, "")
    assert "add --fix or --diff" in result.stderr
