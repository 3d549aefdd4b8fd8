"""The recipes of docs/ci.md: files that those who run them accept, with options and inputs that there are."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from secpipe.report import check
from tests.support.runner import definition
from tests.test_docs import COMMANDS
from tests.test_precommit import hook
from tests.test_workflows import checked, program

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "ci.md").read_text()
RECIPES: dict[str, str] = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL))
OPTIONS = dict(COMMANDS)


def parsed(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


def test_there_is_one_for_each() -> None:
    assert list(RECIPES) == ["github", "gitlab", "jenkins", "pre-commit"]


@pytest.fixture
def recipe(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    name = {"github": "ci.yml", "gitlab": ".gitlab-ci.yml"}[request.param]
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    path = tmp_path / ".github" / "workflows" / name
    path.write_text(RECIPES[request.param])
    return path


@pytest.mark.parametrize(
    ("recipe", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")], indirect=["recipe"]
)
def test_the_schemas_agree(recipe: Path, schema: str) -> None:
    # GitLab's schema has a kind of pattern that Python's does not know.
    flags = ["--regex-variant", "nonunicode"] if schema == "gitlab-ci" else []
    checked(program("check-jsonschema"), *flags, "--builtin-schema", f"vendor.{schema}", recipe)


@pytest.mark.parametrize("recipe", ["github"], indirect=True)
@pytest.mark.parametrize(
    ("name", "options"),
    [("actionlint", ()), ("zizmor", ("--offline", "--no-progress"))],
)
def test_checkers_of_workflows_have_nothing_to_say(recipe: Path, name: str, options: tuple[str, ...]) -> None:
    checked(program(name), *options, recipe)


def test_the_action_has_those_inputs() -> None:
    action = definition(ROOT / "action.yml")["inputs"]
    steps: list[Any] = parsed(RECIPES["github"])["jobs"]["gate"]["steps"]
    used = [step["with"] for step in steps if step.get("uses", "").startswith("secpipe/")]
    assert [each["mode"] for each in used] == ["lint", "scan"]
    assert not {name for each in used for name in each} - action.keys()
    named = set(re.findall(r"`([a-z-]+)`", TEXT.partition("- `fail-on`")[2].partition("take several")[0]))
    assert named <= action.keys()
    outputs = re.findall(r"`([a-z-]+)`", TEXT.partition("- Outputs are")[2].partition(".")[0])
    assert outputs == list(definition(ROOT / "action.yml")["outputs"])


def test_the_hook_has_that_name() -> None:
    (repo,) = parsed(RECIPES["pre-commit"])["repos"]
    assert [each["id"] for each in repo["hooks"]] == [hook()["id"]]


def commands() -> list[list[str]]:
    """Every `secpipe …` of the page, as a shell takes it apart."""
    found = re.findall(r"(?m)(?:^ +- |sh '|^ {4}podman run .* )(secpipe (?:lint|scan|db) [^'\n]*)", TEXT)
    return [shlex.split(line) for line in found]


def test_the_commands_have_options_and_formats_that_there_are() -> None:
    assert len(commands()) >= 6
    for _, command, *words in commands():
        given = [word for word in words if word.startswith("--")]
        assert set(given) <= OPTIONS[command], given
        for option, value in itertools.pairwise(words):
            if option in ("-f", "-o"):
                check(value.partition("=")[0], command)  # type: ignore[arg-type]


def test_jenkins_leaves_variables_to_the_shell() -> None:
    assert not re.findall(r'\bsh "', RECIPES["jenkins"])
    assert RECIPES["jenkins"].count("{") == RECIPES["jenkins"].count("}")
    assert RECIPES["jenkins"].count("'") % 2 == 0


def test_scripts_of_gitlab_are_shell() -> None:
    jobs = parsed(RECIPES["gitlab"])
    for job in jobs.values():
        for line in job.get("script", []) if isinstance(job, dict) else []:
            subprocess.run(["sh", "-n", "-c", line], check=True)
