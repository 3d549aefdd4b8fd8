from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.catalog import Inventory
from secpipe.errors import ResultsError, UsageError
from secpipe.fleet.ask import ask
from secpipe.fleet.results import Run, open_results
from secpipe.fleet.results.database import connect
from secpipe.fleet.values import FleetResult, Named, Unresolved
from secpipe.model.problem import Problem
from secpipe.model.scan import Suppression
from tests.fleet.test_codec import INVENTORIES
from tests.support.fleet import ARM64, deb, finding, image, inventory, pypi, result

CATALOGERS = "dpkg=1"


def begun(results: object, advisories: str = "sha256:0", options: str = "") -> Run:
    return results.begin(advisories, "1.0", CATALOGERS, options)  # type: ignore[attr-defined, no-any-return]


def app(version: str = "1", references: tuple[str, ...] = ("registry.example/app:1",)) -> FleetResult:
    found = image(f"app:{version}", ["debian", f"app {version}"], references)
    listed = inventory(found, {0: [deb("libssl3", "3.0.9-1", "openssl")], 1: [pypi("requests", "2.30.0")]})
    ssl = next(package for package in listed.packages if package.name == "libssl3")
    return result(found, listed, [finding("CVE-2023-5363", ssl, "3.0.11-1", aliases=("DSA-5532-1",))])


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    database = connect(url, write=False)
    try:
        return [tuple(row) for row in database.rows(sql)]
    finally:
        database.close()


def test_what_was_recorded_is_known_to_the_next_process(url: str) -> None:
    told, other = app(), app("2")
    with open_results(url) as results:
        results.record(begun(results), told)
    with open_results(url) as results:
        found = dict(results.known([told.image.key, other.image.key], CATALOGERS))
        assert found == {told.image.key: told.inventory}
        assert not dict(results.known([told.image.key], "dpkg=2"))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(INVENTORIES, max_size=4))
def test_any_inventory_comes_back_from_the_database(
    new_database: Callable[[], str], found: list[Inventory]
) -> None:
    told = {}
    with open_results(new_database()) as results:
        run = begun(results)
        for number, listed in enumerate(found):
            one = image(f"image {number}", ["base", f"own {number}"], [f"registry.example/app:{number}"])
            results.record(run, result(one, listed))
            told[one.key] = listed
        results.finish(run)
        assert dict(results.known(told, CATALOGERS)) == told


def test_what_images_share_is_kept_once(url: str) -> None:
    with open_results(url) as results:
        run = begun(results)
        for number in range(20):
            results.record(run, app(str(number), (f"registry.example/app:{number}",)))
        results.finish(run)
    assert rows(url, "SELECT COUNT(*) FROM packages") == [(2,)]
    assert rows(url, "SELECT COUNT(*) FROM layers") == [(21,)]
    assert rows(url, "SELECT COUNT(*) FROM chains") == [(21,)]
    assert rows(url, "SELECT COUNT(*) FROM contents") == [(21,)]
    assert rows(url, "SELECT COUNT(*) FROM image_contents") == [(40,)]
    assert rows(url, "SELECT COUNT(*) FROM findings") == [(1,)]


def test_a_run_that_did_not_finish_goes_on(url: str) -> None:
    first, second = app("1"), app("2", ("registry.example/app:2",))
    with open_results(url) as results:
        run = begun(results)
        results.record(run, first)
    with open_results(url) as results:
        again = begun(results)
        assert again == Run(run.number, CATALOGERS, resumed=True)
        assert results.done(again, [first.image, second.image]) == {first.image.key}
        results.record(again, second)
        results.finish(again)
        assert begun(results).number == run.number + 1
    assert rows(url, "SELECT id, status FROM runs ORDER BY id") == [(1, "completed"), (2, "running")]


def test_a_run_of_another_day_does_not_go_on(url: str) -> None:
    days = iter(datetime(2026, 11, day, 23, 59, tzinfo=UTC) for day in (20, 21))
    with open_results(url, lambda: next(days)) as results:
        run = begun(results)
        results.record(run, app())
        results.flush()
        other = begun(results)
        assert other == Run(run.number + 1, CATALOGERS)
        assert not results.done(other, [app().image])


