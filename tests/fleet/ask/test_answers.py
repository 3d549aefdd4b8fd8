"""Answers of which a history at random tells little: causes, versions, names of flaws, bases by name."""

from __future__ import annotations

import sqlite3  # noqa: TID253 - as its writers do
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ResultsError, UsageError
from secpipe.fleet.ask import Questions, ask
from secpipe.fleet.ask.changes import baseline
from secpipe.fleet.ask.packages import Query, parse
from secpipe.fleet.results import open_results
from secpipe.fleet.results.database import connect
from secpipe.model.fleetreport import Cause, FleetReport, FleetRun
from secpipe.model.package import Package
from secpipe.model.severity import Severity
from tests.support.fleet import deb, finding, image, inventory, pypi, result

SSL = deb("libssl3", "3.0.9-1", "openssl")
Told = tuple[str, tuple[str, ...], Iterable[Package], Iterable[tuple[str, str]]]
"""A name, its layers, the packages of the first, and of these (package, vulnerability)."""


def recorded(url: str, *runs: list[Told]) -> None:
    """Runs that all come to their end."""
    with open_results(url) as results:
        for number, images in enumerate(runs):
            run = results.begin(f"sha256:{number}", "1", "all=1")
            for name, layers, packages, flaws in images:
                one = image(" ".join(layers), layers, [f"registry.example/{name}"])
                listed = inventory(one, {0: packages})
                by_name = {package.name: package for package in listed.packages}
                found = [finding(flaw, by_name[package], "9") for package, flaw in flaws]
                results.record(run, result(one, listed, found, database=f"sha256:{number}"))
            results.finish(run)


def changed(url: str) -> tuple[set[tuple[str, Cause, str]], set[tuple[str, Cause, str]]]:
    """Vulnerability, cause and name of what is new and what is fixed."""
    changes = ask(url, Questions(new=True)).changes
    assert changes is not None
    new, fixed = (
        {(one.id, one.cause, name.removeprefix("registry.example/")) for one in some for name in one.names}
        for some in (changes.new, changes.fixed)
    )
    return new, fixed


def test_why_something_is_new_or_fixed(url: str) -> None:
    clean = deb("bash", "5")
    flawed, both = [("libssl3", "CVE-1")], [("libssl3", "CVE-1"), ("bash", "CVE-2")]
    recorded(
        url,
        [
            ("moves:1", ("old",), [SSL], flawed),
            ("stays:1", ("stays",), [clean], []),
            ("goes:1", ("goes",), [SSL], flawed),
        ],
        [
            ("moves:1", ("new",), [pypi("requests", "2")], [("requests", "CVE-3")]),
            ("stays:1", ("stays",), [clean], [("bash", "CVE-2")]),
            ("comes:1", ("comes",), [SSL, clean], both),
        ],
    )
    new, fixed = changed(url)
    assert new == {
        ("CVE-3", "image", "moves:1"),
        ("CVE-2", "advisory", "stays:1"),
        ("CVE-1", "name", "comes:1"),
        ("CVE-2", "name", "comes:1"),
    }
    assert fixed == {("CVE-1", "image", "moves:1"), ("CVE-1", "name", "goes:1")}


def test_an_update_that_leaves_the_flaw_mends_nothing(url: str) -> None:
    newer = deb("libssl3", "3.0.10-1", "openssl")
    recorded(
        url,
        [("app:1", ("old",), [SSL], [("libssl3", "CVE-1")])],
        [("app:1", ("new",), [newer], [("libssl3", "CVE-1")])],
    )
    assert changed(url) == (set(), set())
    asked = ask(url, Questions(vulnerability="CVE-1")).asked
    assert asked is not None
    [carried] = asked.found
    assert [(one.package.version, one.since) for one in carried.carriers] == [("3.0.10-1", (1,))]


