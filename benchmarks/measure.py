"""Times whole processes: wall clock, processor time and the largest resident set, as the kernel counts them (wait4)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
# An installed package brings its bytecode along; a checkout writes it in the first run, unless told not to.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
# ru_maxrss is in KiB on Linux and in bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Timing:
    """Median of the runs in seconds, the largest resident set of any in MiB, and the median of what processors spent.

    The set counts from what the measuring process itself had at most when it started the other: it must stay small.
    """

    seconds: float
    mebibytes: float
    cpu: float


def measure(
    commands: Mapping[str, Sequence[str]], runs: int, folder: Path | None = None
) -> dict[str, Timing]:
    """Run every command `runs` times after one warm-up, taking turns, so that a busy machine slows all alike. `folder` is
    where they run, by default here.

    Findings are what the commands are run for: exit code 1 is as good as 0. Raises `SystemExit` on any other.
    """
    samples: dict[str, list[Timing]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            sample = _run(command, folder)
            if turn or runs == 1:
                samples[name].append(sample)
    return {
        name: Timing(
            statistics.median(sample.seconds for sample in taken),
            max(sample.mebibytes for sample in taken),
            statistics.median(sample.cpu for sample in taken),
        )
        for name, taken in samples.items()
    }


def _run(command: Sequence[str], folder: Path | None) -> Timing:
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=folder,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode not in (0, 1):
        sys.stderr.buffer.write(errors)
        raise SystemExit(f"error: exit code {process.returncode} from: {' '.join(command[:6])}")
    return Timing(seconds, usage.ru_maxrss * RSS_UNIT / MIB, usage.ru_utime + usage.ru_stime)
