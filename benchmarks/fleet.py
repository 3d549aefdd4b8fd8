"""`python -m benchmarks.fleet --advisories OSV_DIR`: what a fleet costs, and from that what larger ones would.

The images are made of this machine's own files: some bases with the machine's list of packages, some runtimes on these, and
a layer of its own for each image. They are pushed to docker-registry on this machine, and scanned by whole processes that
start with empty caches and an empty history.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.measure import ENVIRONMENT, MIB

BASES, RUNTIMES = 3, 6
BASE_BYTES, RUNTIME_BYTES = 60 * MIB, 20 * MIB
NEW_LAYERS = 0.1
"""of a fleet's layers, a day: what the model is asked for"""
SIZES = (10**3, 10**5, 10**7)


@dataclass(frozen=True, slots=True)
class Constants:
    """What was measured: processor seconds and bytes."""

    images: int
    resolve: float
    """for each name"""
    read: float
    """for each MiB of a layer as it is stored"""
    list_packages: float
    """for each image that was not known"""
    judge: float
    """for each image, in full"""
    delta: float
    """for each distinct package, when advisories change"""
    packages: int
    """distinct ones"""
    layer_bytes: float
    """distinct, for each image"""
    history_bytes: float
    """for each image"""


class Files:
    """This machine's files, handed out once each."""

    def __init__(self) -> None:
        self._paths = self._walk()

    @staticmethod
    def _walk() -> Iterator[Path]:
        for root in ("/usr/lib", "/usr/share", "/usr/bin", "/opt"):
            for folder, folders, names in os.walk(root):
                folders.sort()
                for name in sorted(names):
                    path = Path(folder, name)
                    if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                        yield path

    def layer(self, size: int, more: dict[str, bytes]) -> bytes:
        """A tar of about so many bytes, with some files besides."""
        out = io.BytesIO()
        with tarfile.TarFile(fileobj=out, mode="w") as archive:
            for name, data in more.items():
                _add(archive, name, data)
            while out.tell() < size:
                path = next(self._paths, None)
                if path is None:
                    self._paths = self._walk()
                    continue
                data = path.read_bytes()
                # What catalogers would look into belongs to no image here.
                if len(data) < size // 2 and not {"site-packages", "dist-packages", "node_modules"} & set(
                    path.parts
                ):
                    _add(archive, str(path).lstrip("/"), data)
        return out.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    archive.addfile(info, io.BytesIO(data))


def pushed(address: str, count: int, own_bytes: int) -> tuple[list[str], int, int]:
    """Make a fleet, each image with a layer of about so many bytes of its own, and push it; its references, the stored bytes
    of its distinct layers, and those of all images by themselves."""
    from tests.support.images import BuiltLayer, image
    from tests.support.registry import push

    class Packed(BuiltLayer):
        """Compressed once, at the level that builders take."""

        @cached_property
        def blob(self) -> bytes:
            return gzip.compress(self.tar, 6, mtime=0)

    files, status = Files(), Path("/var/lib/dpkg/status").read_bytes()
    release = Path("/etc/os-release").read_bytes()
    paragraphs = status.rstrip().split(b"\n\n")
    bases = []
    for number in range(BASES):
        some = b"\n\n".join(paragraphs[number :: 1 + number % 2]) + b"\n"
        bases.append(
            Packed(
                files.layer(BASE_BYTES, {"etc/os-release": release, "var/lib/dpkg/status": some}),
                "ADD rootfs /",
            )
        )
    runtimes = [
        Packed(files.layer(RUNTIME_BYTES, _wheels(number)), "RUN pip install …") for number in range(RUNTIMES)
    ]
    references, there, total = [], dict[str, set[str]](), 0
    distinct = sum(len(layer.blob) for layer in (*bases[:count], *runtimes[:count]))
    for number in range(count):
        own = Packed(files.layer(own_bytes, {"srv/number": str(number).encode()}), "COPY . /srv")
        built = image([bases[number % BASES], runtimes[number % RUNTIMES], own])
        repository = f"team{number % 8}/app"
        push(address, repository, f"1.{number}", built, there=there.setdefault(repository, set()))
        distinct += len(own.blob)
        total += sum(len(layer.blob) for layer in (bases[number % BASES], runtimes[number % RUNTIMES], own))
        references.append(f"{address}/{repository}:1.{number}")
    return references, distinct, total


