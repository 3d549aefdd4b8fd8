"""The steps of the GitHub Action (`action.yml`): `python -I scripts/action.py install|prepare|update|run|decide`.

Needs nothing but the standard library, on Linux, macOS and Windows. Inputs come as variables and become arguments of a
process, never words of a shell; what the program prints cannot be taken for a workflow command, unless the report is made
of such. https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

SOURCE = Path(__file__).resolve().parents[1]
LOCKS = [SOURCE / "requirements" / name for name in ("runtime.txt", "build.txt")]
LEVELS = ("critical", "high", "error", "medium", "warning", "low", "info", "negligible", "style", "unknown")
"""Severities of a scan and levels of a lint, the worst first."""
VERDICTS = {0: "clean", 1: "failed", 2: "error", 3: "undecided"}
_INPUTS = {
    "lint": {"failure-threshold", "paths"},
    "scan": {"base", "baseline", "cache", "database", "database-url", "dockerfile", "ecosystems", "fail-on"}
    | {"ignore-file", "max-db-age", "password", "platform", "target", "username", "vex"},
}
"""Those of one mode alone."""
_REPEATED = ("fail-on", "ignore-file", "vex")
"""Options of a scan that may be given several times: an input has them one a line."""
_ROWS = 50
_CELL = 160
_REACHING = {"--allow-incomplete", "--authfile", "--insecure", "--limit"}
"""Options of a scan that a list of packages takes as well."""


def main() -> int:
    """Run the step that the command line names."""
    steps = {"install": install, "prepare": prepare, "update": update, "run": run, "decide": decide}
    return steps[sys.argv[1]]()


def install() -> int:
    """Put secpipe, from this checkout, and its locked dependencies into an environment of its own; once a job."""
    folder = place(_temporary())
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
        locked = [word for lock in LOCKS for word in ("-r", str(lock))]
        # Wheels alone: nothing of a dependency runs while it is installed.
        for words in (
            ["--require-hashes", "--only-binary", ":all:", *locked],
            ["--no-index", "--no-deps", "--no-build-isolation", str(SOURCE)],
        ):
            if subprocess.run([*pip, *words], check=False).returncode:
                _fail("secpipe could not be installed: see pip's words above", 3)
        done.touch()
    _output(python=str(python))
    return 0


def place(temporary: Path) -> Path:
    """Where that environment is: one for each checkout and its locks."""
    digest = hashlib.sha256(b"\0".join([os.fsencode(SOURCE), *(lock.read_bytes() for lock in LOCKS)]))
    return temporary / f"secpipe-{digest.hexdigest()[:16]}"


def prepare() -> int:
    """Check the inputs before anything costs time; for a scan, say which database it takes and what it is cached as."""
    mode = _mode()
    folder = _temporary() / f"secpipe-run-{secrets.token_hex(8)}"
    folder.mkdir()
    _output(folder=str(folder))
    if mode == "lint":
        return 0
    if given := _input("database"):
        _output(database=given)
        return 0
    names = _input("ecosystems").split() or _ecosystems()
    names = sorted(set(names))
    # One name for every scan of a job: what is cached is found again by its path.
    home = _temporary() / "secpipe-advisories"
    home.mkdir(exist_ok=True)
    label = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(names))[:100]
    asked = hashlib.sha256("\n".join([*names, _input("database-url")]).encode()).hexdigest()[:16]
    prefix = f"secpipe-advisories-2-{label}-{asked}-"
    _output(
        database=str(home / "advisories"),
        ecosystems="\n".join(names),
        cached=str(home) if names and _flag("cache", "true") == "true" else "",
        prefix=prefix,
        key=f"{prefix}{datetime.now(UTC):%Y-%m-%d}",
    )
    return 0


def update() -> int:
    """Bring the database up to date. A failure is told and no more: the scan decides by what it then finds."""
    names = os.environ["ECOSYSTEMS"].splitlines()
    url = ["--url", _input("database-url")] if _input("database-url") else []
    # The database remembers records that could not be read, and the scan judges them.
    words = ["db", "update", "--allow-incomplete", "--db", os.environ["DATABASE"], *url, "--", *names]
    code = _quietly(words)
    if code:
        _say("warning", "the advisories could not be brought up to date: the scan goes on with what there is")
    _output(updated=str(code == 0).lower())
    return 0


def run() -> int:
    """Lint or scan, and leave the reports, the outputs and the summary. Fails only when it could not even begin."""
    mode = _mode()
    folder = Path(os.environ["FOLDER"])
    sarif, document = folder / "secpipe.sarif", folder / "secpipe.json"
    report = _input("format") or ("github" if mode == "lint" else "tty")
    words = [mode, "-f", report, "-o", f"sarif={sarif}", "-o", f"json={document}"]
    pages = folder / "secpipe.md"
    words += ["-o", f"markdown={pages}"] if mode == "scan" else []
    words += _options(mode) + _lines("arguments")
    targets = _lines("paths") or ["."] if mode == "lint" else [_input("target")]
    code = _quietly([*words, "--", *targets], commands=report == "github")
    found = _findings(document)
    if code == 0 and found is None:
        # As after `--help` among the arguments: nothing was examined.
        _say("error", "secpipe ended without a report, so nothing is known to be clean: see `arguments`")
        code = 3
    worst = min((level for level, *_ in found or []), key=LEVELS.index, default="")
    _output(
        **{
            "exit-code": str(code),
            "verdict": VERDICTS.get(code, "error"),
            "findings": "" if found is None else str(len(found)),
            "highest": worst,
            "sarif": str(sarif) if sarif.is_file() else "",
            "json": str(document) if document.is_file() else "",
        }
    )
    name = ", ".join(targets)
    told = pages.read_text("utf-8") if pages.is_file() else summary(f"secpipe {mode}: {name}", code, found)
    _append("GITHUB_STEP_SUMMARY", told)
    return 0


def decide() -> int:
    """End the action with the exit code of the contract, after everything was uploaded."""
    outcome, wanted = os.environ.get("UPLOAD", ""), _flag("upload-sarif", "auto", "auto")
    failed = outcome == "failure"
    if failed:
        _say(
            "error" if wanted == "true" else "warning",
            "SARIF was not uploaded: code scanning must be enabled, and the job needs `security-events: write`, "
            "which pull requests from forks never get; `upload-sarif: false` turns it off",
        )
    code = int(os.environ["CODE"])
    return code or int(failed and wanted == "true")


def summary(title: str, code: int, found: Sequence[tuple[str, ...]] | None) -> str:
    """The job summary in Markdown; nothing in the names of others can format it."""
    lines = [f"### {_plain(title)}", "", f"**{VERDICTS.get(code, 'error')}** (exit {code})", ""]
    if found is None:
        lines += ["There is no report: the log of the step says why.", ""]
        return "\n".join(lines)
    counts = Counter(level for level, *_ in found)
    told = ", ".join(f"{counts[level]} {level}" for level in LEVELS if counts[level])
    lines[2] += f": {told}" if told else ": no findings"
    if found:
        lines += ["| Level | Finding | Where | What |", "|---|---|---|---|"]
        lines += ["| " + " | ".join(map(_plain, row)) + " |" for row in found[:_ROWS]]
        if len(found) > _ROWS:
            lines += ["", f"{len(found) - _ROWS} more are in the reports."]
        lines += [""]
    return "\n".join(lines)


def _findings(document: Path) -> list[tuple[str, ...]] | None:
    """What counts as (level, identifier, place, text), the worst first; None when there is no report."""
    try:
        report = json.loads(document.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError):
        return None
    if isinstance(report, list):
        rows = [_lint_row(each) for each in report]
    else:
        rows = [_scan_row(each) for each in report["findings"] if not each.get("suppression")]
    return sorted(rows, key=lambda row: LEVELS.index(row[0]))


def _lint_row(found: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        _level(found["level"]),
        str(found["code"]),
        f"{found['file']}:{found['line']}",
        str(found["message"]),
    )


def _scan_row(found: Mapping[str, Any]) -> tuple[str, ...]:
    fixed = found.get("fixedVersion")
    where = (found.get("layer") or {}).get("instruction") or ""
    text = f"{found['package']}: " + (f"fixed in {fixed}" if fixed else "no fix")
    return (_level(found.get("severity")), str(found["id"]), str(where), text)


def _level(name: object) -> str:
    return name if isinstance(name, str) and name in LEVELS else "unknown"


def _plain(text: str) -> str:
    """Text as Markdown shows it literally: whatever could mean something is a character reference."""
    text = " ".join(text.split())
    text = text if len(text) <= _CELL else text[: _CELL - 1] + "…"
    return "".join(c if c.isalnum() or c in " .,/-()…" else f"&#{ord(c)};" for c in text)


def _options(mode: str) -> list[str]:
    """The options that inputs stand for; an input that was left empty is none."""
    if mode == "lint":
        return _given("config", "failure-threshold")
    plain = _given("config", "platform", "max-db-age", "baseline", "base", "dockerfile")
    repeated = [word for name in _REPEATED for line in _lines(name) for word in (f"--{name}", line)]
    return [*plain, *repeated, "--db", os.environ["DATABASE"]]


def _given(*names: str) -> list[str]:
    return [word for name in names if _input(name) for word in (f"--{name}", _input(name))]


def _mode() -> str:
    """`lint` or `scan`, after a check that no input is there that it would pass over."""
    mode = _input("mode") or "lint"
    if mode not in _INPUTS:
        _fail(f"mode: {mode!r} is neither lint nor scan", 2)
    (other,) = _INPUTS.keys() - {mode}
    if stray := sorted(name for name in _INPUTS[other] if _input(name)):
        _fail(f"{', '.join(stray)}: only for mode: {other}", 2)
    for line in _lines("arguments"):
        if not re.match(r"--?[A-Za-z]", line):
            _fail(f"arguments: {line!r} is no option; those with a value are written --name=value", 2)
    if mode == "scan":
        if not _input("target"):
            _fail("mode: scan needs a target", 2)
        _flag("cache", "true")
    _flag("upload-sarif", "auto", "auto")
    return mode


def _ecosystems() -> list[str]:
    """Those that advisories are needed for, from a list of what the image holds; none when that cannot be read.

    The layers that this reads are kept for the scan, which also tells of what is wrong with them.
    """
    words = ["sbom", "-f", "json", *_given("platform")]
    words += [line for line in _lines("arguments") if line.partition("=")[0] in _REACHING]
    done = _secpipe([*words, "--", _input("target")])
    try:
        packages = json.loads(done.stdout)["packages"]
    except ValueError:
        _say("warning", "which advisories the target needs is not known: name them as `ecosystems`")
        return []
    return [package["ecosystem"].partition(":")[0] for package in packages if package.get("ecosystem")]


def _quietly(words: Sequence[str], commands: bool = False) -> int:
    """Run secpipe and return its exit code. No line of it is heeded by the runner but a report made of commands."""
    token = secrets.token_hex(16)
    done = _secpipe(words)
    # In one stream: the runner heeds commands in either, and does not keep the order of two.
    said, report = (text.decode("utf-8", "replace") for text in (done.stderr, done.stdout))
    quiet, loud = (said, report) if commands else (said + report, "")
    _print(f"::stop-commands::{token}\n{quiet}\n::{token}::\n{loud}")
    return done.returncode if done.returncode in VERDICTS else 3


def _secpipe(words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    # Isolated: the working directory belongs to whoever wrote the pull request.
    command = [os.environ["PYTHON"], "-I", "-m", "secpipe", *words]
    return subprocess.run(
        command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )


def _environment() -> dict[str, str]:
    """The environment of the job and the credentials, as far as they were given."""
    given = {f"SECPIPE_{name.upper()}": _input(name) for name in ("username", "password")}
    return {**os.environ, **{name: value for name, value in given.items() if value}}


def _temporary() -> Path:
    return Path(os.environ["RUNNER_TEMP"]).resolve()


def _input(name: str) -> str:
    # A password may begin or end with a blank.
    value = os.environ.get(f"INPUT_{name.replace('-', '_').upper()}", "")
    return value if name == "password" else value.strip()


def _lines(name: str) -> list[str]:
    return [line.strip() for line in _input(name).splitlines() if line.strip()]


def _flag(name: str, default: str, *others: str) -> str:
    value = _input(name) or default
    if value not in ("true", "false", *others):
        _fail(f"{name}: {value!r} is none of {', '.join(['true', 'false', *others])}", 2)
    return value


def _output(**values: str) -> None:
    # A delimiter that nobody can guess: no value ends itself and begins another output.
    end = secrets.token_hex(16)
    _append("GITHUB_OUTPUT", "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items()))


def _append(variable: str, text: str) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(text)


def _say(command: str, text: str) -> None:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    _print(f"::{command} title=secpipe::{escaped}\n")


def _fail(text: str, code: int) -> NoReturn:
    _say("error", text)
    sys.exit(code)


def _print(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
