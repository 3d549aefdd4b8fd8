"""`secpipe fleet scan` against the real registry: a local pool, a Dask cluster, and all that goes wrong on the way."""

from __future__ import annotations

import base64
import json
import os
import pickle
import shutil
import signal
import sqlite3  # noqa: TID253 - as its readers do
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from secpipe.catalog import Inventory
from secpipe.fleet.executors import cluster
from secpipe.fleet.names import asked, named
from secpipe.fleet.plan import plan
from secpipe.fleet.reach import Access
from secpipe.fleet.resolve import resolve
from secpipe.fleet.run import Tally, run
from secpipe.fleet.work import Work, keep
from tests.support.advisories import RECORDS, build_database, record
from tests.support.cli import SETTINGS, Result, secpipe
from tests.support.faults import SOUND, Fault, faulty
from tests.support.fleets import layers_of, pushed
from tests.support.images import BuiltImage
from tests.support.registry import PASSWORD, USERNAME, Registries
from tests.support.servers import REDIS, redis

COUNT = 200
FEW = 30
ENCODED = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture(scope="module")
def images(registries: Registries) -> list[tuple[str, BuiltImage]]:
    """Path below the registry's address, and image."""
    return [(reference.partition("/")[2], built) for reference, built in pushed(registries.anonymous, COUNT)]


def scan(folder: Path, references: list[str], database: Path, *more: str, cache: str = "cache") -> Result:
    (folder / "images.txt").write_text("\n".join(references))
    files: tuple[str | Path, ...] = (
        "--file",
        folder / "images.txt",
        "--results",
        folder / "fleet.sqlite",
        "--db",
        database,
    )
    return secpipe(
        *("fleet", "scan", *files, "--platform", "linux/amd64", "--workers", "2", *more),
        env={"SECPIPE_CACHE": str(folder / cache)},
    )


def logged_in(folder: Path, registries: Registries) -> Path:
    """A file with the credentials for the registry that gives tokens."""
    authfile = folder / "auth.json"
    authfile.write_text(json.dumps({"auths": {registries.token: {"auth": ENCODED}}}))
    return authfile


def verdicts(folder: Path) -> dict[str, str]:
    """Name → verdict, as the history has it."""
    with sqlite3.connect(folder / "fleet.sqlite") as connection:
        return dict(
            connection.execute(
                "SELECT reference, verdict FROM sightings JOIN names ON names.id = name "
                "JOIN images ON images.id = image WHERE until IS NULL"
            )
        )


def blobs(paths: list[tuple[str, str]], built: list[BuiltImage]) -> Counter[str]:
    """How often each layer was asked for."""
    layers = layers_of(built)
    return Counter(name for path, _ in paths if (name := path.rpartition("/")[2]) in layers)