def _wheels(number: int) -> dict[str, bytes]:
    """The packages of a runtime: real names, in versions that have flaws or none."""
    wanted = {
        "requests": "2.31",
        "jinja2": "3.1",
        "urllib3": "1.26",
        "cryptography": "41.0",
        "django": "4.2",
        "flask": "2.3",
    }
    found = {}
    for name, version in wanted.items():
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}.{number}\n"
        found[f"usr/lib/python3/site-packages/{name}-{version}.{number}.dist-info/METADATA"] = text.encode()
    return found


def databases(feed: Path, scratch: Path) -> tuple[Path, Path]:
    """The advisories, and the same with one in a thousand left out."""
    zips = [path for name in ("Debian", "PyPI") if (path := feed / name / "all.zip").exists()]
    if not zips:
        raise SystemExit(f"no Debian/all.zip or PyPI/all.zip below {feed}")
    fewer = []
    for path in zips:
        less = scratch / f"{path.parent.name}.zip"
        with (
            zipfile.ZipFile(path) as source,
            zipfile.ZipFile(less, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
        ):
            for number, name in enumerate(sorted(source.namelist())):
                if number % 1000:
                    target.writestr(name, source.read(name))
        fewer.append(less)
    built = scratch / "before", scratch / "after"
    for folder, sources in zip(built, (zips, fewer), strict=True):
        _run(["db", "build", *map(str, sources), "--db", str(folder)], scratch, codes=(0, 3))
    return built


def _run(arguments: Sequence[str], cache: Path, codes: Sequence[int] = (0, 1, 3)) -> tuple[float, float, str]:
    """Wall clock and processor seconds of a whole process with all that it starts, and what it wrote."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "secpipe", *arguments],
        env={**ENVIRONMENT, "SECPIPE_CACHE": str(cache), "SECPIPE_OFFLINE": "1"},
        capture_output=True,
        text=True,
        cwd=cache,
    )
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in codes:
        raise SystemExit(f"error: exit code {done.returncode} from {' '.join(arguments[:4])}\n{done.stderr}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def compared(listing: Path, before: Path, after: Path, scratch: Path, count: int, runs: int) -> None:
    """One worker against two, and the first run against one with other advisories."""
    platform = ["--platform", "linux/amd64", "--allow-incomplete", "--max-db-age", "100000"]
    walls: dict[int, list[float]] = {1: [], 2: []}
    again: list[float] = []
    every: list[float] = []
    written = ""
    for turn in range(runs):
        for workers in walls:
            folder = scratch / f"run{turn}-{workers}"
            folder.mkdir()
            results = ["--results", str(folder / "fleet.sqlite")]
            first = ["fleet", "scan", "--file", str(listing), "--db", str(before), *results, *platform]
            wall, _, written = _run([*first, "--workers", str(workers)], folder)
            walls[workers].append(wall)
        watch = ["fleet", "watch", "--once", "--db", str(after), *results, *platform[2:]]
        wall, _, told = _run(watch, folder)
        again.append(wall)
        wall, _, all_of_them = _run([*watch, "--fail-on", "low"], folder)
        every.append(wall)
        shutil.rmtree(folder / "layers", ignore_errors=True)
    one, two, second = min(walls[1]), min(walls[2]), min(again)
    print(written.strip())
    print(f"with other advisories: {told.strip()}\nwith another gate: {all_of_them.strip()}")
    _row("images a second, one worker", count / one)
    _row("images a second, two workers", count / two)
    _row("two workers against one", one / two, 1.7)
    _row("first run against one with other advisories", two / second, 50)
    _row("first run against one that judges every image", two / min(every))


def _row(what: str, value: float, goal: float | None = None, at_most: bool = False) -> None:
    verdict = ""
    if goal is not None:
        met = value <= goal if at_most else value >= goal
        verdict = f"  (goal {'≤' if at_most else '≥'} {goal:g}: {'met' if met else 'missed'})"
    print(f"{what:48} {value:10.2f}{verdict}")


def measured(listing: Path, before: Path, after: Path, scratch: Path, layer_bytes: int) -> Constants:
    """The constants of the model, each step by itself in this process."""
    from secpipe.fleet.executors import Workers
    from secpipe.fleet.names import asked, named
    from secpipe.fleet.plan import plan
    from secpipe.fleet.reach import Access
    from secpipe.fleet.resolve import resolve
    from secpipe.fleet.results import open_results
    from secpipe.fleet.scan import Fleet, FleetOptions
    from secpipe.fleet.watch import look
    from secpipe.fleet.work import Work, keep, list_packages
    from secpipe.pipeline.scan import ScanOptions
    from secpipe.policy.gate import FailOn

    os.environ["SECPIPE_OFFLINE"] = "1"
    names, _ = named(asked(files=[listing]))
    spent = time.process_time()
    resolved = resolve(names, "linux/amd64", Access())
    resolving = time.process_time() - spent
    count = len(resolved.images)
    made = plan(resolved.images, lambda key: False, lambda layer: False)
    work = Work(Access(), str(scratch / "store"))
    spent = time.process_time()
    for ways in made.reads:
        assert keep(ways[0], work).problem is None
    reading = time.process_time() - spent
    spent = time.process_time()
    found = {one.image.digest: list_packages(one.image, work).parcel for one in resolved.images}
    listing_time = time.process_time() - spent

    scan = ScanOptions("", before, platform="linux/amd64", max_age_days=100_000, allow_incomplete=True)
    results = scratch / "constants.sqlite"
    with open_results(str(results)) as history:
        fleet = Fleet(resolved, FleetOptions(scan, work.store), history)
        fleet.scan(Workers(Here, 1))
        spent = time.process_time()
        look(FleetOptions(replace(scan, fail_on=FailOn.LOW), work.store), history)
        judging = time.process_time() - spent
        spent = time.process_time()
        look(FleetOptions(replace(scan, fail_on=FailOn.LOW, database=after), work.store), history)
        delta = time.process_time() - spent
        packages = len(dict(history.packages()))
    assert all(found.values())
    return Constants(
        count,
        resolving / count,
        reading / (layer_bytes / MIB),
        listing_time / count,
        judging / count,
        delta / packages,
        packages,
        layer_bytes / count,
        results.stat().st_size / count,
    )


class Here(Executor):
    """Does everything at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def modelled(constants: Constants, price: float) -> None:
    """A day of larger fleets: names are looked up once, a tenth of the layers is new, advisories change four times."""
    print("\nmeasured constants")
    for name, value in (
        ("looking a name up", f"{constants.resolve * 1000:.1f} ms"),
        ("reading a MiB of a layer", f"{constants.read * 1000:.1f} ms"),
        ("listing an image's packages", f"{constants.list_packages * 1000:.1f} ms"),
        ("judging an image", f"{constants.judge * 1000:.1f} ms"),
        ("holding a distinct package against new advisories", f"{constants.delta * 1000:.2f} ms"),
        ("new layers of an image", f"{constants.layer_bytes / MIB:.1f} MiB"),
        ("history of an image", f"{constants.history_bytes / 1024:.1f} KiB"),
    ):
        print(f"  {name:52} {value}")
    print(f"\na day, a tenth of the layers new; processors at {price:g} an hour")
    print(
        f"{'images':>12} {'read':>12} {'processor hours':>16} {'cost':>10} {'for 10,000':>11} {'history':>10}"
    )
    for images in SIZES:
        hours, read = _day(constants, images)
        print(
            f"{images:12,} {read / 1024**3:8.1f} GiB {hours:16.2f} {hours * price:10.2f} "
            f"{hours * price / images * 10_000:11.4f} {images * constants.history_bytes / 1024**3:6.1f} GiB"
        )


def _day(constants: Constants, images: int) -> tuple[float, float]:
    """Processor hours and bytes that are read."""
    fresh = images * NEW_LAYERS
    read = fresh * constants.layer_bytes
    # Distinct packages grow far slower than images; that they grow in proportion is the worst case.
    packages = constants.packages * images / constants.images
    seconds = images * constants.resolve + read / MIB * constants.read
    seconds += fresh * (constants.list_packages + constants.judge) + 4 * packages * constants.delta
    return seconds / 3600, read


def main() -> None:
    """Make a fleet, scan it, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--advisories", type=Path, required=True, help="a folder like the public feed, with Debian and PyPI"
    )
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--own", type=int, default=6, help="MiB, unpacked, that each image has of its own")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--price", type=float, default=0.04, help="of an hour of a processor")
    options = parser.parse_args()
    from tests.support.registry import PROGRAM, SKIPPED, serve

    if PROGRAM is None:
        raise SystemExit(SKIPPED)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        before, after = databases(options.advisories.resolve(), scratch)
        with serve(scratch, "registry", {}) as address:
            references, layer_bytes, image_bytes = pushed(address, options.images, options.own * MIB)
            print(
                f"{options.images} images, {layer_bytes / MIB:.0f} MiB of distinct layers, "
                f"{image_bytes / MIB:.0f} MiB each by itself"
            )
            listing = scratch / "images.txt"
            listing.write_text("\n".join(references))
            compared(listing, before, after, scratch, options.images, options.runs)
            constants = measured(listing, before, after, scratch, layer_bytes)
    modelled(constants, options.price)


if __name__ == "__main__":
    main()
