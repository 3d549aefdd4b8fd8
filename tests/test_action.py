"""The GitHub Action: `action.yml` and its script, run step by step as the runner does it."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from examples.build import build
from tests.support.cli import secpipe
from tests.support.runner import Job, definition, environment, heeded, run

ROOT = Path(__file__).parent.parent
ACTION = ROOT / "action.yml"
SCRIPT = ROOT / "scripts" / "action.py"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NASTY = "a b'\"$(touch owned)`touch owned`;&|*\\"


@dataclass
class Runner:
    """A workspace with its temporary folder, and stand-ins for the actions that ours uses."""

    workspace: Path
    temporary: Path
    env: dict[str, str]
    uploads: list[Mapping[str, str]] = field(default_factory=list)
    cached: dict[str, dict[str, bytes]] = field(default_factory=dict)
    uploading: bool = True
    exact: bool = True

    def __call__(self, **inputs: str) -> Job:
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        return run(ACTION, given, self.uses, self.workspace, self.env)

    def uses(self, name: str, inputs: Mapping[str, str]) -> Mapping[str, str] | None:
        """What the other actions would do."""
        if name == "actions/setup-python":
            return {"python-path": sys.executable}
        if name.startswith("actions/cache"):
            folder = Path(inputs["path"]) / "advisories"
            if name.endswith("/save"):
                self.cached[inputs["key"]] = {file.name: file.read_bytes() for file in folder.iterdir()}
            else:
                for key in (inputs["key"], *self.cached):
                    if key in self.cached and key.startswith(inputs["restore-keys"]):
                        folder.mkdir(parents=True, exist_ok=True)
                        for file, content in self.cached[key].items():
                            (folder / file).write_bytes(content)
                        return {"cache-hit": str(key == inputs["key"]).lower()}
            return {}
        assert name == "github/codeql-action/upload-sarif"
        assert Path(inputs["sarif_file"]).is_file()
        self.uploads.append(inputs)
        return {} if self.uploading else None


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Has the install step find its work done: an environment whose Python runs this checkout."""
    script = f"""#!/bin/sh
[ "$1" = -I ] || exit 99
shift
PYTHONPATH={ROOT}:{sysconfig.get_path("purelib")}
export PYTHONPATH
unset PYTHONHOME
exec {sys.executable} -P "$@"
"""

    def prepare(temporary: Path) -> None:
        folder = runpy.run_path(str(SCRIPT))["place"](temporary.resolve())
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        (folder / "installed").touch()
        python.write_text(script)
        python.chmod(0o755)

    return prepare


@pytest.fixture
def runner(tmp_path: Path, installed: Callable[[Path], None]) -> Runner:
    workspace, temporary = tmp_path / "work space", tmp_path / "_temp"
    workspace.mkdir()
    temporary.mkdir()
    installed(temporary)
    return Runner(
        workspace,
        temporary,
        {
            **environment(temporary),
            "SECPIPE_CACHE": str(tmp_path / "cache"),
            "SECPIPE_SHELLCHECK": "off",
            "SECPIPE_OFFLINE": "1",
        },
    )


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image") / "layout"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of the feed with our own advisories."""
    folder = tmp_path_factory.mktemp("feed")
    for source in sorted((ROOT / "vulndb-fixtures" / "osv").iterdir()):
        (folder / source.name).mkdir()
        shutil.make_archive(str(folder / source.name / "all"), "zip", source)
    (folder / "ecosystems.txt").write_text(
        "".join(f"{source.name}\n" for source in sorted((ROOT / "vulndb-fixtures" / "osv").iterdir()))
    )
    return folder


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("db") / "advisories"
    assert secpipe("db", "build", ROOT / "vulndb-fixtures" / "osv", "--db", built).code == 0
    return built


def test_lint_annotates_uploads_and_only_then_fails(runner: Runner) -> None:
    shutil.copy(ROOT / "examples" / "Dockerfile", runner.workspace)
    job = runner()
    assert job.failed
    assert job.code == 1
    assert job.ran[-3:] == ["Run secpipe", "Upload SARIF", "Decide"]
    assert {name: job.outputs[name] for name in ("exit-code", "verdict", "findings", "highest")} == {
        "exit-code": "1",
        "verdict": "failed",
        "findings": "13",
        "highest": "error",
    }
    assert len(json.loads(Path(job.outputs["json"]).read_text())) == 13
    sarif = json.loads(Path(job.outputs["sarif"]).read_text())
    assert len(sarif["runs"][0]["results"]) == 13
    assert [upload["category"] for upload in runner.uploads] == ["secpipe-lint"]
    assert [line.split()[0] for line in job.commands].count("::error") == 3
    assert "**failed** (exit 1): 3 error, 7 warning, 3 info" in job.summary
    assert job.summary.count("\n| ") == 14


