"""`secpipe fleet scan --plan` reads, and writes nothing; `secpipe fleet scan` where sources of names fail."""

from __future__ import annotations

import sqlite3  # noqa: TID253 - as its readers do
from pathlib import Path

import pytest

from secpipe.cli._fleetscan import _write_plan
from secpipe.fleet.plan import Totals
from secpipe.fleet.results import open_results
from tests.fleet.conftest import new_postgres, postgres
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.fleets import pushed
from tests.support.registry import Registries, registries

__all__ = ["new_postgres", "postgres", "registries"]


def kept(folder: Path) -> dict[str, bytes]:
    """The files, without those by which readers of SQLite tell each other that they are there."""
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(("-shm", "-wal"))
    }


def test_a_plan_writes_nothing_and_waits_for_nobody(tmp_path: Path) -> None:
    for name in ("new.sqlite", "empty.sqlite", "there.sqlite"):
        file = tmp_path / name
        if name == "empty.sqlite":
            file.touch()
        if name == "there.sqlite":
            with open_results(str(file)) as results:
                results.finish(results.begin("", "1", "1"))
        before = kept(tmp_path)
        told = secpipe("fleet", "scan", "--plan", "127.0.0.1:1/a:1", "--results", file, cwd=tmp_path)
        assert (told.code, "refused" in told.stderr) == (3, True)
        assert kept(tmp_path) == before
    with open_results(str(tmp_path / "there.sqlite")):
        told = secpipe("fleet", "scan", "--plan", "127.0.0.1:1/a:1", "--results", file, cwd=tmp_path)
    assert "0 names lead to 0 images" in told.stdout


def test_a_plan_makes_no_tables_in_postgresql(tmp_path: Path, postgres: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    told = secpipe("fleet", "scan", "--plan", "127.0.0.1:1/a:1", "--results", postgres, cwd=tmp_path)
    assert "0 names lead to 0 images" in told.stdout
    with psycopg.connect(postgres) as connection:
        assert not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'secpipe'").fetchall()


def test_what_cannot_be_used_is_told_before_registries_are_asked(tmp_path: Path) -> None:
    database = build_database(tmp_path / "db")

    def scan(*more: str | Path) -> str:
        told = secpipe("fleet", "scan", "127.0.0.1:1/a:1", *more, cwd=tmp_path)
        assert told.code in (2, 3)
        return told.stderr

    assert "there is no advisory database" in (said := scan("--db", tmp_path / "none"))
    assert "refused" not in said
    (tmp_path / "other.sqlite").write_text("no database" * 100)
    assert "not a database" in (said := scan("--db", database, "--results", "other.sqlite"))
    assert "refused" not in said
    assert "--store" in (said := scan("--db", database, "--scheduler", "tcp://127.0.0.1:1"))
    assert "refused" not in said
    for file in ("none/fleet.prom", "."):
        assert f"cannot write {file}" in (said := scan("--db", database, "--metrics", file))
        assert "refused" not in said
    assert "refused" in (said := scan("--db", database, "--max-db-age", "0"))
    assert said.startswith("warning: advisories are more than 0 days old: Alpine, Debian, ")
    manifest = database / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema": ', '"schema": 9'))
    assert "has schema 9" in (said := scan("--db", database))
    assert "refused" not in said


def test_many_names_that_cannot_be_read_are_told_by_their_number(tmp_path: Path) -> None:
    database, history = build_database(tmp_path / "db"), tmp_path / "fleet.sqlite"
    names = [f"127.0.0.1:1/a:{number}" for number in range(7)]
    files = ("--db", database, "--results", history)
    for option in ("--plan", "--offline"):
        told = secpipe("fleet", "scan", *names, *files, "--limit", "fleet-problems=3", option, cwd=tmp_path)
        assert told.code == 3
        lines = told.stderr.splitlines()
        assert [line.split()[1] for line in lines] == [f"{name}:" for name in names[:3]] + ["4"]
        assert lines[3] == "unreadable-image: 4 more of this kind (the limit fleet-problems is 3)"
    assert "7 could not be read" in told.stdout
    report = secpipe("fleet", "report", "--results", history, "-f", "json")
    assert [gap["reference"] for gap in report.json["overview"]["unresolved"]] == names


def test_what_an_ignore_file_holds_for_nothing_is_told_of_a_fleet(
    tmp_path: Path, registries: Registries
) -> None:
    database = build_database(tmp_path / "db")
    references = [reference for reference, _ in pushed(registries.anonymous, 4, "ignoring")]
    (tmp_path / ".trivyignore").write_text("CVE-2023-5363 exp:2020-01-01\nCVE-1 exp:soon\nCVE-2\n")
    files = ("--results", tmp_path / "fleet.sqlite", "--db", database, "--ignore-file", ".trivyignore")
    told = secpipe(
        *("fleet", "scan", *references, "--platform", "linux/amd64", "--workers", "1"),
        *files,
        env={"SECPIPE_CACHE": str(tmp_path / "cache")},
        cwd=tmp_path,
    )
    assert [line.partition(":")[0] for line in told.stderr.splitlines()] == [
        "expired-ignore",
        "unreadable-ignore",
    ]
    again = secpipe("fleet", "watch", "--once", "--fail-on", "low", *files, cwd=tmp_path)
    assert again.stderr == told.stderr


def test_nobody_leaves_the_fleet_when_a_source_fails(tmp_path: Path, registries: Registries) -> None:
    database = build_database(tmp_path / "db")
    references = [reference for reference, _ in pushed(registries.anonymous, 2, "leaving")]
    (tmp_path / "all").write_text("\n".join(references))
    (tmp_path / "empty").write_text("\n")

    def scan(*sources: str) -> Result:
        return secpipe(
            *("fleet", "scan", *sources, "--platform", "linux/amd64", "--workers", "1", "--fail-on", "none"),
            *("--results", tmp_path / "fleet.sqlite", "--db", database),
            env={"SECPIPE_CACHE": str(tmp_path / "cache")},
            cwd=tmp_path,
        )

    def named() -> set[str]:
        with sqlite3.connect(tmp_path / "fleet.sqlite") as connection:
            sql = "SELECT reference FROM sightings JOIN names ON names.id = name WHERE until IS NULL"
            return {name for (name,) in connection.execute(sql)}

    assert scan("--file", "all").code == 0
    for failing in (["--file", "missing"], ["--file", "empty"], ["127.0.0.1:1/team/*"]):
        told = scan(references[0], *failing)
        assert told.code == 3
        assert named() == set(references)
        assert "2 images: 0 failed" in told.stdout
    assert scan(references[0]).code == 0
    assert named() == {references[0]}


def test_what_is_no_platform_is_a_mistake_of_the_command_line(tmp_path: Path) -> None:
    told = secpipe("fleet", "scan", "127.0.0.1:1/a:1", "--platform", "bogus", cwd=tmp_path)
    assert (told.code, told.stderr.count("is no platform")) == (2, 1)
    assert not list(tmp_path.iterdir())


def test_one_name_leads(capsys: pytest.CaptureFixture[str]) -> None:
    _write_plan(Totals(1, 1, 0, 2, 0, 5, 5, 5, 0, 5))
    _write_plan(Totals(2, 1, 0, 2, 0, 10, 5, 5, 0, 5))
    assert capsys.readouterr().out.splitlines()[::4] == ["1 name leads to 1 image", "2 names lead to 1 image"]