@pytest.mark.parametrize(("advisories", "options"), [("sha256:1", ""), ("sha256:0", "other")])
def test_another_run_does_not_go_on_with_it(url: str, advisories: str, options: str) -> None:
    with open_results(url) as results:
        run = begun(results)
        results.record(run, app())
        results.flush()
        other = begun(results, advisories, options)
        assert other == Run(run.number + 1, CATALOGERS)
        assert not results.done(other, [app().image])
    assert rows(url, "SELECT status FROM runs ORDER BY id") == [("abandoned",), ("running",)]


def test_the_names_of_what_was_done_are_noted_when_a_run_goes_on(url: str) -> None:
    with open_results(url) as results:
        results.record(begun(results), app())
    moved = app("1", ("registry.example/app:1", "registry.example/app:latest"))
    with open_results(url) as results:
        run = begun(results)
        results.done(run, [moved.image])
        results.finish(run)
    assert rows(url, "SELECT reference, since, until FROM sightings JOIN names ON id = name ORDER BY 1") == [
        ("registry.example/app:1", 1, None),
        ("registry.example/app:latest", 1, None),
    ]


def test_a_tag_that_moved_leads_to_one_image(url: str) -> None:
    with open_results(url) as results:
        for version in ("1", "1", "2", "1"):
            run = begun(results)
            results.record(run, app(version))
            results.finish(run)
    found = rows(url, "SELECT since, seen, until FROM sightings ORDER BY since")
    assert found == [(1, 2, 3), (3, 3, 4), (4, 4, None)]


def test_a_digest_behind_a_tag_may_be_one_of_several(url: str) -> None:
    one, two = image("a", ["a"]).digest, image("b", ["b"]).digest
    with open_results(url) as results:
        for running in (("a", "b"), ("b",)):
            run = begun(results)
            for name in running:
                digest = {"a": one, "b": two}[name]
                found = image(name, [name], [f"registry.example/app:1@{digest}"])
                results.record(run, result(found, inventory(found, {})))
            results.finish(run)
    assert rows(url, "SELECT reference FROM names") == [("registry.example/app:1",)]
    assert rows(url, "SELECT since, until FROM sightings ORDER BY image") == [(1, 2), (1, None)]


def test_platforms_of_one_name_are_apart(url: str) -> None:
    found = {
        name: image(name, [name], ["registry.example/app:1"], platform)
        for name, platform in (("old", ARM64), ("new", ARM64), ("same", image("x", []).platform))
    }
    told = {name: result(one, inventory(one, {})) for name, one in found.items()}
    with open_results(url) as results:
        for names in (("old", "same"), ("new", "same")):
            run = begun(results)
            for name in names:
                results.record(run, told[name])
            results.finish(run)
    assert rows(url, "SELECT since, until FROM sightings ORDER BY since, until IS NULL") == [
        (1, 2),
        (1, None),
        (2, None),
    ]


GONE = Problem("unreadable-image", "app", "the registry did not answer", "try again", False)


@pytest.mark.parametrize("how", ["unresolved", "failed", "interrupted", "absent"])
def test_only_a_look_that_was_completed_closes_anything(url: str, how: str) -> None:
    with open_results(url) as results:
        run = begun(results)
        results.record(run, app())
        results.finish(run)
        run = begun(results)
        if how == "unresolved":
            results.unresolved(run, Unresolved(Named("registry.example/app:1"), GONE))
        if how == "failed":
            results.failed(run, app("2").image, GONE)
        if how != "interrupted":
            results.finish(run)
    until = 2 if how == "absent" else None
    assert rows(url, "SELECT since, seen, until FROM sightings") == [(1, 1, until)]
    assert rows(url, "SELECT COUNT(*) FROM problems") == [(1 if how in ("unresolved", "failed") else 0,)]