def test_a_clean_lint_passes(runner: Runner) -> None:
    (runner.workspace / "Dockerfile").write_text("FROM scratch\nCOPY app /\nUSER 1000\n")
    job = runner(failure_threshold="style", category="containers")
    assert not job.failed
    assert job.outputs["verdict"] == "clean"
    assert job.outputs["findings"] == "0"
    assert job.outputs["highest"] == ""
    assert [upload["category"] for upload in runner.uploads] == ["containers"]
    assert "**clean** (exit 0): no findings" in job.summary


def test_hostile_paths_are_only_paths(runner: Runner) -> None:
    folder = runner.workspace / NASTY
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM debian\n")
    (runner.workspace / "-rf").write_text("FROM debian\n")
    job = runner(
        paths=f"{NASTY}\n-rf\n\n  {NASTY}/Dockerfile  ", arguments="--select=DL3006", upload_sarif="false"
    )
    assert job.outputs["findings"] == "2"
    assert not list(runner.workspace.rglob("owned"))
    assert runner.uploads == []
    assert "$(" not in job.summary
    assert "<" not in job.summary


def test_names_of_files_are_no_commands(runner: Runner) -> None:
    (runner.workspace / "::set-output name=exit-code::0.Dockerfile").write_text("FROM debian\n")
    (runner.workspace / "x\n::add-mask::a\n##[add-mask]b.Dockerfile").write_text("FROM debian\n")
    (runner.workspace / "Dockerfile").write_text("FROM debian AS a\nFROM debian AS |**b**<b>\n")
    for report in ("tty", "github"):
        job = runner(format=report, upload_sarif="false")
        assert job.outputs["exit-code"] == "1"
        assert [line for line in job.commands if not re.match(r"::(error|warning|notice) file=", line)] == []
        assert ("::warning file=" in job.log) == (report == "github")
        assert "<b>" not in job.summary
        assert "**b**" not in job.summary


def test_hostile_inputs_are_only_values(runner: Runner) -> None:
    (runner.workspace / "Dockerfile").write_text("FROM debian\n")
    for name in ("config", "failure_threshold", "format"):
        job = runner(**{name: f"x{NASTY}\n::set-output name=exit-code::0\nEOF\nexit-code=0"})
        assert job.failed
        assert job.code == 2
        assert job.outputs["exit-code"] == "2"
        assert job.outputs["verdict"] == "error"
        assert job.outputs["sarif"] == ""
        assert job.commands == []
        assert "There is no report" in job.summary
    assert not list(runner.workspace.rglob("owned"))


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"mode": "lnit"}, "mode: 'lnit' is neither lint nor scan"),
        ({"mode": "scan"}, "mode: scan needs a target"),
        ({"mode": "lint", "fail_on": "high", "target": "x"}, "fail-on, target: only for mode: scan"),
        ({"mode": "scan", "target": "x", "paths": "."}, "paths: only for mode: lint"),
        (
            {"ignore_file": "x", "base": "b", "dockerfile": "d"},
            "base, dockerfile, ignore-file: only for mode: scan",
        ),
        ({"upload_sarif": "yes"}, "upload-sarif: 'yes' is none of true, false, auto"),
        ({"mode": "scan", "target": "x", "cache": "no"}, "cache: 'no' is none of true, false"),
        (
            {"arguments": "--no-fail\nmore"},
            "arguments: 'more' is no option; those with a value are written --name=value",
        ),
        ({"mode": "a\n::add-mask::x"}, "mode: 'a\\n::add-mask::x' is neither lint nor scan"),
    ],
)
def test_wrong_inputs_end_it_early(runner: Runner, inputs: dict[str, str], told: str) -> None:
    job = runner(**inputs)
    assert job.failed
    assert job.code == 2
    assert job.ran[-1] == "Check the inputs"
    assert job.commands == [f"::error title=secpipe::{told}"]


def test_a_scan_fetches_what_the_image_needs_and_keeps_it_for_the_day(
    runner: Runner, layout: Path, feed: Path
) -> None:
    inputs = {
        "mode": "scan",
        "target": f"oci:{layout}:alpine",
        "platform": "linux/amd64",
        "fail_on": "critical",
        "database_url": feed.as_uri(),
    }
    job = runner(**inputs)
    assert job.code == 1
    assert {name: job.outputs[name] for name in ("exit-code", "verdict", "findings", "highest")} == {
        "exit-code": "1",
        "verdict": "failed",
        "findings": "38",
        "highest": "critical",
    }
    assert runner.uploads[0]["category"] == "secpipe-scan"
    assert "**Verdict: failed** (exit 1)" in job.summary
    assert "CVE-2023-38545" in job.summary
    assert job.commands == []
    # Kept although the gate is shut.
    (key,) = runner.cached
    assert re.fullmatch(r"secpipe-advisories-2-Alpine-PyPI-[0-9a-f]{16}-\d{4}-\d\d-\d\d", key)

    shutil.rmtree(runner.temporary / "secpipe-advisories" / "advisories")
    again = runner(**inputs)
    assert "Bring the advisories up to date" not in again.ran
    assert again.outputs["findings"] == "38"

    yesterday = re.sub(r"\d{4}-\d\d-\d\d$", "2020-01-01", key)
    runner.cached = {yesterday: runner.cached[key]}
    later = runner(**inputs)
    assert "Bring the advisories up to date" in later.ran
    assert sorted(runner.cached) == sorted([key, yesterday])


