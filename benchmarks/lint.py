"""How fast `secpipe lint` is beside hadolint: `python -m benchmarks.lint DIR`, on the Dockerfiles below a folder.

Whole processes, taking turns in one run. hadolint always runs ShellCheck; "without" is secpipe without it and without its
cache, "again" with what an earlier run found. "cold" is with ShellCheck and an empty cache, "scripts" with what ShellCheck
said alone, as when a rule or an option has changed, "cached" with all of it. The largest file stands for the one that a
person waits for.
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
        lint = (SECPIPE, "lint", "-f", "json")
        off, on = ("--shellcheck", "off"), ("--shellcheck", "on")
        commands = {
            "hadolint": (*theirs, *many),
            "without": (*lint, "--no-cache", *off, *many),
            "again": ("env", f"SECPIPE_CACHE={scratch}/again", *lint, *off, *many),
            "cold": (*_cold(cold), *on, *many),
            "scripts": (*_scripts(warm), *on, *many),
            "cached": ("env", f"SECPIPE_CACHE={warm}", *lint, *on, *many),
        }
        _table(
            f"{len(many)} files",
            measure(commands, options.runs),
            {"without": 25, "again": 25, "cold": 2, "scripts": 15, "cached": 15},
        )
        commands = {
            "hadolint": (*theirs, one),
            "cold": (*_cold(cold), *on, one),
            "cached": ("env", f"SECPIPE_CACHE={warm}", *lint, *on, one),
        }
        _table(one, measure(commands, 3 * options.runs), {"cold": 1, "cached": 1})
        commands = {"without": (*lint, "--no-cache", *off, *more)}
        _table(f"{len(more)} files (goal: 120 MiB)", measure(commands, 2), {})


def _spread(files: list[str], count: int) -> list[str]:
    """That many of the files, from all over the folder."""
    return files[:: max(1, len(files) // count)][:count]


def _cold(cache: str) -> tuple[str, ...]:
    return "sh", "-c", f'rm -rf "{cache}"; SECPIPE_CACHE="{cache}" exec "$0" lint -f json "$@"', SECPIPE


def _scripts(cache: str) -> tuple[str, ...]:
    return (
        "sh",
        "-c",
        f'rm -f "{cache}/lint.sqlite"; SECPIPE_CACHE="{cache}" exec "$0" lint -f json "$@"',
        SECPIPE,
    )


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
