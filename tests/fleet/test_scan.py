"""What decides besides the advisories, and who is in the fleet when not everybody could be asked."""

from __future__ import annotations

import sqlite3  # noqa: TID253 - as its readers do
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from secpipe.errors import RegistryError
from secpipe.fleet.executors import local
from secpipe.fleet.names import asked, named, whole
from secpipe.fleet.resolve import Resolved
from secpipe.fleet.results import Results, Run, open_results
from secpipe.fleet.scan import Fleet, FleetOptions, fingerprint, found
from secpipe.fleet.values import FleetResult, Unresolved
from secpipe.fleet.watch import look
from secpipe.model.problem import Problem
from secpipe.pipeline.scan import ScanOptions
from secpipe.policy.gate import Conditions, FailOn, gate_of
from secpipe.policy.ignore import Entry, Ignores
from secpipe.policy.overrides import Override
from secpipe.policy.vex import Component, Document, Product, Statement
from tests.support.advisories import CRITICAL, RECORDS, build_database, record
from tests.support.fleets import pushed
from tests.support.registry import Registries, registries

__all__ = ["registries"]

_TOLD = """
from pathlib import Path
from tests.fleet.test_scan import options
from secpipe.fleet.scan import fingerprint
print(fingerprint(options(Path('nowhere'))))
"""


def options(folder: Path) -> FleetOptions:
    """With everything that can be told apart, a VEX document with sets of names among it."""
    product = Product(Component(names=frozenset({"registry.example/a", "b", "c:1", "sha256:d"})))
    document = Document("vex.json", (Statement(("CVE-2024-1",), (product,), "not_affected"),))
    entry = Entry("CVE-2024-2", "ignore.yaml", 3)
    scan = ScanOptions("", folder / "db", vex=(document,), ignores=Ignores((entry,)))
    return FleetOptions(scan, str(folder))


def test_the_same_options_are_the_same_in_another_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _TOLD],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(told) == 1


def test_other_options_are_others(tmp_path: Path) -> None:
    one = options(tmp_path)
    (document,) = one.scan.vex
    another = Product(Component(names=frozenset({"registry.example/a"})))
    others = [
        replace(one.scan, vex=()),
        replace(
            one.scan,
            vex=(replace(document, statements=(replace(document.statements[0], products=(another,)),)),),
        ),
        replace(one.scan, ignores=Ignores((Entry("CVE-2024-3", "ignore.yaml", 3),))),
        replace(one.scan, allow_incomplete=True),
        replace(one.scan, max_age_days=1),
    ]
    told = {fingerprint(one), *(fingerprint(replace(one, scan=scan)) for scan in others)}
    assert len(told) == len(others) + 1


@pytest.mark.parametrize(
    ("problem", "named_all"),
    [
        (Problem("template", "chart", "left to a template"), True),
        (Problem("nothing-matches", "app:^9", "no image"), True),
        (Problem("no-images", "standard input", "no image"), False),
        (Problem("unreadable-list", "registry.example", "refused", coverage=False), False),
        (Problem("too-many-names", "fleet", "too many"), False),
    ],
)
def test_only_who_was_asked_about_leaves(problem: Problem, named_all: bool) -> None:
    assert whole([]) is True
    assert whole([problem]) is named_all


@pytest.fixture
def scanned(tmp_path: Path, registries: Registries) -> FleetOptions:
    """The options of a fleet of three images that share a package, which was scanned."""
    references = [reference for reference, _ in pushed(registries.anonymous, 5, "sharing")][::2]
    database = build_database(tmp_path / "before")
    scan = ScanOptions("", database, platform="linux/amd64", fail_on=FailOn.MEDIUM)
    made = FleetOptions(scan, str(tmp_path / "store"))
    resolved = found(named(asked(references))[0], made)
    with open_results(str(tmp_path / "fleet.sqlite")) as results, local(1) as workers:
        Fleet(resolved, made, results).scan(workers)
    return made


def changed(options: FleetOptions, folder: Path) -> FleetOptions:
    """By advisories that have a grave flaw in what the images share."""
    records = [*RECORDS, record("DSA-9", "Debian:12", "zlib1g", "1:1.3", cvss=CRITICAL)]
    return replace(options, scan=replace(options.scan, database=build_database(folder / "after", records)))


