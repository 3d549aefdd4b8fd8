"""Work in several processes: everything has its result, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

import secpipe.pipeline.lint as lint_module
from secpipe.pipeline import processes
from secpipe.pipeline.lint import LintOptions, lint

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


def test_a_lint_tells_the_file_that_kills_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"f{i:03}" for i in range(lint_module._MANY + 10)]
    for file in files:
        file.write_text("FROM debian:12\n", "utf-8")
    deadly, opened = str(files[30]), lint_module._open

    def crash(file: str, options: LintOptions, with_scripts: bool) -> object:
        if file == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return opened(file, options, with_scripts)

    monkeypatch.setattr(lint_module, "_open", crash)
    report = lint([str(file) for file in files], LintOptions(shellcheck="off", jobs=2))
    assert [(problem.code, problem.subject) for problem in report.problems] == [("internal-error", deadly)]
    assert len(report.files) == len(files) - 1
    assert report.exit_code == 3


def test_the_start_method_is_safe_with_threads() -> None:
    done = Event()
    thread = Thread(target=done.wait)
    thread.start()
    try:
        assert processes._start_method().get_start_method() == "spawn"
    finally:
        done.set()
        thread.join()
