from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from secpipe.fleet.results import open_results
from secpipe.fleet.values import Named, Unresolved
from secpipe.model.problem import Problem
from tests.report.test_formats import schema
from tests.support.cli import Result, secpipe
from tests.support.fleet import deb, finding, image, inventory, pypi, result


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: in the second a tag has moved, a name leads nowhere, and advisories tell of one flaw more."""
    file = tmp_path_factory.mktemp("fleet") / "fleet.sqlite"
    with open_results(str(file)) as results:
        for number, version in ((1, "3.0.9-1"), (2, "3.0.11-1~deb12u2")):
            run = results.begin(f"sha256:{number}", "0.1.0", "all=1")
            for name in ("shop", "api"):
                if (name, number) == ("api", 2):
                    problem = Problem("unreachable-registry", "api", "it did not answer", "try again", False)
                    results.unresolved(run, Unresolved(Named("registry.example/api:1"), problem))
                    continue
                one = image(f"{name} {version}", ["debian", name], [f"registry.example/{name}:1"])
                listed = inventory(
                    one, {0: [deb("libssl3", version, "openssl")], 1: [pypi("requests", "2.30.0")]}
                )
                ssl, requests = listed.packages
                found = [finding("CVE-2023-5363", ssl, "3.0.11-1~deb12u2", aliases=("DSA-5532-1",))]
                found = found if number == 1 else [finding("CVE-2026-1", requests, "2.31.0")]
                results.record(run, result(one, listed, found, database=f"sha256:{number}"))
            results.finish(run)
    return file


def report(history: Path, *options: str) -> Any:
    told = secpipe("fleet", "report", "--results", history, "-f", "json", *options)
    assert (told.code, told.stderr) == (0, "")
    jsonschema.validate(told.json, schema("docs/schema/fleet.schema.json"))
    return told.json


def test_how_the_fleet_is_doing(history: Path) -> None:
    told = report(history)
    assert told["completed"]["number"] == 2
    assert told["overview"]["names"] == told["overview"]["images"] == 2
    assert [gap["reference"] for gap in told["overview"]["unresolved"]] == ["registry.example/api:1"]
    assert told["overview"]["unresolved"][0]["lastSeen"] == 1
    assert not {"located", "asked", "changes", "worst", "fixes"} & told.keys()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("openssl", {"3.0.9-1", "3.0.11-1~deb12u2"}),
        ("libssl3", {"3.0.9-1", "3.0.11-1~deb12u2"}),
        ("deb/openssl<3.0.11", {"3.0.9-1"}),
        ("openssl>=3.0.10", {"3.0.11-1~deb12u2"}),
        ("openssl > 3.0.9, < 3.0.10", {"3.0.9-1"}),
        ("openssl==3.0.9-1", {"3.0.9-1"}),
        ("openssl!=3.0.9-1", {"3.0.11-1~deb12u2"}),
        ("pypi/openssl", set()),
        ("requests<=2.30", {"2.30.0"}),
        ("requests<2.4", set()),
    ],
)
def test_where_a_package_is_by_its_own_versions(history: Path, query: str, found: set[str]) -> None:
    told = report(history, "--package", query)["located"]
    assert {place["package"]["version"] for place in told["places"]} == found
    assert told["unordered"] == []


def test_what_cannot_be_compared_is_told_apart(history: Path) -> None:
    told = report(history, "--package", "requests<not-a-version")["located"]
    assert told["places"] == []
    assert [place["package"]["name"] for place in told["unordered"]] == ["requests"]


@pytest.mark.parametrize("name", ["CVE-2023-5363", "cve-2023-5363", "dsa-5532-1"])
def test_who_has_a_vulnerability_and_who_had_it(history: Path, name: str) -> None:
    [found] = report(history, "--cve", name)["asked"]["found"]
    assert found["aliases"] == ["DSA-5532-1"]
    assert [(one["image"]["names"], one["since"]) for one in found["carriers"]] == [
        (["registry.example/api:1"], [1])
    ]
    assert found["mended"] == [{"reference": "registry.example/shop:1", "since": 1, "until": 2}]


def test_what_is_new(history: Path) -> None:
    for options in (("--new",), ("--since", "1")):
        changes = report(history, *options)["changes"]
        assert changes["since"]["number"] == 1
        # Advisories tell of a package what they tell wherever it is: in the image that nobody could look at as well.
        assert [(one["id"], one["cause"], one["names"]) for one in changes["new"]] == [
            ("CVE-2026-1", "advisory", ["registry.example/api:1", "registry.example/shop:1"])
        ]
        assert [(one["id"], one["cause"]) for one in changes["fixed"]] == [("CVE-2023-5363", "image")]
    assert report(history, "--since", "2")["changes"]["new"] == []
    assert report(history, "--since", "2020-01-01")["changes"]["since"] is None
    assert report(history, "--since", "2999-01-01")["changes"]["since"]["number"] == 2


def test_what_to_do_first(history: Path) -> None:
    told = report(history, "--worst", "1", "--fixes", "5")
    assert len(told["worst"]["images"]) == 1
    assert [base["layers"] for base in told["worst"]["bases"]] == [1]
    fixes = {one["package"]: (one["version"], one["findings"]) for one in told["fixes"]["packages"]}
    assert fixes == {"openssl": ("3.0.11-1~deb12u2", 1), "requests": ("2.31.0", 2)}


def test_a_table_and_files(history: Path, tmp_path: Path) -> None:
    page, metrics = tmp_path / "fleet.html", tmp_path / "secpipe.prom"
    metrics.write_text("old")
    told = secpipe(
        "fleet", "report", "--results", history, "-o", f"html={page}", "--metrics", metrics, "-f", "table"
    )
    assert told.code == 0
    assert told.stdout.startswith("fleet as of run 2, which ended ")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert metrics.read_text().endswith("# EOF\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fleet.html", "secpipe.prom"]


def _failed(told: Result, code: int, *words: str) -> None:
    assert told.code == code
    assert told.stdout == ""
    for word in words:
        assert word in told.stderr


def test_what_cannot_be_read_is_told(history: Path, tmp_path: Path) -> None:
    from sqlite3 import connect

    there = ("fleet", "report", "--results")
    _failed(secpipe(*there, tmp_path / "none.sqlite"), 3, "there are no results", "secpipe fleet scan")
    broken = tmp_path / "broken.sqlite"
    broken.write_text("this is no database at all " * 100)
    _failed(secpipe(*there, broken), 3, "broken.sqlite", "hint: ")
    other = tmp_path / "other.sqlite"
    with closing(connect(other)) as connection:
        connection.execute("CREATE TABLE other (x)")
    _failed(secpipe(*there, other), 3, "something else")
    _failed(secpipe(*there, history, "-f", "sarif"), 2, "unknown format 'sarif' for fleet")
    _failed(secpipe(*there, history, "--package", "<1"), 2, "--package <1")
    _failed(secpipe(*there, history, "--since", "yesterday"), 2, "neither a run nor a date")
    _failed(secpipe(*there, history, "--since", "77"), 2, "no such run")
    _failed(
        secpipe(*there, "postgresql://me:hunter2@127.0.0.1:1/db?password=hunter3"),
        3,
        "postgresql://me@127.0.0.1:1/db",
    )
    _failed(secpipe(*there, "postgresql://me:hunter2@[::bad/db"), 3)
    for address in (
        "postgresql://me:hunter2@127.0.0.1:1/db?password=hunter3",
        "postgresql://me:hunter2@[::bad/db",
    ):
        told = secpipe(*there, address)
        assert "hunter" not in told.stderr + told.stdout
    _failed(secpipe(*there, history, "--metrics", tmp_path / "no" / "folder"), 2, "cannot write")