def test_a_scan_takes_its_gate_ignore_files_and_dockerfile(
    runner: Runner, layout: Path, database: Path
) -> None:
    inputs = {
        "mode": "scan",
        "target": f"oci:{layout}:alpine",
        "platform": "linux/amd64",
        "database": str(database),
        "max_db_age": "99999",
    }
    (runner.workspace / "one.yaml").write_text("- id: CVE-2020-14343\n  reason: never loaded from outside\n")
    (runner.workspace / "my ignores.yaml").write_text("- id: CVE-2024-45492\n  reason: no XML\n")
    accepted = "one.yaml\nmy ignores.yaml"
    shut = runner(**inputs, fail_on="critical,fixable\nnegligible,kev", ignore_file=accepted)
    assert (shut.code, shut.outputs["findings"], shut.outputs["highest"]) == (1, "36", "critical")
    assert "never loaded from outside" in shut.summary
    known = runner(**inputs, fail_on="new,critical", baseline=shut.outputs["json"], ignore_file="none")
    assert (known.code, known.outputs["findings"], known.outputs["verdict"]) == (0, "38", "clean")
    (runner.workspace / "gate.yaml").write_text("scan: {fail-on: [critical], base: gone}\n")
    (runner.workspace / ".secpipe.yaml").write_text("scan: {fail-on: [none]}\n")
    assert runner(**inputs, ignore_file="none").code == 0
    named = runner(**inputs, ignore_file="none", config="gate.yaml", base=f"oci:{layout}:alpine")
    assert (named.code, "from gate.yaml:1" in named.log) == (1, True)
    (runner.workspace / ".secpipe.yaml").unlink()
    wrong = runner(**inputs, dockerfile="gone")
    assert (wrong.code, "--dockerfile gone" in wrong.log) == (2, True)
    assert runner(**inputs, dockerfile="none", fail_on="none").code == 0
    assert not [upload for upload in runner.uploads if upload["category"] != "secpipe-scan"]


def test_a_feed_that_is_away_leaves_the_decision_to_the_scan(
    runner: Runner, layout: Path, tmp_path: Path
) -> None:
    job = runner(
        mode="scan",
        target=f"oci:{layout}:alpine",
        platform="linux/amd64",
        ecosystems="Alpine PyPI",
        database_url=str(tmp_path / "nothing"),
    )
    assert job.code == 3
    assert job.outputs["verdict"] == "undecided"
    assert runner.cached == {}
    assert len(job.commands) == 1
    assert "::warning title=secpipe::the advisories could not be brought up to date" in job.commands[0]


def test_a_database_of_ones_own_is_neither_updated_nor_cached(
    runner: Runner, layout: Path, tmp_path: Path
) -> None:
    job = runner(mode="scan", target=f"oci:{layout}:alpine", database=str(tmp_path / "own.sqlite"))
    assert job.code == 3
    assert job.ran[3:] == ["Run secpipe", "Decide"]


def test_a_target_that_cannot_be_read_is_undecided(runner: Runner, tmp_path: Path) -> None:
    job = runner(mode="scan", target=f"oci:{tmp_path / NASTY}:x")
    assert job.outputs["exit-code"] in ("2", "3")
    assert job.failed
    assert not list(runner.workspace.rglob("owned"))
    assert "name them as `ecosystems`" in job.commands[0]


@pytest.mark.parametrize("mode", [{"mode": "lint"}, {"mode": "scan", "target": "oci:gone", "database": "x"}])
def test_what_leaves_no_report_is_not_clean(runner: Runner, mode: dict[str, str]) -> None:
    job = runner(**mode, arguments="--help")
    assert (job.code, job.outputs["exit-code"], job.outputs["verdict"]) == (3, "3", "undecided")
    assert "There is no report" in job.summary
    assert any("without a report" in line for line in job.commands)


