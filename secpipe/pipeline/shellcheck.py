"""Runs ShellCheck: many scripts at once, on several cores, and never twice on the same text.

The program is a process of its own (it is GPL-3): the `shellcheck` beside this Python, which the extra of that name
installs, else the one on PATH. Source: shellcheck(1) 0.11, format json1 (columns count a tab as one).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secpipe.cache.paths import shellcheck_path
from secpipe.cache.results import key, load, own, save
from secpipe.lint.shellcheck import EXCLUDED, Comment
from secpipe.model.named import NamedTuple

if TYPE_CHECKING:
    import subprocess
    from tempfile import TemporaryDirectory

_ARGUMENTS = ("--norc", "--format=json1", "--severity=style", f"--exclude={','.join(EXCLUDED)}")
_FIELDS = ("line", "column", "endLine", "endColumn", "level", "code", "message")
_LEVELS = ("error", "warning", "info", "style")
_BATCH = 200
"""Scripts of one process, so that the names fit a command line and one bad script costs little."""
_WORTH = 4000
"""Bytes of scripts for which another process is worth its start."""

Comments = tuple[Comment, ...]
"""What is said of one script."""


class Program(NamedTuple):
    """A ShellCheck: where it is, and what tells it from another one."""

    path: str
    identity: bytes


def find() -> Program | None:
    """The ShellCheck to run, None when there is none."""
    from shutil import which

    beside = str(Path(sys.executable).parent)
    path = which("shellcheck", path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))
    if path is None:
        return None
    stat = Path(path).stat()
    return Program(path, f"{path} {stat.st_size} {stat.st_mtime_ns}".encode())


class ShellCheck:
    """Comments on scripts. `start` begins the work and `results` waits for it; the caller may do its own meanwhile."""

    def __init__(self, program: Program, jobs: int, seconds: float, *, remember: bool = True) -> None:
        self._program = program
        self._jobs = jobs
        self._seconds = seconds
        self._keys: list[bytes] = []
        self._known: dict[bytes, Comments] = {}
        self._memory = own(shellcheck_path()) if remember else None
        self._batches: list[_Batch] = []

    def start(self, texts: Sequence[str]) -> None:
        """Look up what is known of the scripts and have the others checked."""
        identity = (self._program.identity, *(argument.encode() for argument in _ARGUMENTS))
        encoded = [text.encode("utf-8", "replace") for text in texts]
        self._keys = [key(*identity, text) for text in encoded]
        remembered = load(self._memory, set(self._keys)) if self._memory else {}
        self._known = {
            each: said for each, value in remembered.items() if (said := _unpacked(value)) is not None
        }
        by_key = dict(zip(self._keys, encoded, strict=True))
        missing = sorted(
            (item for item in by_key.items() if item[0] not in self._known), key=lambda item: -len(item[1])
        )
        if missing:
            # Dealt out largest first, so that the shares are about the same.
            worth = 1 + sum(len(text) for _, text in missing) // _WORTH
            count = max(-(-len(missing) // _BATCH), min(self._jobs, len(missing), worth))
            self._batches = [_Batch(self._program, missing[start::count]) for start in range(count)]
            for batch in self._batches[: self._jobs]:
                batch.start()

    def results(self) -> list[Comments | str]:
        """For each script its comments, or why there are none."""
        faults: dict[bytes, str] = {}
        fresh: dict[bytes, Comments] = {}
        for position, batch in enumerate(self._batches):
            found, failed = batch.finish(self._seconds)
            fresh.update(found)
            faults.update(failed)
            if (following := position + self._jobs) < len(self._batches):
                self._batches[following].start()
        if self._memory:
            save(self._memory, {each: json.dumps(said).encode() for each, said in fresh.items()})
        known = self._known | fresh
        return [faults[each] if each in faults else known[each] for each in self._keys]


class _Batch:
    """One process over some scripts; when it fails, each script alone."""

    def __init__(self, program: Program, scripts: Sequence[tuple[bytes, bytes]]) -> None:
        self._program = program
        self._scripts = scripts
        self._process: subprocess.Popen[bytes] | None = None
        self._refused = "ShellCheck was not started"
        self._folder: TemporaryDirectory[str] | None = None

    def start(self) -> None:
        import subprocess
        from tempfile import TemporaryDirectory

        environment = {name: value for name, value in os.environ.items() if name != "SHELLCHECK_OPTS"}
        # What keeps it from starting is told when the answer is asked for.
        try:
            self._folder = TemporaryDirectory(prefix="secpipe-")
            folder = Path(self._folder.name)
            for number, (_, text) in enumerate(self._scripts):
                (folder / str(number)).write_bytes(text)
            self._process = subprocess.Popen(
                [self._program.path, *_ARGUMENTS, *map(str, range(len(self._scripts)))],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            self._refused = f"ShellCheck cannot be started: {(error.strerror or str(error)).lower()}"

    def finish(self, seconds: float) -> tuple[dict[bytes, Comments], dict[bytes, str]]:
        """What the process said by the key of each script, and what went wrong with which."""
        try:
            answer, fault = self._answer(seconds)
        finally:
            if self._folder:
                self._folder.cleanup()
        if not fault:
            return {key: answer.get(str(n), ()) for n, (key, _) in enumerate(self._scripts)}, {}
        if len(self._scripts) == 1:
            return {}, {self._scripts[0][0]: fault}
        found: dict[bytes, Comments] = {}
        faults: dict[bytes, str] = {}
        for script in self._scripts:
            alone = _Batch(self._program, [script])
            alone.start()
            results, failed = alone.finish(seconds)
            found.update(results)
            faults.update(failed)
        return found, faults

    def _answer(self, seconds: float) -> tuple[dict[str, Comments], str]:
        import subprocess

        if self._process is None:
            return {}, self._refused
        try:
            output, _ = self._process.communicate(timeout=seconds + len(self._scripts) / 2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return {}, f"ShellCheck did not finish in {seconds:g} s"
        # 0: nothing to say, 1: comments; anything else is a failure.
        if self._process.returncode not in (0, 1):
            return {}, f"ShellCheck failed with code {self._process.returncode}"
        by_file: dict[str, Comments] = {}
        try:
            for each in json.loads(output)["comments"]:
                said = _comment([each[field] for field in _FIELDS])
                by_file[each["file"]] = (*by_file.get(each["file"], ()), said)
        except (ValueError, KeyError, TypeError):
            return {}, "ShellCheck gave an answer that is no JSON of its own"
        return by_file, ""


def _unpacked(value: bytes) -> Comments | None:
    """Remembered comments, None when that is not what they are."""
    try:
        return tuple(_comment(fields) for fields in json.loads(value))
    except (ValueError, TypeError):
        return None


def _comment(fields: Sequence[Any]) -> Comment:
    """One comment. Raises ValueError or TypeError for anything else."""
    *numbers, level, code, message = fields
    if not all(isinstance(number, int) and number > 0 for number in (*numbers, code)):
        raise ValueError
    if level not in _LEVELS or not isinstance(message, str):
        raise ValueError
    return Comment(*fields)