def test_trouble_that_is_over_when_the_run_goes_on_is_forgotten(url: str) -> None:
    with open_results(url) as results:
        run = begun(results)
        results.unresolved(run, Unresolved(Named("registry.example/app:1"), GONE))
        results.failed(run, app("1").image, GONE)
    with open_results(url) as results:
        run = begun(results)
        results.record(run, app("1"))
        results.finish(run)
    assert rows(url, "SELECT COUNT(*) FROM problems") == [(0,)]


FINDINGS = """SELECT findings.since, findings.until, fixed_version FROM findings ORDER BY findings.since"""


def test_advisories_that_are_withdrawn_and_come_back(url: str) -> None:
    told = app()
    fixed = told.report.findings
    with open_results(url) as results:
        for found in (fixed, fixed, (), fixed):
            run = begun(results)
            results.record(run, result(told.image, told.inventory, found))
            results.finish(run)
    assert rows(url, FINDINGS) == [(1, 3, "3.0.11-1"), (4, None, "3.0.11-1")]


def test_where_advisories_are_missing_nothing_is_withdrawn(url: str) -> None:
    told = app()
    missing = Problem("no-advisories", "Debian:12", "the database has no advisories for Debian:12")
    with open_results(url) as results:
        for found, problems in ((told.report.findings, ()), ((), (missing,))):
            run = begun(results)
            results.record(run, result(told.image, told.inventory, found, problems))
            results.finish(run)
    assert rows(url, FINDINGS) == [(1, None, "3.0.11-1")]
    assert rows(url, "SELECT code, number FROM image_problems") == [("no-advisories", 1)]
    assert rows(url, "SELECT verdict, high FROM images") == [("undecided", 0)]


def test_a_package_that_the_distribution_brought_is_another_one(url: str) -> None:
    """Its advisories say nothing there: where the distribution has none of its own, they do."""
    owned = pypi("requests", "2.30.0", owner="python3-requests")
    with open_results(url) as results:
        run = begun(results)
        for name, system in (("debian", True), ("scratch", False)):
            one = image(name, [name], [f"registry.example/{name}:1"])
            listed = inventory(one, {0: [owned]}) if system else inventory(one, {0: [owned]}, None)
            found = [] if system else [finding("CVE-2024-1", listed.packages[0])]
            results.record(run, result(one, listed, found))
        results.finish(run)
    assert rows(url, "SELECT matched FROM packages ORDER BY matched") == [(0,), (1,)]
    carried = """SELECT distribution, vulnerability FROM images JOIN image_contents ON images.id = image
    JOIN content_packages USING (content) JOIN findings USING (package)"""
    assert rows(url, carried) == [("", 1)]


_ACCEPTED = """SELECT digest, suppressions.reason, expires FROM suppressions
JOIN images ON id = image WHERE until IS NULL"""


def test_a_suppression_is_of_one_image_alone(url: str) -> None:
    told, other = app("1"), app("2", ("registry.example/app:2",))
    accepted = Suppression("ignore", "not reachable", ".secpipe-ignore.yaml", expires="2030-01-01")
    with open_results(url) as results:
        for number in range(2):
            run = begun(results)
            [one] = told.report.findings
            suppressed = finding(
                one.id, one.package, one.fixed_version, suppression=None if number else accepted
            )
            results.record(run, result(told.image, told.inventory, [suppressed]))
            results.record(run, other)
            results.finish(run)
            found = rows(url, _ACCEPTED)
            assert found == ([] if number else [(told.image.digest, "not reachable", "2030-01-01")])
    assert rows(url, "SELECT high, suppressed FROM images") == [(1, 0), (1, 0)]


def test_the_same_is_known_of_a_vulnerability_whoever_tells_it_first(new_database: Callable[[], str]) -> None:
    told = app()
    requests, ssl = sorted(told.inventory.packages, key=lambda package: package.name, reverse=True)
    accounts = [finding("CVE-1", ssl), finding("CVE-1", requests, kev=True, epss=0.5, aliases=("GHSA-1",))]
    seen: set[tuple[object, ...]] = set()
    for order in (accounts, accounts[::-1]):
        url = new_database()
        with open_results(url) as results:
            run = begun(results)
            for number, one in enumerate(order):
                found = image(f"{number}", ["debian", "app"], [f"registry.example/{number}:1"])
                listed = inventory(found, {0: [one.package]})
                results.record(run, result(found, listed, [one]))
                results.flush()
        [row] = rows(url, "SELECT summary, url, kev, epss FROM vulnerabilities")
        seen.add(row)
    assert seen == {("What is wrong: CVE-1", "https://osv.dev/vulnerability/CVE-1", 1, 0.5)}