def verdicts(folder: Path) -> dict[str, str]:
    with sqlite3.connect(folder / "fleet.sqlite") as connection:
        return dict(connection.execute("SELECT digest, verdict FROM images"))


def test_a_round_of_watching_that_was_interrupted_leaves_no_verdict_behind(
    tmp_path: Path, scanned: FleetOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(verdicts(tmp_path).values()).count("failed") == 1
    after = changed(scanned, tmp_path)
    record_one, times = Results.record, iter((None, KeyboardInterrupt))

    def interrupted(self: Results, run: Run, result: FleetResult) -> None:
        if error := next(times):
            raise error
        record_one(self, run, result)

    with monkeypatch.context() as patched:
        patched.setattr(Results, "record", interrupted)
        with pytest.raises(KeyboardInterrupt), open_results(str(tmp_path / "fleet.sqlite")) as results:
            look(after, results)
    with open_results(str(tmp_path / "fleet.sqlite")) as results:
        assert look(after, results).fleet is not None
        assert set(verdicts(tmp_path).values()) == {"failed"}
        assert look(after, results).fleet is None


def test_an_image_that_could_not_be_looked_up_is_judged_by_what_is_known_of_it(
    tmp_path: Path, scanned: FleetOptions
) -> None:
    after = changed(scanned, tmp_path)
    with open_results(str(tmp_path / "fleet.sqlite")) as results:
        images = list(results.current())
        lost = [name for image in images[1:] for name in image.names]
        problem = Problem("unreadable-image", "x", "refused", coverage=False)
        resolved = Resolved((images[0],), tuple(Unresolved(name, problem) for name in lost))
        Fleet(resolved, after, results).scan(None)
        assert list(verdicts(tmp_path).values()).count("failed") < 3
        assert look(after, results).fleet is not None
        assert set(verdicts(tmp_path).values()) == {"failed"}
        assert look(after, results).fleet is None


def test_names_are_judged_and_told_alike_by_a_scan_and_by_watching(
    tmp_path: Path, scanned: FleetOptions
) -> None:
    def told() -> list[tuple[object, ...]]:
        with sqlite3.connect(tmp_path / "fleet.sqlite") as connection:
            sql = """SELECT digest, verdict, reason, code, subject, message FROM images
            LEFT JOIN image_problems ON image = id ORDER BY 1, 4"""
            return connection.execute(sql).fetchall()

    with open_results(str(tmp_path / "fleet.sqlite")) as results:
        (name, *_) = (image.names[0].reference.partition("@")[0] for image in results.current())
        entry = Entry("CVE-2023-5363", "ignore.yaml", 1, "accepted", image=name)
        mild = Override((Conditions(FailOn.NONE),), image=name)
        ours = replace(
            scanned.scan, ignores=Ignores((entry,)), overrides=(mild,), fail_on=(Conditions(FailOn.ANY),)
        )
        options = replace(scanned, scan=replace(ours, max_age_days=0))
        references = [image.names[0].reference.partition("@")[0] for image in results.current()]
        Fleet(found(named(asked(references))[0], options), options, results).scan(None)
        before = told()
        assert "clean" not in {verdict for _, verdict, *_ in before}
        assert look(scanned, results).fleet is not None
        assert told() != before
        assert look(options, results).fleet is not None
        assert told() == before


def test_a_feed_that_cannot_be_had_is_asked_for_once(
    tmp_path: Path, scanned: FleetOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = []

    def update_feed(name: str, *_: object, **__: object) -> None:
        asked_for.append(name)
        raise RegistryError("the network is down")

    monkeypatch.setattr("secpipe.advisories.feeds.update_feed", update_feed)
    scan = replace(scanned.scan, fail_on=gate_of(["kev"]), feed="http://127.0.0.1:1")
    with open_results(str(tmp_path / "fleet.sqlite")) as results:
        fleet = Fleet(Resolved(tuple(results.current()), ()), replace(scanned, scan=scan), results)
        fleet.scan(None)
    assert asked_for == ["kev"]
    assert any("the network is down" in trouble for trouble in fleet.tally.troubles)
    assert fleet.verdicts.get("undecided")
