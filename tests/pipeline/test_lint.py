"""The use case: many files, one report, one exit code; what cannot be linted costs the others nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from secpipe.dockerfile.ast import Dockerfile
from secpipe.errors import UsageError
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.options import Options
from secpipe.model.lint import LintReport
from secpipe.model.severity import Level
from secpipe.pipeline import lint as module
from secpipe.pipeline.lint import LintOptions, lint, renamed
from secpipe.pipeline.patterns import Patterns

CLEAN = "FROM debian:12\n"
WARNING = "FROM debian\n"
INFO = "FROM debian:12\nRUN apt-get install -y x=1\n"
HADOLINT = Options(select=frozenset({"hadolint"}))
BINARY = b"\x7fELF\0\0\0"


def write(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return [str(folder / name) for name in files]


def run(folder: Path, files: Mapping[str, str | bytes], *more: str, **options: object) -> LintReport:
    chosen = LintOptions(**{"rules": HADOLINT, "shellcheck": "off", **options})  # type: ignore[arg-type]  # named as there
    return lint([*write(folder, files), *more], chosen)


@pytest.mark.parametrize(
    ("text", "threshold", "code"),
    [
        (CLEAN, Level.IGNORE, 0),
        (WARNING, Level.IGNORE, 1),
        (WARNING, Level.WARNING, 1),
        (WARNING, Level.ERROR, 0),
        (INFO, Level.INFO, 1),
        (INFO, Level.WARNING, 0),
        ("NONSENSE\n", Level.ERROR, 1),
    ],
)
def test_the_threshold_decides_the_exit_code(tmp_path: Path, text: str, threshold: Level, code: int) -> None:
    assert run(tmp_path, {"f": text}, threshold=threshold).exit_code == code


def test_the_report(tmp_path: Path) -> None:
    report = run(tmp_path, {"b": WARNING, "a": INFO, "c": CLEAN})
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert report.files == (a, b, c)
    assert [(f.file, f.code) for f in report.findings] == [(a, "DL3015"), (b, "DL3006")]
    assert report.rules.keys() == {"DL3006", "DL3015"}
    assert report.sources == {a: ("FROM debian:12", "RUN apt-get install -y x=1", ""), b: ("FROM debian", "")}
    assert report.threshold is Level.INFO
    assert report.problems == ()


def test_ignored_rules(tmp_path: Path) -> None:
    report = run(
        tmp_path, {"f": WARNING}, rules=Options(select=HADOLINT.select, ignore=frozenset({"DL3006"}))
    )
    assert (report.findings, report.exit_code) == ((), 0)


@pytest.mark.parametrize(
    ("files", "missing", "code"),
    [
        ({"f": BINARY}, False, 3),
        ({"f": BINARY, "g": WARNING}, False, 1),
        ({"f": CLEAN}, True, 2),
        ({"f": WARNING}, True, 1),
        ({"f": BINARY}, True, 2),
    ],
)
def test_problems_and_findings_together(
    tmp_path: Path, files: dict[str, str | bytes], missing: bool, code: int
) -> None:
    report = run(tmp_path, files, *([str(tmp_path / "missing")] if missing else []))
    assert report.exit_code == code
    expected = {"binary-file"} if BINARY in files.values() else set()
    assert {p.code for p in report.problems} == expected | ({"no-such-file"} if missing else set())
    assert len(report.files) == sum(content != BINARY for content in files.values())


def test_a_comment_that_ignores_what_is_no_rule_is_told_and_fails_nothing(tmp_path: Path) -> None:
    text = "FROM debian:12\n# hadolint ignore=DL3OO8,SC2086,DL3003\nRUN true\n"
    report = run(tmp_path, {"f": text})
    (problem,) = report.problems
    assert report.exit_code == 0
    assert problem.code == "unknown-rule"
    assert problem.message == f"{tmp_path / 'f'}:2:19: a comment ignores DL3OO8, which is no rule"
    assert problem.hint == "did you mean DL3008?"


def test_a_comment_that_was_meant_to_ignore_is_told_and_fails_nothing(tmp_path: Path) -> None:
    report = run(tmp_path, {"f": "FROM debian:12\n# hadolint ignre=DL3008\nRUN true\n"})
    (problem,) = report.problems
    assert (report.exit_code, problem.code) == (0, "unknown-rule")
    assert problem.message == f"{tmp_path / 'f'}:2:1: a comment names rules and does not ignore them"
    assert problem.hint == "did you mean # hadolint ignore=DL3008?"


def test_many_codes_that_are_no_rules_are_told_together(tmp_path: Path) -> None:
    codes = ",".join(f"XX{number}" for number in range(5000))
    report = run(tmp_path, {"f": f"FROM debian:12\n# hadolint ignore={codes}\nRUN true\n"})
    assert (report.exit_code, len(report.problems)) == (0, 101)
    assert sum("ignore 4900 more" in problem.message for problem in report.problems) == 1


def test_a_defect_in_one_file_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(dockerfile: Dockerfile, *rest: object) -> list[object]:
        if dockerfile.source.name.endswith("bad"):
            raise RecursionError("too deep")
        return lint_dockerfile(dockerfile, *rest)  # type: ignore[arg-type,return-value]  # handed on

    monkeypatch.setattr(module, "lint_dockerfile", broken)
    report = run(tmp_path, {"bad": CLEAN, "good": CLEAN})
    (problem,) = report.problems
    assert report.files == (str(tmp_path / "good"),)
    assert report.exit_code == 3
    assert "internal error: RecursionError: too deep" in problem.message


def test_odd_things_in_a_folder_cost_the_others_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile.a\nb": WARNING, "z.dockerfile": WARNING})
    (tmp_path / "Dockerfile").symlink_to("nowhere")
    (tmp_path / "Dockerfile.loop").symlink_to("Dockerfile.loop")
    os.mkfifo(tmp_path / "Dockerfile.pipe")
    report = lint([str(tmp_path)], LintOptions(threshold=Level.ERROR))
    assert report.files == (str(tmp_path / "Dockerfile.a\nb"), str(tmp_path / "z.dockerfile"))
    assert [problem.code for problem in report.problems] == ["not-a-file", *["unreadable-file"] * 2]
    assert report.exit_code == 3


def test_many_files_give_what_each_gives_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[str | bytes] = [CLEAN, WARNING, INFO, BINARY, "NONSENSE\n"]
    files = write(tmp_path, {f"f{i:03}": kinds[i % len(kinds)] for i in range(module._MANY + 10)})
    together = lint(files, LintOptions(shellcheck="off"))
    monkeypatch.setattr(module, "_MANY", 10**6)
    assert lint(files, LintOptions(shellcheck="off")) == together
    assert len(together.problems) == sum(i % len(kinds) == 3 for i in range(len(files)))


def test_findings_alone_can_be_made_to_fail_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, {"f": WARNING}, no_fail=True).exit_code == 0
    assert run(tmp_path, {"f": "NONSENSE\n"}, no_fail=True).exit_code == 0
    assert run(tmp_path, {"f": WARNING}, "missing", no_fail=True).exit_code == 2
    assert run(tmp_path, {"f": WARNING, "g": BINARY}, no_fail=True).exit_code == 3
    assert len(run(tmp_path, {"f": WARNING}, no_fail=True).findings) == 1


def test_comments_may_be_given_no_heed(tmp_path: Path) -> None:
    text = "# hadolint global ignore=DL3006\n# hadolint ignore=DL3006,DL3O06\nFROM debian\n"
    assert run(tmp_path, {"f": text}).findings == ()
    rules = Options(select=frozenset({"DL3006", "DL1001"}))
    report = run(tmp_path, {"f": text}, heed_comments=False, rules=rules)
    assert [finding.code for finding in report.findings] == ["DL1001", "DL3006"]
    assert [problem.code for problem in report.problems] == ["unknown-rule"]


def test_some_files_ignore_more(tmp_path: Path) -> None:
    (tmp_path / "tests/deep").mkdir(parents=True)
    names = ("Dockerfile", "tests/deep/Dockerfile", "tests/Dockerfile")
    ignores = (
        (Patterns(str(tmp_path), ("/tests",)), frozenset({"DL3006"})),
        (Patterns(str(tmp_path), ("*",)), frozenset({"DL4"})),
    )
    files = dict.fromkeys(names, "FROM debian\nMAINTAINER me\n")
    report = run(tmp_path, files, per_file_ignores=ignores)
    assert [(f.file, f.code) for f in report.findings] == [(str(tmp_path / "Dockerfile"), "DL3006")]


def test_excluded_files_are_not_searched_for(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": CLEAN, "Dockerfile.old": WARNING})
    assert run(tmp_path, {}, str(tmp_path), exclude=(Patterns(str(tmp_path), ("*.old",)),)).exit_code == 0


def test_a_report_can_name_its_file_otherwise(tmp_path: Path) -> None:
    report = renamed(run(tmp_path, {"f": WARNING}), "app/Dockerfile")
    assert (report.files, [f.file for f in report.findings]) == (("app/Dockerfile",), ["app/Dockerfile"])
    assert report.sources == {"app/Dockerfile": ("FROM debian", "")}
    with pytest.raises(UsageError, match="2 files cannot all"):
        renamed(run(tmp_path, {"f": WARNING, "g": WARNING}), "x")
