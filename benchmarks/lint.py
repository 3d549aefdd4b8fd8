"""How fast `secpipe lint` is beside hadolint: `python -m benchmarks.lint DIR`, on the Dockerfiles below a folder.

Whole processes, taking turns in one run. hadolint always runs ShellCheck; "without" is secpipe without it, "cold" with it
and an empty cache, "cached" with it and a full one. The largest file stands for the one that a person waits for.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Timing, measure
from secpipe.pipeline.dockerfiles import find

SECPIPE = str(Path(sys.executable).with_name("secpipe"))
MANY = 1000
MORE = 2000


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", metavar="DIR")
    parser.add_argument(
        "--one", metavar="FILE", help="the single Dockerfile; default: the largest of the folder"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hadolint", default="hadolint")
    options = parser.parse_args()
    hadolint = shutil.which(options.hadolint)
    if hadolint is None:
        sys.exit(f"error: {options.hadolint} is not installed; name it with --hadolint")
    files, _ = find([options.dir])
    one = options.one or max(files, key=lambda file: (Path(file).stat().st_size, file))
    many, more = _spread(files, MANY), _spread(files, MORE)
    with tempfile.TemporaryDirectory() as scratch:
        cold, warm = f"{scratch}/cold", f"{scratch}/warm"
        theirs = (hadolint, "--no-fail", "-f", "json")
        commands = {
            "hadolint": (*theirs, *many),
            "without": (SECPIPE, "lint", "-f", "json", "--shellcheck", "off", *many),
            "cold": (*_cold(cold), "-f", "json", "--shellcheck", "on", *many),
            "cached": (
                "env",
                f"SECPIPE_CACHE={warm}",
                SECPIPE,
                "lint",
                "-f",
                "json",
                "--shellcheck",
                "on",
                *many,
            ),
        }
        _table(
            f"{len(many)} files", measure(commands, options.runs), {"without": 25, "cold": 2, "cached": 15}
        )
        commands = {
            "hadolint": (*theirs, one),
            "cold": (*_cold(cold), "-f", "json", "--shellcheck", "on", one),
        }
        _table(one, measure(commands, 3 * options.runs), {"cold": 1})
        commands = {"without": (SECPIPE, "lint", "-f", "json", "--shellcheck", "off", *more)}
        _table(f"{len(more)} files (goal: 120 MiB)", measure(commands, 2), {})


def _spread(files: list[str], count: int) -> list[str]:
    """That many of the files, from all over the folder."""
    return files[:: max(1, len(files) // count)][:count]


def _cold(cache: str) -> tuple[str, ...]:
    return "sh", "-c", f'rm -rf "{cache}"; SECPIPE_CACHE="{cache}" exec "$0" lint "$@"', SECPIPE


def _table(title: str, taken: dict[str, Timing], goals: dict[str, float]) -> None:
    print(title)
    for name, timing in taken.items():
        line = f"  {name:10}{timing.seconds * 1000:9.0f} ms{timing.mebibytes:6.0f} MiB"
        if name in goals:
            ratio = taken["hadolint"].seconds / timing.seconds
            line += f"  {ratio:.2f} x as fast as hadolint (goal: {goals[name]})"
        print(line, flush=True)


if __name__ == "__main__":
    main()
