"""Runs a composite action as GitHub's runner does, as far as `action.yml` needs it.

Expressions are evaluated, `run` steps are processes of bash with GitHub's options and files, and their output is read for
workflow commands. Steps that use other actions are answered by the test, which sees what they were given.
https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Uses = Callable[[str, Mapping[str, str]], Mapping[str, str] | None]
"""What stands for other actions: from name and inputs to outputs, None for a failure."""
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_TOKEN = re.compile(r"'(?:[^']|'')*'|&&|\|\||[!=]=|[!(),]|[\w.-]+|\s+")
_HEREDOC = re.compile(r"(?P<name>[^=\n]+?)<<(?P<end>.+)\n")


@dataclass
class Job:
    """What running the action left behind."""

    failed: bool = False
    code: int = 0
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    log: str = ""
    commands: list[str] = field(default_factory=list)
    """Lines that the runner would have heeded."""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


def definition(action: Path) -> Any:
    """The action's file, as YAML has it."""
    import yaml

    return yaml.safe_load(action.read_text(encoding="utf-8"))


def run(action: Path, inputs: Mapping[str, str], uses: Uses, workspace: Path, env: Mapping[str, str]) -> Job:
    """Run every step of an action on a workspace. `env` is the environment of the job."""
    parts = definition(action)
    assert not inputs.keys() - parts["inputs"].keys()
    given = {name: str(each.get("default", "")) for name, each in parts["inputs"].items()} | dict(inputs)
    job = Job()
    for number, step in enumerate(parts["runs"]["steps"]):
        context = {"inputs": given, "steps": job.steps, "job": job}
        condition = _EXPRESSION.sub(r"\1", str(step.get("if", "success()")))
        if "success()" not in condition and "cancelled()" not in condition and "always()" not in condition:
            condition = f"success() && ({condition})"
        if not _evaluate(condition, context):
            continue
        job.ran.append(step["name"])
        fill = {name: _filled(str(value), context) for name, value in (step.get("env") or {}).items()}
        if "uses" in step:
            arguments = {name: _filled(str(value), context) for name, value in step["with"].items()}
            outputs = uses(step["uses"].partition("@")[0], arguments)
        else:
            outputs = _process(job, step, workspace, {**env, **fill}, action.parent, number)
        failed = outputs is None
        job.failed |= failed and not step.get("continue-on-error", False)
        if "id" in step:
            job.steps[step["id"]] = {"outputs": outputs or {}, "outcome": "failure" if failed else "success"}
    context = {"inputs": given, "steps": job.steps, "job": job}
    job.outputs = {name: _filled(each["value"], context) for name, each in parts["outputs"].items()}
    return job


def _process(
    job: Job, step: Mapping[str, Any], workspace: Path, env: dict[str, str], path: Path, number: int
) -> Mapping[str, str] | None:
    assert step["shell"] == "bash"
    assert "${{" not in step["run"], "an expression in a script is an injection"
    files = {
        name: Path(env["RUNNER_TEMP"]) / f"{name}-{number}"
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
    }
    for file in files.values():
        file.touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=workspace,
        env={**env, **{name: str(file) for name, file in files.items()}, "GITHUB_ACTION_PATH": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    text = done.stdout.decode()
    job.log += text
    job.commands += heeded(text)
    job.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    job.code = done.returncode
    return None if done.returncode else outputs_of(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))


def outputs_of(text: str) -> dict[str, str]:
    """What GITHUB_OUTPUT says, by the runner's rules for values with delimiters."""
    found = {}
    while text:
        head = _HEREDOC.match(text)
        assert head, f"not name<<delimiter: {text[:80]!r}"
        value, end, text = text[head.end() :].partition(f"{head['end']}\n")
        assert end, f"no end of {head['name']}"
        found[head["name"]] = value.removesuffix("\n")
    return found


def heeded(text: str) -> list[str]:
    """The lines that the runner takes for commands: `::name …::…`, and `##[name …]` anywhere; nothing while stopped."""
    found, stopped = [], ""
    for line in re.split(r"\r\n|\r|\n", text):
        command = re.match(r"\s*::([a-z-]+|[0-9a-f]{32})( [^:]*)?::(.*)", line)
        if stopped:
            stopped = "" if command and command[1] == stopped else stopped
        elif command and command[1] == "stop-commands":
            stopped = command[3]
        elif command or "##[" in line:
            found.append(line)
    return found


def _filled(text: str, context: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda match: _text(_evaluate(match[1], context)), text)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression of GitHub's language: `&&`, `||`, `!`, comparisons, contexts and a few functions."""
    words, at = [], 0
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        assert token, expression
        words.append(_word(token[0], context))
        at = token.end()
    job: Job = context["job"]
    functions = {
        "success": lambda: not job.failed,
        "cancelled": lambda: False,
        "always": lambda: True,
        "format": lambda text, *values: text.format(*values),
    }
    return eval("".join(words), {"__builtins__": {}}, functions)


def _word(token: str, context: Mapping[str, Any]) -> str:
    fixed = {"&&": " and ", "||": " or ", "!": " not "}
    if token in fixed:
        return fixed[token]
    if token[0] == "'":
        return repr(token[1:-1].replace("''", "'"))
    root, *rest = token.split(".")
    if root in ("inputs", "steps"):
        value: Any = context[root]
        for name in rest:
            value = value.get(name) if isinstance(value, Mapping) else None
        if root == "inputs":
            assert value is not None, token
        return repr("" if value is None else value)
    return token


def environment(temporary: Path) -> dict[str, str]:
    """That of a job: this one's without what belongs to its user, and the folder for files of the job."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SECPIPE_", "HADOLINT_", "GITHUB_", "INPUT_", "PIP_REQUIRE"))
    }
    return {**kept, "CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(temporary), "NO_COLOR": "1"}
