"""Processes of this machine that do a fleet's work."""

from __future__ import annotations

import signal
import subprocess
import sys

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
