"""`python -m benchmarks.store OSV_DIR`: what the advisory database costs, against the goals that the project has set itself.

OSV_DIR is laid out like the public feed (`<ECOSYSTEM>/all.zip`). Its records are multiplied, under other ids and with
packages of other names, until there are as many as wanted, so sizes and look-ups are those of many packages and not of few
with many records. Cold means that the page cache has nothing of the database's files; modules are loaded. The 500 packages
are all ones that records are about, at versions that these name: most have findings, many a hundred. `--roots` measures
packages of real images beside them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import random
import sqlite3  # noqa: TID253  # nobody waits for this program to start
import statistics
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.findings_agreement import examine
from benchmarks.measure import measure
from secpipe.advisories.store import Store
from secpipe.match.candidates import judge
from secpipe.match.ecosystem import scheme_for
from secpipe.match.identity import subjects
from secpipe.match.matcher import candidates_of, match
from secpipe.model.package import Package, Source

RECORDS = 190_000
PACKAGES = 500
IN_IMAGE = 300
TURNS = 5
TYPES = {"Debian": "deb", "Alpine": "apk", "PyPI": "pypi", "Go": "golang", "crates.io": "cargo"}
OCI = "application/vnd.oci.image"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what, how much of which unit, and how much it may be."""

    what: str
    value: float
    unit: str
    goal: float | None = None

    def __str__(self) -> str:
        if self.goal is None:
            return f"{self.what:56} {self.value:9.2f} {self.unit}"
        verdict = "met" if self.value <= self.goal else "missed"
        return f"{self.what:56} {self.value:9.2f} {self.unit:4} (goal {self.goal:g}: {verdict})"


