"""Prints how secpipe compares with its peers, all measured in one run: `make bench`, or

    python -m benchmarks --archive debian.tar --advisories OSV_DIR --trivy-cache DIR

A peer or an input that is not there leaves its row unmeasured, and the row says so. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import write
from benchmarks.measure import Timing, measure

ROOT = Path(__file__).parent.parent
SECPIPE = str(Path(sys.executable).with_name("secpipe"))
BARE = (sys.executable, "-c", "import typer, dockerfile_parse")


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `goal` is the ratio to keep below, or above when `faster` counts how much faster we are."""

    what: str
    ours: Timing
    peer: str = ""
    theirs: Timing | None = None
    goal: str = ""
    faster: bool = False

    def cells(self) -> tuple[str, ...]:
        ours, peer, ratio = _timing(self.ours), "", ""
        if self.theirs:
            peer = f"{self.peer} {_timing(self.theirs)}"
            times = self.theirs.seconds / self.ours.seconds
            ratio = f"{times:.1f} x faster" if self.faster else f"{1 / times:.2f}"
        return self.what, ours, peer, ratio, self.goal


def main() -> None:
    options = _options()
    print(f"{'':24}{'secpipe':18}{'peer':30}{'ratio':14}goal")
    with tempfile.TemporaryDirectory() as scratch:
        for row in (
            _version(options),
            _lint_one(options),
            _lint_many(options, Path(scratch)),
            _scan(options, Path(scratch)),
        ):
            if isinstance(row, str):
                print(row)
            else:
                what, ours, peer, ratio, goal = row.cells()
                print(f"{what:24}{ours:18}{peer:30}{ratio:14}{goal}".rstrip(), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Compare secpipe with its peers."
    )
    parser.add_argument("--runs", type=int, default=10, help="runs of each command (the long ones: a third)")
    parser.add_argument("--corpus", type=Path, help="a folder of Dockerfiles instead of the generated ones")
    parser.add_argument("--hadolint", default="hadolint", help="the program to compare lint with")
    parser.add_argument("--trivy", default="trivy", help="the program to compare scan with")
    parser.add_argument("--archive", type=Path, help="a docker-archive to scan")
    parser.add_argument(
        "--advisories", type=Path, help="OSV records for it, as `secpipe db build` takes them"
    )
    parser.add_argument(
        "--trivy-cache", type=Path, help="a trivy cache folder with a database of the same advisories"
    )
    return parser.parse_args()


def _version(options: argparse.Namespace) -> Row:
    taken = measure({"ours": (SECPIPE, "--version"), "bare": (sys.executable, "-c", "pass")}, options.runs)
    return Row("secpipe --version", taken["ours"], "python", taken["bare"], "<= 90 ms")


def _lint_one(options: argparse.Namespace) -> Row:
    commands = {"ours": (SECPIPE, "lint", str(ROOT / "examples" / "Dockerfile")), "bare": BARE}
    taken = measure(commands, options.runs)
    return Row("lint, one file", taken["ours"], "imports", taken["bare"], "<= 1.8")


def _lint_many(options: argparse.Namespace, scratch: Path) -> Row | str:
    files = _dockerfiles(options.corpus) if options.corpus else write(scratch / "corpus")
    names = [str(path) for path in files]
    what = f"lint, {len(files)} files"
    hadolint = shutil.which(options.hadolint)
    if hadolint is None:
        ours = measure({"ours": (SECPIPE, "lint", "-f", "json", *names)}, _few(options))
        return Row(what, ours["ours"], goal=f"not measured: {options.hadolint} not installed")
    taken = measure(
        {"ours": (SECPIPE, "lint", "-f", "json", *names), "peer": (hadolint, "-f", "json", *names)},
        _few(options),
    )
    return Row(what, taken["ours"], "hadolint", taken["peer"], ">= 10 x", faster=True)


def _dockerfiles(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "ockerfile" in path.name)


def _scan(options: argparse.Namespace, scratch: Path) -> Row | str:
    if not options.archive or not options.advisories:
        return "scan                    not measured: needs --archive and --advisories"
    database = scratch / "advisories"
    measure({"build": (SECPIPE, "db", "build", str(options.advisories), "--db", str(database))}, 1)
    commands: dict[str, Sequence[str]] = {
        "ours": (
            *(SECPIPE, "scan", f"docker-archive:{options.archive}", "--db", str(database), "--offline"),
            # Trivy's cache of layers is in memory, so it too reads them in every run.
            *("-f", "json", "--no-cache"),
        )
    }
    what = f"scan, {options.archive.stat().st_size / 1e6:.0f} MB archive"
    trivy = shutil.which(options.trivy)
    if trivy is None or not options.trivy_cache:
        missing = "--trivy-cache" if trivy else f"{options.trivy} not installed"
        return Row(what, measure(commands, _few(options))["ours"], goal=f"not measured: {missing}")
    commands["peer"] = (
        *(trivy, "image", "--input", str(options.archive), "--cache-dir", str(options.trivy_cache)),
        *("--cache-backend", "memory", "--scanners", "vuln", "--skip-db-update", "--skip-java-db-update"),
        *("--offline-scan", "--disable-telemetry", "--skip-version-check", "-q", "-f", "json"),
    )
    taken = measure(commands, options.runs)
    return Row(what, taken["ours"], "trivy", taken["peer"], "<= 1.5")


def _few(options: argparse.Namespace) -> int:
    runs: int = max(1, options.runs // 3)
    return runs


def _timing(timing: Timing) -> str:
    seconds = timing.seconds
    time = f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    return f"{time} {timing.mebibytes:.0f} MiB"


if __name__ == "__main__":
    main()
