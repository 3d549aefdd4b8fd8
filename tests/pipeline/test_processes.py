"""Work in several processes: everything has its result, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

import secpipe.pipeline.lint as lint_module
from secpipe.pipeline import processes

DEADLY = {"7", "23"}


def work(items: Sequence[str]) -> list[str]:
    for item in items:
        if item in DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
    return [f"did {item}" for item in items]


def test_a_process_that_dies_costs_only_what_killed_it() -> None:
    shares = [[str(i) for i in range(start, start + 5)] for start in range(0, 40, 5)]
    found = list(processes.spread(work, shares, "lost {}".format, 2))
    expected = [f"lost {i}" if i in DEADLY else f"did {i}" for i in map(str, range(40))]
    assert sorted(found) == sorted(expected)


def test_a_failure_of_the_work_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(processes.spread(fail, [["a"]], str, 1))


def fail(items: Sequence[str]) -> list[str]:
    return [str(1 // (len(items) - 1))]


KILLED_BY_ONE_FILE = """
import os, signal, sys
import secpipe.pipeline.lint as module
opened = module._open

def crash(file, options, with_scripts):
    if file == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return opened(file, options, with_scripts)

module._open = crash
report = module.lint(sys.argv[1:], module.LintOptions(shellcheck="off", jobs=2))
print(len(report.files), report.exit_code, *((problem.code, problem.subject) for problem in report.problems))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes do not begin as copies of this one")
def test_a_lint_tells_the_file_that_kills_its_process(tmp_path: Path) -> None:
    files = [str(tmp_path / f"f{i:03}") for i in range(lint_module._MANY + 10)]
    for file in files:
        Path(file).write_text("FROM debian:12\n", "utf-8")
    command = [sys.executable, "-c", KILLED_BY_ONE_FILE, files[30], *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(files) - 1} 3 ('internal-error', '{files[30]}')\n"


def test_the_start_method_is_safe_with_threads() -> None:
    done = Event()
    thread = Thread(target=done.wait)
    thread.start()
    try:
        assert processes._start_method().get_start_method() == "spawn"
    finally:
        done.set()
        thread.join()