def renamed(url: str, *names: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Runs in which an image has one package, and this the vulnerabilities of these names and aliases."""
    one = image("one", ["one"], ["registry.example/app:1"])
    with open_results(url) as results:
        for number, flaws in enumerate(names):
            run = results.begin(f"sha256:{number}", "1", "all=1")
            found = [finding(name, SSL, "9", aliases=aliases) for name, aliases in flaws]
            results.record(run, result(one, inventory(one, {0: [SSL]}), found, database=f"sha256:{number}"))
            results.finish(run)


def told(url: str, name: str) -> list[tuple[str, list[int], list[tuple[int, int]]]]:
    """Of what goes by that name: its id, since when it is carried, and from when to when it was."""
    asked = ask(url, Questions(vulnerability=name)).asked
    assert asked is not None
    return [
        (
            one.id,
            [since for carrier in one.carriers for since in carrier.since],
            [(mended.since, mended.until) for mended in one.mended],
        )
        for one in asked.found
    ]


def test_a_flaw_that_gets_another_name_is_neither_new_nor_mended(url: str) -> None:
    renamed(url, [("GHSA-1", ())], [("CVE-1", ("GHSA-1",))])
    assert changed(url) == (set(), set())
    assert told(url, "ghsa-1") == told(url, "CVE-1") == [("CVE-1", [1], [])]
    # And back, when an alias was none.
    renamed(url, [("CVE-1", ("GHSA-1",))], [("GHSA-1", ())])
    assert changed(url) == (set(), set())
    assert told(url, "GHSA-1") == told(url, "CVE-1") == [("GHSA-1", [1], [])]
    renamed(url, [], [("GHSA-1", ())])
    assert changed(url) == ({("GHSA-1", "advisory", "app:1")}, set())
    renamed(url, [])
    assert changed(url) == (set(), {("GHSA-1", "advisory", "app:1")})


def test_a_flaw_goes_by_two_names_while_an_image_cannot_be_looked_at(url: str) -> None:
    renamed(url, [("GHSA-1", ())])
    again = deb("libssl3", "3.0.10-1", "openssl")
    other = image("other", ["other"], ["registry.example/b:1"])
    with open_results(url) as results:
        for number, name, aliases in ((1, "GHSA-1", ()), (2, "CVE-1", ("GHSA-1",))):
            run = results.begin(f"sha256:{number}", "1", "all=1")
            found = [finding(name, again, "9", aliases=aliases)]
            listed = inventory(other, {0: [again]})
            results.record(run, result(other, listed, found, database=f"sha256:{number}"))
            results.finish(run, whole=False)
    assert told(url, "GHSA-1") == told(url, "CVE-1") == [("CVE-1", [2], []), ("GHSA-1", [1], [])]
    assert changed(url) == (set(), set())


def test_flaws_that_turn_out_to_be_one_or_several(url: str) -> None:
    renamed(url, [("CVE-1", ()), ("GHSA-1", ())], [("CVE-1", ("GHSA-1",))])
    assert changed(url) == (set(), set())
    assert told(url, "GHSA-1") == [("CVE-1", [1], [])]
    several = ("DSA-1",)
    renamed(url, [("DSA-1", ()), ("CVE-1", ())], [("CVE-2", several), ("CVE-3", several), ("CVE-1", ())])
    assert changed(url) == ({("CVE-3", "advisory", "app:1")}, set())
    assert [(name, since) for name, since, _ in told(url, "DSA-1")] == [("CVE-2", [3]), ("CVE-3", [3])]
    # A name that both merely have is that of an update, which mends several.
    renamed(url, [("CVE-2", several)], [("CVE-3", several)])
    assert changed(url) == ({("CVE-3", "advisory", "app:1")}, {("CVE-2", "advisory", "app:1")})


def test_an_image_without_the_flaw_mends_it_under_all_of_its_names(url: str) -> None:
    renamed(url, [("GHSA-1", ())], [("CVE-1", ("GHSA-1",))], [])
    assert told(url, "GHSA-1") == told(url, "CVE-1") == [("CVE-1", [], [(1, 3)])]
    assert changed(url) == (set(), {("CVE-1", "advisory", "app:1")})


def test_a_base_goes_by_the_image_that_is_just_its_layers(url: str) -> None:
    flaws = [("libssl3", "CVE-1")]
    recorded(
        url,
        [
            ("base/debian:12", ("debian",), [SSL], flaws),
            ("base/debian:11", ("debian",), [SSL], flaws),
            ("a:1", ("debian", "python", "a"), [SSL], flaws),
            ("b:1", ("debian", "python", "b"), [SSL], flaws),
        ],
    )
    report = ask(url, Questions(worst=10, fixes=10))
    assert report.worst is not None
    assert [(one.reference, one.layers, one.images, one.fixable) for one in report.worst.bases] == [
        ("registry.example/base/debian:11", 1, 3, 3),
        ("", 2, 2, 2),
    ]
    assert dict(report.worst.bases[0].findings) == {Severity.HIGH: 3}
    assert report.fixes is not None
    assert [(one.package, one.version, one.findings, one.images) for one in report.fixes.packages] == [
        ("openssl", "9", 3, 3)
    ]


def test_a_base_does_not_go_by_a_name_that_leads_elsewhere_now(url: str) -> None:
    flaws = [("libssl3", "CVE-1")]
    apps: list[Told] = [(f"{name}:1", ("debian", name), [SSL], flaws) for name in ("a", "b")]
    recorded(
        url,
        [("base/debian:12", ("debian",), [SSL], flaws), *apps],
        [("base/debian:12", ("newer",), [SSL], flaws), *apps],
    )
    report = ask(url, Questions(worst=10))
    assert report.worst is not None
    assert [(one.reference, one.layers, one.images) for one in report.worst.bases] == [("", 1, 2)]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("openssl", ("", "openssl", ())),
        ("deb/openssl<3.0.11", ("deb", "openssl", (("<", "3.0.11"),))),
        ("golang/github.com/x/y >= 1.2", ("golang", "github.com/x/y", ((">=", "1.2"),))),
        ("github.com/x/y", ("", "github.com/x/y", ())),
        ("@angular/core!=17", ("", "@angular/core", (("!=", "17"),))),
        ("npm/@angular/core=17,<18", ("npm", "@angular/core", (("==", "17"), ("<", "18")))),
        ("maven/org.x:y<=1.0-beta", ("maven", "org.x:y", (("<=", "1.0-beta"),))),
        ("libstdc++6 < 1:12~rc1-1", ("", "libstdc++6", (("<", "1:12~rc1-1"),))),
    ],
)
def test_packages_are_asked_for_as_people_write_them(text: str, query: tuple[object, ...]) -> None:
    assert parse(text) == Query(text, *query)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pypi/pyyaml<5.4", {"PyYAML 5.3.1", "pyyaml 5.3"}),
        ("Py-YAML", set()),
        ("ruamel-yaml", {"ruamel.yaml 1"}),
        ("Ruamel__YAML>1", set()),
        ("log4j-core<2.17.1", {"org.apache.logging.log4j:log4j-core 2.14.0"}),
        ("maven/org.apache.logging.log4j:log4j-core", {"org.apache.logging.log4j:log4j-core 2.14.0"}),
        ("org.example:log4j-core", set()),
        ("openssl<3.0.9-2", {"libssl3 3.0.9-1"}),
        ("OpenSSL", set()),
    ],
)
def test_packages_go_by_the_names_that_advisories_know_them_by(url: str, text: str, found: set[str]) -> None:
    log4j = Package(
        *("org.apache.logging.log4j:log4j-core", "2.14.0", "maven", "app.jar", None, ""),
        *("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0", "Maven"),
    )
    some = [SSL, log4j, pypi("PyYAML", "5.3.1"), pypi("pyyaml", "5.3"), pypi("ruamel.yaml", "1")]
    recorded(url, [("app:1", ("one",), some, [])])
    located = ask(url, Questions(package=text)).located
    assert located is not None
    assert {f"{one.package.name} {one.package.version}" for one in located.places} == found


def test_an_update_is_to_what_mends_what_the_fleet_has(url: str) -> None:
    with open_results(url) as results:
        for name, version, fixed in (("Django", "4.2.1", "4.2.10"), ("django", "3.2.1", "3.2.25")):
            one, package = image(version, [version], ["registry.example/app:1"]), pypi(name, version)
            run = results.begin(f"sha256:{version}", "1", "all=1")
            listed, found = inventory(one, {0: [package]}), [finding("CVE-1", package, fixed)]
            results.record(run, result(one, listed, found, database=f"sha256:{version}"))
            results.finish(run)
    report = ask(url, Questions(fixes=10))
    assert report.fixes is not None
    assert [(one.package, one.version, one.findings) for one in report.fixes.packages] == [
        ("django", "3.2.25", 1)
    ]


def test_what_ended_long_ago_can_be_forgotten_as_documented(url: str) -> None:
    old, both = [("libssl3", "CVE-1")], [("libssl3", "CVE-1"), ("libssl3", "CVE-2")]
    newer = deb("libssl3", "3.0.10-1", "openssl")
    later: list[list[Told]] = [
        [("a:1", ("new",), [newer], old), ("b:1", ("one",), [SSL], both)],
        [("a:1", ("new",), [newer], both), ("b:1", ("one",), [SSL], [])],
        [
            ("a:1", ("newest",), [newer], both),
            ("b:1", ("one",), [SSL], old),
            ("d:1", ("new",), [newer], both),
        ],
    ]
    recorded(
        url,
        [("a:1", ("old",), [SSL], both), ("c:1", ("gone",), [deb("bash", "5")], [("bash", "CVE-9")])],
        *later,
    )

    def answers() -> list[object]:
        asked = [ask(url, Questions(package="openssl", since=since, worst=9, fixes=9)) for since in "234"]
        return [(one.overview, one.located, one.changes, one.worst, one.fixes) for one in asked]

    before = answers()
    sql = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text("utf-8").partition("```sql\n")[2]
    with closing(connect(url, write=True)) as database:
        for statement in sql.partition("```")[0].replace("100", "2").split(";")[:-1]:
            database.rows(statement)
        kept = [
            database.rows(f"SELECT COUNT(*) FROM {table}")[0][0]
            for table in ("images", "contents", "packages", "content_packages", "image_contents")
        ]
    assert kept == [3, 3, 2, 3, 3]
    assert answers() == before
    asked = ask(url, Questions(vulnerability="CVE-9")).asked
    assert asked is not None
    assert not [one for found in asked.found for one in (*found.carriers, *found.mended)]
    recorded(url, [("c:1", ("gone",), [deb("bash", "5")], [("bash", "CVE-9")])])
    assert changed(url)[0] == {("CVE-9", "name", "c:1")}


def test_an_update_is_one_however_its_package_is_spelt(url: str) -> None:
    recorded(
        url,
        [
            ("a:1", ("a",), [pypi("PyYAML", "5.3")], [("PyYAML", "CVE-1")]),
            ("b:1", ("b",), [pypi("pyyaml", "5.1")], [("pyyaml", "CVE-1")]),
        ],
    )
    report = ask(url, Questions(fixes=10))
    assert report.fixes is not None
    assert [(one.package, one.findings, one.images) for one in report.fixes.packages] == [("PyYAML", 2, 2)]


def test_a_package_url_is_no_name() -> None:
    with pytest.raises(UsageError, match="a package URL"):
        parse("pkg:deb/debian/openssl")


@pytest.mark.parametrize("since", ["9" * 5000, "0001-01-01T00:00+23:00", "9999-12-31T23:59-23:00"])
def test_no_run_and_no_date(since: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        baseline(RUNS, since)


@given(st.text())
def test_any_text_is_a_question_or_told_not_to_be_one(text: str) -> None:
    with suppress(UsageError):
        assert parse(text).name


def _run(number: int, finished: str, status: Literal["running", "completed", "abandoned"]) -> FleetRun:
    return FleetRun(number, f"2026-01-0{number}T00:00:00Z", finished, status, "", "1", 1.0)


RUNS = (
    _run(1, "2026-01-01T12:00:00Z", "completed"),
    _run(2, "", "abandoned"),
    _run(3, "2026-01-03T12:00:00Z", "completed"),
    _run(4, "", "running"),
)


@pytest.mark.parametrize(
    ("since", "number"),
    [
        *(("", 3), ("1", 1), ("2", 2), ("2026-01-01", 1), ("2026-01-02", 1), ("2026-01-03", 3)),
        *(("2026-01-03T11:59:59Z", 1), ("2026-01-03T13:00+01:00", 3), ("2025-12-31", None)),
    ],
)
def test_what_is_compared_with(since: str, number: int | None) -> None:
    found = baseline(RUNS, since)
    assert (found.number if found else None) == number
    assert baseline(RUNS[:1], "") is None


def test_a_fleet_that_nobody_has_seen(url: str) -> None:
    with open_results(url):
        pass
    told: FleetReport = ask(url, Questions("x<1", "CVE-1", True, "", 5, 5))
    assert (told.overview.names, told.completed, told.running) == (0, None, None)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET finished = ''",
        "UPDATE runs SET started = '<b>'",
        "UPDATE images SET verdict = x'ff'",
        "UPDATE images SET critical = 1e308",
        "UPDATE images SET chain = 77",
        "UPDATE chains SET parent = id",
        "UPDATE findings SET severity = 99",
        "UPDATE packages SET value = ''",
        "UPDATE sightings SET since = 'x'",
        "UPDATE vulnerabilities SET epss = 'x'",
    ],
)
def test_results_from_elsewhere_that_make_no_sense(new_sqlite: Callable[[], str], change: str) -> None:
    url = new_sqlite()
    flaws = [("libssl3", "CVE-1")]
    recorded(url, [(f"{name}:1", ("debian", name), [SSL], flaws) for name in "ab"])
    with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection, connection:
        connection.execute(change)
    with pytest.raises(ResultsError, match="holds what secpipe does not write"):
        ask(url, Questions("openssl<9", "CVE-1", True, "", 5, 5))