def test_each_layer_is_read_once_in_the_whole_fleet(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    with faulty(registries.anonymous) as proxy:
        references = [f"{proxy.address}/{path}" for path, _ in images]
        result = scan(tmp_path, references, database)
        assert result.code == 1, result.stderr
        once = blobs(proxy.asked, [built for _, built in images])
        assert once == dict.fromkeys(layers_of([built for _, built in images]), 1)
        manifests = Counter(path for path, _ in proxy.asked if "/manifests/" in path)
        assert set(manifests.values()) == {1}
        assert len(verdicts(tmp_path)) == COUNT
        # Debian's images have a flaw; so have those with an old requests.
        assert Counter(verdicts(tmp_path).values())["failed"] >= COUNT // 2

        proxy.sound()
        again = scan(tmp_path, references, database)
        assert again.code == 1
        assert not blobs(proxy.asked, [built for _, built in images])
        assert f"{COUNT} were known" in again.stdout

        proxy.sound()
        planned = scan(tmp_path, references, database, "--plan", cache="another")
        assert planned.code == 0
        assert "to be read: 0 layers" in planned.stdout
        assert not blobs(proxy.asked, [built for _, built in images])


def test_the_verdicts_are_those_of_a_scan(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    references = [f"{registries.anonymous}/{path}" for path, _ in images[:6]]
    scan(tmp_path, references, database)
    alone = {
        reference: secpipe("scan", reference, "--db", database, "-f", "json").json["verdict"]
        for reference in references
    }
    assert verdicts(tmp_path) == alone


def test_a_registry_that_fails_for_a_tenth_of_the_requests(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    with faulty(registries.anonymous) as proxy:
        spoilt = [SOUND] * 9 + [Fault(status=503, headers=(("Retry-After", "0"),))]
        lost = [SOUND] * 9 + [Fault(drop=True)]
        proxy.plan("/blobs/", *spoilt * 500)
        proxy.plan("/manifests/", *lost * 500)
        references = [f"{proxy.address}/{path}" for path, _ in images[:FEW]]
        result = scan(tmp_path, references, database)
    assert result.code == 1, result.stderr
    assert len(verdicts(tmp_path)) == FEW


def test_what_cannot_be_read_is_told_and_costs_the_others_nothing(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    own = (
        layers_of([images[3][1]]).keys()
        - layers_of([images[5][1]]).keys()
        - layers_of([images[13][1]]).keys()
    )
    (only,) = own
    with faulty(registries.anonymous) as proxy:
        proxy.plan(only, Fault(corrupt=20))
        references = [f"{proxy.address}/{path}" for path, _ in images[:FEW]]
        nowhere = f"{proxy.address}/fleet/nobody:1"
        result = scan(tmp_path, [*references, nowhere], database, "--fail-on", "none")
        assert result.code == 3
        assert set(verdicts(tmp_path)) == {*references} - {references[3]}
        assert only in result.stderr
        assert nowhere in result.stderr
        assert "2 could not be read" in result.stdout

        # Nobody has looked the names up since.
        watched = secpipe(
            *("fleet", "watch", "--once", "--results", tmp_path / "fleet.sqlite", "--db", database),
            *("--fail-on", "none"),
        )
        assert watched.code == 3

        proxy.sound()
        mended = scan(tmp_path, references, database, "--fail-on", "none")
        assert mended.code == 0, mended.stderr
        assert set(blobs(proxy.asked, [built for _, built in images])) == {only}


def test_an_interrupted_run_goes_on(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    with faulty(registries.anonymous) as proxy:
        references = [f"{proxy.address}/{path}" for path, _ in images[:FEW]]
        proxy.plan("/blobs/", *[SOUND] * (FEW + 12), Fault(delay=60))
        (tmp_path / "images.txt").write_text("\n".join(references))
        command = [sys.executable, "-m", "secpipe", "fleet", "scan", "--file", str(tmp_path / "images.txt")]
        command += [
            "--results",
            str(tmp_path / "fleet.sqlite"),
            "--db",
            str(database),
            "--platform",
            "linux/amd64",
        ]
        process = subprocess.Popen(
            [*command, "--workers", "2"],
            env={**os.environ, **SETTINGS, "SECPIPE_CACHE": str(tmp_path / "cache")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(600):
            if len(proxy.ranges("/blobs/")) > FEW + 12:
                break
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        before = blobs(proxy.asked, [built for _, built in images[:FEW]])
        proxy.sound()
        result = scan(tmp_path, references, database)
        after = blobs(proxy.asked, [built for _, built in images[:FEW]])
    assert result.code == 1, result.stderr
    assert len(verdicts(tmp_path)) == FEW
    assert before
    # What was under way when it was killed is read again, and nothing else.
    assert len(before & after) <= 8
    assert set(before | after) == set(layers_of([built for _, built in images[:FEW]]))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("part", "sound"), [("/manifests/", 1), ("/blobs/", 8)])
def test_who_interrupts_a_run_waits_for_no_worker_and_no_registry(
    tmp_path: Path,
    registries: Registries,
    images: list[tuple[str, BuiltImage]],
    database: Path,
    part: str,
    sound: int,
    sent: int,
    code: int,
) -> None:
    with faulty(registries.anonymous) as proxy:
        proxy.plan(part, *[SOUND] * sound, Fault(delay=60))
        references = [f"{proxy.address}/{path}" for path, _ in images[:6]]
        command = [sys.executable, "-m", "secpipe", "fleet", "scan", *references, "--db", str(database)]
        process = subprocess.Popen(
            [*command, "--workers", "2", "--platform", "linux/amd64"],
            env={**os.environ, **SETTINGS, "SECPIPE_CACHE": str(tmp_path / "cache")},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        for _ in range(600):
            if len(proxy.ranges(part)) > sound:
                break
            time.sleep(0.05)
        # As a terminal does, to all processes.
        os.killpg(process.pid, sent)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code
    for noise in (b"Traceback", b"leaked"):
        assert noise not in said


@needs_redis
def test_what_is_known_of_layers_is_shared_in_redis(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    with redis(tmp_path) as url, faulty(registries.anonymous) as proxy:
        references = [f"{proxy.address}/{path}" for path, _ in images[:FEW]]
        assert scan(tmp_path, references, database, "--store", url).code == 1
        proxy.sound()
        (tmp_path / "fleet.sqlite").unlink()
        result = scan(tmp_path, references, database, "--store", url)
        assert result.code == 1
        assert "read 0 layers" in result.stdout
        assert not blobs(proxy.asked, [built for _, built in images])
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    (tmp_path / "fleet.sqlite").unlink()
    references = [f"{registries.anonymous}/{path}" for path, _ in images[:3]]
    gone = scan(tmp_path, references, database, "--store", url)
    assert gone.code == 1
    assert "Redis cannot be used" in gone.stderr
    assert len(verdicts(tmp_path)) == 3


def test_what_is_known_of_layers_is_shared_in_a_file_system(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    url = f"file://{tmp_path}/shared/layers"
    references = [f"{registries.anonymous}/{path}" for path, _ in images[:3]]
    assert scan(tmp_path, references, database, "--store", url).code == 1
    (tmp_path / "fleet.sqlite").unlink()
    again = scan(tmp_path, references, database, "--store", url)
    assert "read 0 layers" in again.stdout


def test_the_fleet_is_judged_again_when_advisories_change(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]], database: Path
) -> None:
    def watch(database: Path, *more: str) -> Result:
        files: tuple[str | Path, ...] = ("--results", tmp_path / "fleet.sqlite", "--db", database)
        return secpipe("fleet", "watch", "--once", *files, *more)

    assert watch(database).code == 2
    with faulty(registries.anonymous) as proxy:
        references = [f"{proxy.address}/{path}" for path, _ in images[:6]]
        scan(tmp_path, references, database)
        proxy.sound()
        before = verdicts(tmp_path)
        same = watch(database)
        assert (same.code, same.stderr.splitlines()[-1]) == (1, "nothing has changed")
        zlib = record("DSA-9", "Debian:12", "zlib1g", "1:1.3")
        no_python = [one for one in RECORDS if "PyPI" not in str(one["affected"])]
        for name, records, judged in (
            ("a-flaw-of-zlib", [*RECORDS, zlib], 3),
            ("no-debian", [one for one in RECORDS if "Debian" not in str(one["affected"])], 3),
            ("no-python", no_python, 6),
            # That there are no advisories for Python is nothing new.
            ("no-python-but-zlib", [*no_python, zlib], 3),
            ("all", RECORDS, 6),
        ):
            changed = build_database(tmp_path / name, records)
            proxy.sound()
            again = watch(changed)
            assert f"{judged} were known" in again.stdout, name
            assert watch(changed).stderr.splitlines()[-1] == "nothing has changed"
            assert not proxy.asked
            # It is what a fleet that was never seen is judged to be.
            (tmp_path / name / "fresh").mkdir()
            scan(tmp_path / name / "fresh", references, changed)
            assert verdicts(tmp_path) == verdicts(tmp_path / name / "fresh"), name
    after = verdicts(tmp_path)
    assert after == before

    other = watch(database, "--limit", "file-bytes=1KiB", "--fail-on", "low")
    assert other.code == 1
    assert "6 could not be read" in other.stdout
    assert "secpipe fleet scan" in other.stderr
    assert verdicts(tmp_path) == after


def test_credentials_do_not_travel(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]]
) -> None:
    access = Access(logged_in(tmp_path, registries))
    names, _ = named(asked([f"{registries.token}/{path}" for path, _ in images[:2]]))
    resolved = resolve(names, "linux/amd64", access)
    assert not resolved.unresolved
    made = plan(resolved.images, lambda key: False, lambda layer: False)
    work = Work(access, str(tmp_path / "store"))
    sent = b"".join(pickle.dumps((way, work)) for ways in made.reads for way in ways)
    sent += b"".join(pickle.dumps((image.image, work)) for image, _ in made.lists)
    for secret in (PASSWORD, USERNAME, ENCODED, "Bearer", "Basic"):
        assert secret.encode() not in sent
    assert all(keep(*pickle.loads(pickle.dumps((ways[0], work)))).problem is None for ways in made.reads)


def test_a_token_is_for_all_images_of_a_repository(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]]
) -> None:
    names, _ = named(asked([f"{registries.token}/{path}" for path, _ in images]))
    asked_before = len(registries.issuer.requests)
    resolved = resolve(names, "linux/amd64", Access(logged_in(tmp_path, registries)))
    assert not resolved.unresolved
    repositories = {path.rpartition(":")[0] for path, _ in images}
    # Who has waited for two seconds gets one for itself.
    assert len(registries.issuer.requests) - asked_before <= len(repositories) + 16 < COUNT


def test_a_cluster_that_loses_a_worker(
    tmp_path: Path, registries: Registries, images: list[tuple[str, BuiltImage]]
) -> None:
    distributed = pytest.importorskip("distributed")
    access = Access()
    names, _ = named(asked([f"{registries.anonymous}/{path}" for path, _ in images]))
    resolved = resolve(names, "linux/amd64", access)
    made = plan(resolved.images, lambda key: False, lambda layer: False)
    tally, told = Tally(), []
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as local,
        cluster(local.scheduler_address) as workers,
    ):
        victim = next(iter(local.workers.values())).pid
        work = Work(access, str(tmp_path / "store"))
        for outcome in run(made, work, workers.executor, workers.at_once, tally):
            told.append(outcome)
            if len(told) == COUNT // 4:
                os.kill(victim, signal.SIGKILL)
    assert len(told) == COUNT
    assert all(isinstance(outcome.inventory, Inventory) for outcome in told)
    # A layer whose reading ended with the worker is in the store, or is read again.
    total = sum(layers_of([built for _, built in images]).values())
    assert total * 0.9 <= tally.bytes <= total * 1.1
