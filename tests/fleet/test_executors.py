"""Processes of this machine that do a fleet's work."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor
from pathlib import Path

import pytest

from secpipe.errors import SchedulerLostError
from secpipe.fleet.executors import cluster, local
from secpipe.fleet.plan import plan
from secpipe.fleet.reach import Access
from secpipe.fleet.run import Outcome, Tally, run
from secpipe.fleet.work import Work, keep, maker
from secpipe.model.problem import Problem
from tests.support.fleet import image, layer

_BEGIN = """
import os, signal
from secpipe.fleet.executors import local

if __name__ == "__main__":
    with local(1) as workers:
        print(workers.executor().submit(os.getpid).result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_worker_outlives_who_began_it() -> None:
    # The worker has the same standard output, of which there is no end before its own.
    done = subprocess.run([sys.executable, "-c", _BEGIN], stdout=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout) > 1


_INTERRUPTED = """
import multiprocessing, os, time
from secpipe.fleet.executors import local

if __name__ == "__main__":
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(300,))
    other.start()
    try:
        with local(1) as workers:
            workers.executor().submit(os.getpid).result()
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        time.sleep(0.2)
        print(other.is_alive(), multiprocessing.active_children() == [other])
    other.kill()
"""


def test_an_interrupted_run_ends_its_own_workers_and_nobody_elses() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED], stdout=subprocess.PIPE, check=False, timeout=60, text=True
    )
    assert done.stdout == "True True\n"


def test_no_worker_is_left_behind(tmp_path: Path) -> None:
    """What ends by itself behind a run may do so in the midst of the interpreter's end."""
    before = set(multiprocessing.active_children())
    made = plan([image("1", [])], lambda key: False, lambda layer: False)
    with local(2) as workers:
        (told,) = run(made, Work(Access(), str(tmp_path)), workers.executor, workers.at_once, Tally())
    assert set(multiprocessing.active_children()) == before
    assert not isinstance(told.inventory, Problem)


def test_a_scheduler_that_is_gone_ends_the_run() -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", silence_logs=50
        ) as local,
        cluster(local.scheduler_address) as workers,
    ):
        executor = workers.executor()
        assert executor.submit(divmod, 7, 2).result(20) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result(20)
        waiting = executor.submit(time.sleep, 2)
        local.close()
        with pytest.raises(SchedulerLostError, match="is gone"):
            waiting.result(20)
        with pytest.raises(SchedulerLostError):
            executor.submit(divmod, 1, 1)


def test_what_was_done_before_the_scheduler_was_gone_is_told() -> None:
    images = [image("a:1", layers=["1"]), image("b:1", layers=["2"])]

    class Gone(Executor):
        def submit(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
            raise SchedulerLostError("gone")

    made = plan(images, lambda key: False, lambda one: False)
    told: list[Outcome] = []
    with pytest.raises(SchedulerLostError):
        told.extend(run(made, Work(Access(), ""), Gone, 3, Tally()))
    assert not told


def test_a_worker_with_another_secpipe_does_nothing(tmp_path: Path) -> None:
    other = keep(layer("a", 0), Work(Access(), str(tmp_path), "0.0.1 another"))
    assert isinstance(other.problem, Problem)
    assert "another secpipe" in other.problem.message
    assert "secpipe 0.0.1 " in other.problem.hint
    assert not list(tmp_path.iterdir())
    same = keep(layer("a", 0), Work(Access(), str(tmp_path), maker()))
    assert same.problem is None or same.problem.code != "another-version"
    unopened = keep(layer("a", 0), Work(Access(), "nothing-known://x", maker()))
    assert unopened.problem is not None
    assert "cannot be opened" in unopened.problem.message
