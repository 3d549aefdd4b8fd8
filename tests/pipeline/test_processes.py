"""Work in several processes: everything has its result, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
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


def test_beside_threads_nothing_is_forked() -> None:
    done = Event()
    thread = Thread(target=done.wait)
    thread.start()
    try:
        assert not processes._may_fork()
        found = list(processes.spread(work, [["1", "2"], ["7"], ["3"]], "lost {}".format, 2))
    finally:
        done.set()
        thread.join()
    assert found == ["did 1", "did 2", "lost 7", "did 3"]


def test_more_shares_than_a_pipe_holds() -> None:
    shares = [[str(number)] for number in range(100, processes._MOST_SHARES + 101)]
    assert list(processes.spread(work, shares, str, 2)) == [f"did {share[0]}" for share in shares]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes do not begin as copies of this one")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nobody_goes_on_without_the_one_that_began_it(tmp_path: Path, number: int) -> None:
    """The copies of a process that was ended have no answer to give that a pipe would not hold, and end as well."""
    script = (
        "import os, signal, sys, time\n"
        "from secpipe.pipeline.processes import spread\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def work(items):\n"
        "    open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
        "    time.sleep(0.2)\n"
        "    return ['x' * 500_000]\n"
        "list(spread(work, [['a']] * 400, str, 3))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "pids")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while len(_lines(tmp_path / "pids")) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)  # ends when nobody holds its standard error any more
    assert (process.returncode, said.splitlines()[-1:]) == (
        -number,
        ["KeyboardInterrupt"] if number == signal.SIGINT else [],
    )


def _lines(file: Path) -> set[str]:
    return set(file.read_text().split()) if file.exists() else set()
