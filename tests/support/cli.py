"""Runs the program as a user does: a process, its exit code, its two streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = {"NO_COLOR": "1", "SECPIPE_SHELLCHECK": "off", "SECPIPE_OFFLINE": "1"}
"""ShellCheck is tested on its own; elsewhere what it says would only be in the way."""


@dataclass(frozen=True)
class Result:
    """What a run left: the exit code and the texts of stdout and stderr."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def secpipe(
    *args: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = b"",
    cwd: Path | None = None,
) -> Result:
    """Run `secpipe ARGS`; whatever happens, it must not end in a traceback."""
    inherited = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("SECPIPE_", "HADOLINT_", "DOCKER_", "REGISTRY_")) or k == "SECPIPE_CACHE"
    }
    done = subprocess.run(
        [sys.executable, "-m", "secpipe", *map(str, args)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=cwd,
        env={**inherited, **SETTINGS, **(env or {})},
        timeout=120,
        check=False,
    )
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.stderr, result.stderr
    return result
