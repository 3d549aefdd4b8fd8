"""How fast layers are read, beside trivy, syft and what inflating alone costs: `python -m benchmarks.pull`

Whole processes, taking turns in one run, each reading every layer anew. secpipe and trivy list packages and match them;
syft only lists them; the floor inflates the layer, hashes its blob and does nothing else. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.layers import TAG
from benchmarks.measure import Timing, measure

ROOT = Path(__file__).parent.parent
SECPIPE = str(Path(sys.executable).with_name("secpipe"))
MOST_MEMORY = 90e6 / (1 << 20)
_FLOOR = """
import hashlib, sys
from isal import igzip_lib
inflater, digest = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP), hashlib.sha256()
with open(sys.argv[1], "rb", buffering=0) as blob:
    while not inflater.eof:
        data = b""
        if inflater.needs_input:
            data = blob.read(256 << 10)
            digest.update(data)
        inflater.decompress(data, 1 << 20)
"""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a number is and how large it may become; more than `least` where `most` is none."""

    what: str
    value: float
    most: float | None = None
    least: float | None = None
    unit: str = ""
    remark: str = ""

    def line(self) -> str:
        sign, bound = ("<=", self.most) if self.most is not None else (">=", self.least)
        assert bound is not None
        met = self.value <= bound if self.most is not None else self.value >= bound
        verdict = f"{'met' if met else 'MISSED'}{self.remark}"
        return f"    {self.what:34}{self.value:8.2f}{self.unit} {sign} {bound:.4g}  {verdict}"


def main() -> None:
    """Make what is to be read, measure, and print a table for each way to it."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "layers"
        # In a process of its own, as what this one takes would count as the others' memory.
        subprocess.run((sys.executable, "-m", "benchmarks.layers", str(folder)), cwd=ROOT, check=True)
        database = Path(scratch) / "advisories"
        subprocess.run(
            (SECPIPE, "db", "build", str(options.advisories), "--db", str(database)),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        programs = _Programs(options, database)
        _packages(programs, folder / "packages", options.runs)
        _registry(programs, folder / "packages", Path(scratch), options.runs)
        _generated(programs, folder, options.runs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pull", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the images are, or are made and stay (2 GB)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--trivy", default="trivy")
    parser.add_argument(
        "--trivy-cache", type=Path, help="a trivy cache folder with a database of the same advisories"
    )
    parser.add_argument("--syft", default="syft")
    parser.add_argument(
        "--advisories",
        type=Path,
        default=ROOT / "vulndb-fixtures" / "osv",
        help="OSV records, as `secpipe db build` takes them",
    )
    return parser.parse_args()


class _Programs:
    """The command lines of those who are compared."""

    def __init__(self, options: argparse.Namespace, database: Path) -> None:
        self._database = database
        self._trivy, self._syft = shutil.which(options.trivy), shutil.which(options.syft)
        self._trivy_cache: Path | None = options.trivy_cache
        if not self._trivy or not self._trivy_cache:
            print(f"trivy is not measured: {'--trivy-cache' if self._trivy else options.trivy} is missing")
        if not self._syft:
            print(f"syft is not measured: {options.syft} is missing")

    def secpipe(self, target: str) -> tuple[str, ...]:
        return (
            *(SECPIPE, "scan", target, "--db", str(self._database), "-f", "json"),
            *("--offline", "--no-cache", "--allow-incomplete"),
        )

    def peers(self, trivy: Sequence[str], syft: str) -> dict[str, Sequence[str]]:
        commands: dict[str, Sequence[str]] = {}
        if self._trivy and self._trivy_cache:
            commands["trivy"] = (
                *(self._trivy, "image", *trivy, "--cache-dir", str(self._trivy_cache)),
                *("--cache-backend", "memory", "--scanners", "vuln", "--skip-db-update"),
                *("--skip-java-db-update", "--offline-scan", "--disable-telemetry"),
                *("--skip-version-check", "-q", "-f", "json"),
            )
        if self._syft:
            commands["syft"] = (
                *("env", "SYFT_CHECK_FOR_APP_UPDATE=false", "SYFT_REGISTRY_INSECURE_USE_HTTP=true"),
                *(self._syft, "scan", syft, "-q", "-o", "json"),
            )
        return commands


def _packages(programs: _Programs, layout: Path, runs: int) -> None:
    blob = max((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    target = f"{layout}:{TAG}"
    taken = measure(
        {
            "secpipe": programs.secpipe(f"oci:{target}"),
            **programs.peers(("--input", str(layout)), f"oci-dir:{layout}"),
            "floor": (sys.executable, "-I", "-c", _FLOOR, str(blob)),
        },
        runs,
    )
    ours = taken["secpipe"]
    _table(
        f"an OCI layout: one layer of {blob.stat().st_size / 1e6:.0f} MB",
        taken,
        *_ratios(taken, {"trivy": 0.5, "syft": 0.2, "floor": 1.8}),
        Goal("resident", ours.mebibytes, MOST_MEMORY, unit=" MiB"),
    )


def _registry(programs: _Programs, layout: Path, scratch: Path, runs: int) -> None:
    if not shutil.which("skopeo"):
        print("a registry: not measured, skopeo is missing")
        return
    # Imported late: the tests' registry comes with pytest.
    from tests.support.registry import PROGRAM, SKIPPED, serve

    if PROGRAM is None:
        print(f"a registry: not measured, {SKIPPED}")
        return
    with serve(scratch, "registry", {}) as address:
        name = f"{address}/packages:{TAG}"
        copy = ("skopeo", "copy", "--quiet", "--dest-tls-verify=false")
        subprocess.run((*copy, f"oci:{layout}:{TAG}", f"docker://{name}"), check=True)
        taken = measure(
            {
                "secpipe": programs.secpipe(f"registry:{name}"),
                **programs.peers(("--image-src", "remote", name), f"registry:{name}"),
            },
            runs,
        )
    _table(
        "the same from a registry on this machine",
        taken,
        *_ratios(taken, {"trivy": 0.6, "syft": 0.2}),
        Goal("resident", taken["secpipe"].mebibytes, MOST_MEMORY, unit=" MiB"),
    )


def _generated(programs: _Programs, folder: Path, runs: int) -> None:
    taken = measure(
        {name: programs.secpipe(f"oci:{folder / name}:{TAG}") for name in ("split", "large", "million")},
        max(1, runs // 2),
    )
    split = taken["split"]
    _table(
        "secpipe alone: the packages in four layers; 640 MB of large files; a million files",
        taken,
        Goal("split, processors at work", split.cpu / split.seconds, least=1.4),
        *(Goal(f"{name}, resident", taken[name].mebibytes, MOST_MEMORY, unit=" MiB") for name in taken),
        Goal("million, time", taken["million"].seconds, 6, unit=" s"),
    )


def _ratios(taken: Mapping[str, Timing], goals: Mapping[str, float]) -> Iterator[Goal]:
    ours = taken["secpipe"]
    for name, most in goals.items():
        if theirs := taken.get(name):
            # On a machine that does other things besides, only this says anything.
            remark = f" (of processors' time {ours.cpu / theirs.cpu:.2f})"
            yield Goal(f"time to {name}'s", ours.seconds / theirs.seconds, most, remark=remark)


def _table(title: str, taken: Mapping[str, Timing], *goals: Goal) -> None:
    print(title)
    for name, timing in taken.items():
        print(
            f"    {name:10}{timing.seconds:8.2f} s {timing.cpu:8.2f} s of processors {timing.mebibytes:6.0f} MiB"
        )
    for goal in goals:
        print(goal.line())
    print(flush=True)


if __name__ == "__main__":
    main()