def test_two_cannot_write_at_once_and_others_can_read(url: str) -> None:
    with open_results(url) as results:
        results.record(begun(results), app())
        results.flush()
        with pytest.raises(ResultsError, match="another process is writing"):
            open_results(url)
        assert rows(url, "SELECT COUNT(*) FROM images") == [(1,)]
    open_results(url).__exit__(None, None, None)


def test_results_of_a_newer_secpipe_are_left_alone(url: str) -> None:
    with open_results(url):
        pass
    database = connect(url, write=True)
    database.rows("UPDATE meta SET value = '99' WHERE key = 'format'")
    database.close()
    for write in (True, False):
        with pytest.raises(ResultsError, match="format 99") as caught:
            connect(url, write=write)
        assert "newer" in caught.value.hint
        assert caught.value.exit_code == 3


def test_a_failure_in_the_middle_leaves_nothing_of_a_batch(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from secpipe.fleet.results.sightings import Sightings

    def broken(*_: object) -> None:
        raise ResultsError("the disk is full")

    with open_results(url) as results:
        run = begun(results)
        results.record(run, app("1"))
        results.flush()
        before = rows(url, "SELECT COUNT(*) FROM images")
        with monkeypatch.context() as patch:
            patch.setattr(Sightings, "write", broken)
            results.record(run, app("2"))
            with pytest.raises(ResultsError):
                results.flush()
        assert rows(url, "SELECT COUNT(*) FROM images") == before
    with open_results(url) as results:
        run = begun(results)
        assert run.resumed
        results.record(run, app("2"))
        results.finish(run)
    assert rows(url, "SELECT COUNT(*) FROM images") == [(2,)]


_ENDLESS = """
import sys
from secpipe.fleet.results import open_results
from tests.fleet.results.test_record import app, begun
import secpipe.fleet.results.write as write
write._MOST = 10
with open_results(sys.argv[1]) as results:
    run = begun(results)
    for number in range(10**9):
        results.record(run, app(str(number), (f"registry.example/app:{number}",)))
        if number == 100:
            print("many", flush=True)
"""


def test_a_kill_at_any_instant_leaves_whole_images(url: str) -> None:
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", _ENDLESS, url],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert writer.stdout is not None
        assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        _freed(url)
    [(images,)] = rows(url, "SELECT COUNT(*) FROM images")
    assert isinstance(images, int)
    assert images >= 90
    assert rows(url, "SELECT COUNT(*) FROM sightings") == [(images,)]
    assert rows(url, "SELECT COUNT(*) FROM image_contents") == [(2 * images,)]
    assert rows(url, "SELECT id, status FROM runs") == [(1, "running")]


def _freed(url: str) -> None:
    """Wait until the server has noticed that the writer is gone."""
    import time

    for _ in range(100):
        try:
            open_results(url).__exit__(None, None, None)
        except ResultsError:
            time.sleep(0.05)
        else:
            return


def test_an_address_that_is_none() -> None:
    for address, word in (("mysql://root:secret@h/db", "mysql"), ("sqlite:", "no file")):
        with pytest.raises(UsageError, match=word) as caught:
            open_results(address)
        assert "secret" not in caught.value.message


def test_names_in_trouble_still_are_after_a_run_that_asked_no_registry(url: str) -> None:
    with open_results(url) as results:
        run = begun(results)
        results.record(run, app())
        results.unresolved(run, Unresolved(Named("registry.example/old:1"), GONE))
        results.finish(run)
        run = begun(results, "sha256:1")
        results.record(run, app())
        results.unasked(run)
        results.finish(run)
    told = ask(url)
    assert [(gap.reference, gap.run) for gap in told.overview.unresolved] == [("registry.example/old:1", 2)]
    assert told.overview.names == 2