def multiplied(source: Path, folder: Path, wanted: int) -> int:
    """Write the feed of so many records; returns how many there are."""
    zips = sorted(source.glob("*/all.zip"))
    records: dict[str, list[dict[str, Any]]] = {}
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            records[path.parent.name] = [json.loads(archive.read(name)) for name in archive.namelist()]
    there = sum(map(len, records.values()))
    if not there:
        raise SystemExit(f"no <ECOSYSTEM>/all.zip below {source}")
    count = 0
    for base, values in records.items():
        (folder / base).mkdir(parents=True)
        share = len(values) * wanted // there
        with zipfile.ZipFile(
            folder / base / "all.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as archive:
            for number in range(share):
                turn, index = divmod(number, len(values))
                value = _renamed(values[index], turn) if turn else values[index]
                archive.writestr(f"{number}.json", json.dumps(value))
                count += 1
    return count


def _renamed(record: dict[str, Any], turn: int) -> dict[str, Any]:
    affected = record.get("affected")
    entries = [
        {**entry, "package": {**entry["package"], "name": f"{entry['package']['name']}-{turn}"}}
        for entry in (affected if isinstance(affected, list) else [])
        if isinstance(entry.get("package"), dict) and "name" in entry["package"]
    ]
    return {**record, "id": f"{record['id']}-{turn}", "affected": entries}


def packages(database: Path, count: int, bases: tuple[str, ...], seed: int) -> list[Package]:
    """Packages that the database knows, spread over its ecosystems, at versions that its records name."""
    chance = random.Random(seed)  # a choice, not a secret
    found: list[Package] = []
    with Store.open(database) as store:
        shards = [shard for shard in store.shards if shard.base in bases]
        for shard in shards:
            connection = sqlite3.connect(database / shard.file)
            names = sorted(connection.execute("SELECT ecosystem, name FROM package").fetchall())
            connection.close()
            for ecosystem, name in chance.sample(names, min(len(names), count // len(shards) + 1)):
                bounds = [
                    event.version
                    for one in store.lookup(ecosystem, name)
                    for span in one.affected.ranges
                    for event in span.events
                ]
                version = chance.choice(bounds or ["1.0"])
                kind = TYPES[shard.base]
                found.append(
                    Package(
                        name,
                        version,
                        kind,
                        "x",
                        Source(name, version),
                        purl=f"pkg:{kind}/{name}",
                        ecosystem=ecosystem,
                    )
                )
    return found[:count]


def cold(database: Path, wanted: list[Package]) -> float:
    """Milliseconds to open the database and look the packages up, none of its files in the page cache."""
    for file in database.iterdir():
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    start = time.perf_counter()
    with Store.open(database) as store:
        for package in wanted:
            store.lookup(str(package.ecosystem), package.name)
    return (time.perf_counter() - start) * 1000


def warm(database: Path, wanted: list[Package]) -> tuple[float, float, int]:
    """Processor time in milliseconds to evaluate what is told of the packages, once everything was looked at, and to make
    findings of it; and how many these are."""
    with Store.open(database) as store:
        match(wanted, store)
        start = time.process_time()
        for package in wanted:
            scheme = scheme_for(str(package.ecosystem))
            for name, version in subjects(package) if scheme else ():
                for candidate in candidates_of(package, name, store):
                    judge(candidate, version, str(scheme))
        middle = time.process_time()
        found = match(wanted, store)
        return (
            (middle - start) * 1000,
            (time.process_time() - middle) * 1000,
            len(found.findings),
        )


def of_root(root: Path, database: Path) -> list[Package]:
    """The packages of a root filesystem that advisories may be told of."""
    with Store.open(database) as store:
        return [package for package in examine(root, store).packages if package.ecosystem]


def image(folder: Path, wanted: list[Package]) -> Path:
    """An OCI layout of one layer with these packages of Debian's, all of one release."""
    release = str(wanted[0].ecosystem).partition(":")[2]
    status = "".join(
        f"Package: {one.name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {one.version}\n\n"
        for one in wanted
    )
    plain = io.BytesIO()
    with tarfile.TarFile(fileobj=plain, mode="w") as archive:
        for name, text in (
            ("etc/os-release", f'ID=debian\nVERSION_ID="{release}"\n'),
            ("var/lib/dpkg/status", status),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    diff = "sha256:" + hashlib.sha256(plain.getvalue()).hexdigest()
    layer = _blob(folder, gzip.compress(plain.getvalue(), mtime=0), "layer.v1.tar+gzip")
    settings = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff]}}
    config = _blob(folder, json.dumps(settings).encode(), "config.v1+json")
    text = json.dumps(
        {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": [layer]}
    )
    manifest = _blob(folder, text.encode(), "manifest.v1+json")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return folder


def _blob(folder: Path, data: bytes, kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    path = folder / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}


def looked_up(database: Path, some: list[Package], what: str, *, goals: bool) -> Iterator[Row]:
    """Look-ups of the packages in a cold database, and their evaluation in a warm one."""
    once = statistics.median(cold(database, some) for _ in range(TURNS))
    yield Row(f"{len(some)} packages{what} looked up, cold", once, "ms", 50 if goals else None)
    told = [warm(database, some) for _ in range(TURNS)]
    evaluated, matched = (statistics.median(one[i] for one in told) for i in (0, 1))
    yield Row(f"{len(some)} packages{what} evaluated, warm", evaluated, "ms", 15 if goals else None)
    yield Row(f"… and {told[0][2]:,} findings made of them", matched, "ms")


def rows(source: Path, scratch: Path, wanted: int, roots: list[Path]) -> Iterator[Row]:
    """Every measurement, one after the other."""
    program = [sys.executable, "-m", "secpipe"]
    # In a process of its own: what this one has counts in the resident sets of those that it starts.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        count = pool.submit(multiplied, source, scratch / "feed", wanted).result()
    database = scratch / "db"
    words = [*program, "db", "build", str(scratch / "feed"), "--db", str(database), "--allow-incomplete"]
    built = measure({"build": words}, 1)["build"]
    yield Row(f"compile {count:,} records, processor time", built.cpu, "s", 15)
    yield Row("resident set of that", built.mebibytes, "MiB", 400)
    size = sum(file.stat().st_size for file in database.iterdir()) / 1e6
    yield Row("on disk, for each 100,000 records", size / count * 1e5, "MB", 60)
    some = packages(database, PACKAGES, tuple(TYPES), 1)
    yield from looked_up(database, some, "", goals=True)
    of_debian = [
        one for one in packages(database, 40 * IN_IMAGE, ("Debian",), 2) if one.ecosystem == "Debian:11"
    ]
    target = image(scratch / "image", of_debian[:IN_IMAGE])
    options = ["--platform", "linux/amd64", "--db", str(database), "--offline", "--allow-incomplete"]
    # Not in the checkout, whose Containerfile would be read for the lines that findings may come from.
    done = measure({"scan": [*program, "scan", f"oci:{target}", *options]}, TURNS, scratch)["scan"]
    number = min(len(of_debian), IN_IMAGE)
    yield Row(f"scan of {number} packages, whole process", done.seconds, "s", 0.35)
    yield Row("… processor time", done.cpu, "s")
    for root in roots:
        real = of_root(root, database)
        yield from looked_up(database, real, f" of {root.name}", goals=False)
        command = [*program, "scan", f"dir:{root.resolve()}", *options]
        done = measure({"scan": command}, TURNS, scratch)["scan"]
        yield Row(f"scan of {root.name}, whole process", done.seconds, "s")
        yield Row("… processor time", done.cpu, "s")


def main() -> None:
    """Print the rows as they are measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("source", type=Path, metavar="OSV_DIR")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument(
        "--roots", type=Path, nargs="*", default=[], help="root filesystems to look up and scan as well"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SECPIPE_CACHE"] = f"{scratch}/cache"
        for row in rows(arguments.source, Path(scratch), arguments.records, arguments.roots):
            print(row, flush=True)


if __name__ == "__main__":
    main()