def test_credentials_reach_the_scan_and_no_log(runner: Runner, tmp_path: Path) -> None:
    secret = " pa$$'\"`word "
    seen = tmp_path / "seen"
    python = next(runner.temporary.glob("secpipe-*/bin/python"))
    python.write_text(
        f'#!/bin/sh\n[ "$2" = -m ] || exec {sys.executable} "$@"\n'
        f'printf "%s|%s|%s\\n" "$4" "$SECPIPE_USERNAME" "$SECPIPE_PASSWORD" >> {seen}\n'
    )
    job = runner(
        mode="scan",
        target="registry.invalid/a:1",
        username="me",
        password=secret,
        ecosystems="PyPI",
        cache="false",
    )
    assert sorted(seen.read_text().splitlines()) == ["db||", f"scan|me|{secret}"]
    assert secret.strip() not in job.log + job.summary


@pytest.mark.parametrize(("wanted", "failed"), [("auto", False), ("true", True)])
def test_a_repository_without_code_scanning(runner: Runner, wanted: str, failed: bool) -> None:
    (runner.workspace / "Dockerfile").write_text("FROM scratch\nCOPY app /\nUSER 1000\n")
    runner.uploading = False
    job = runner(upload_sarif=wanted)
    assert job.failed is failed
    assert [line.split()[0] for line in job.commands] == ["::error" if failed else "::warning"]
    assert "security-events: write" in job.commands[0]


def test_modules_of_the_checkout_are_not_imported(runner: Runner) -> None:
    for name in ("json", "secpipe", "venv", "typer"):
        (runner.workspace / f"{name}.py").write_text("open('owned', 'w'); raise SystemExit(0)\n")
    (runner.workspace / "Dockerfile").write_text("FROM debian\n")
    job = runner(upload_sarif="false")
    assert job.outputs["exit-code"] == "1"
    assert not (runner.workspace / "owned").exists()


def test_the_summary_is_bounded(runner: Runner) -> None:
    (runner.workspace / "Dockerfile").write_text(
        "".join(f"FROM debian AS x{'y' * 500}{i}\n" for i in range(300))
    )
    job = runner(upload_sarif="false")
    assert int(job.outputs["findings"]) >= 300
    assert len(job.summary.encode()) < 64 * 1024
    assert "more are in the reports" in job.summary


def test_every_input_is_used_and_none_reaches_a_shell() -> None:
    used = set(re.findall(r"\binputs\.([a-z-]+)", ACTION.read_text()))
    assert used == set(definition(ACTION)["inputs"])
    variables = {f"inputs.{name}" for name in used}
    for step in definition(ACTION)["runs"]["steps"]:
        assert not [name for name in variables if name in step.get("run", "")]
        for name, value in (step.get("env") or {}).items():
            if name.startswith("INPUT_"):
                assert value == f"${{{{ inputs.{name[6:].lower().replace('_', '-')} }}}}"


@pytest.mark.parametrize("file", [ACTION, *WORKFLOWS], ids=lambda file: file.name)
def test_actions_are_pinned_and_say_their_version(file: Path) -> None:
    uses = re.findall(r"uses: (.*)", file.read_text())
    outside = [line for line in uses if line != "./"]
    assert outside or file.name == "action.yml"
    for line in outside:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_workflows_use_the_action_with_inputs_and_outputs_that_it_has() -> None:
    """Checkers of workflows look at this only when they find the action's file."""
    action, used = definition(ACTION), 0
    for file in WORKFLOWS:
        for job in definition(file)["jobs"].values():
            own = {step.get("id") for step in job["steps"] if step.get("uses") == "./"}
            used += len(own)
            for step in job["steps"]:
                if step.get("uses") == "./":
                    assert not step["with"].keys() - action["inputs"].keys()
                for name, output in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", json.dumps(step)):
                    assert name not in own or output in action["outputs"]
    assert used >= 3


def test_one_version_of_an_action_everywhere() -> None:
    texts = [
        file.read_text() for file in (ACTION, ROOT / "README.md", *WORKFLOWS, *(ROOT / "docs").glob("*.md"))
    ]
    pins: dict[str, set[str]] = {}
    for name, pin in re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(\S+ # \S+)", "\n".join(texts)):
        pins.setdefault(name, set()).add(pin)
    assert {name: len(found) for name, found in pins.items()} == dict.fromkeys(pins, 1)


def test_workflow_commands_are_recognised_as_the_runner_does() -> None:
    """The oracle of the tests above."""
    assert heeded("::error::a\n ::warning title=x::b\r\n##[error]c\nd ##[group]e\nf ::notice::g\n") == [
        "::error::a",
        " ::warning title=x::b",
        "##[error]c",
        "d ##[group]e",
    ]
    token = "0" * 32
    assert heeded(f"::stop-commands::{token}\n::error::a\n::{token}::\n::error::b\n") == ["::error::b"]
