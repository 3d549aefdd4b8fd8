"""The database: what goes in, what comes out, and every way in which the file can be wrong."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.advisories.blob import (
    open_records,
    pack_advisory,
    pack_affected,
    pack_package,
    pack_records,
    split_package,
    split_records,
    squeezed,
    unpack_advisory,
    whole,
)
from secpipe.advisories.build import BuildResult, build
from secpipe.advisories.manifest import Manifest
from secpipe.advisories.names import release
from secpipe.advisories.schema import SCHEMA
from secpipe.advisories.store import Store
from secpipe.errors import AdvisoryError, UsageError
from secpipe.model.advisory import Advisory, Affected, Event, Range, SeverityVector
from tests.advisories.support import amend, content, opened, record, shard_files, write_feed

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def made(folder: Path, *records: dict[str, Any], name: str = "advisories") -> tuple[Path, BuildResult]:
    source = folder / f"{name}.json"
    source.write_text(json.dumps(records))
    return folder / name, build([source], folder / name, now=NOW)


def sqlite(path: Path, statement: str) -> None:
    """Run one statement on a database, as some other program would."""
    import sqlite3

    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def ids(store: Store, ecosystem: str, name: str) -> list[str]:
    return [match.advisory.id for match in store.lookup(ecosystem, name)]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    told = record("X-1", ("PyPI", "a"), aliases=["CVE-2024-0001"], summary="text", upstream=["U-1"])
    told["affected"][0] |= {"versions": ["1.0"], "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}]}
    database, result = made(tmp_path, told)
    assert (result.records, result.ecosystems, result.problems) == (1, {"PyPI": 1}, ())
    with Store.open(database) as store:
        (match,) = store.lookup("PyPI", "a")
        assert match.advisory == Advisory(
            "X-1",
            "2024-01-01T00:00:00.000000Z",
            (),
            aliases=("CVE-2024-0001",),
            upstream=("U-1",),
            summary="text",
            url="https://osv.dev/vulnerability/X-1",
        )
        vectors = (SeverityVector("CVSS_V3", "CVSS:3.1/AV:N"),)
        ranges = (Range("ECOSYSTEM", (Event("introduced", "0"),)),)
        assert match.affected == Affected("PyPI", "a", ranges, ("1.0",), vectors)
        assert store.digest == result.digest


def test_releases_are_ecosystems_of_their_own(tmp_path: Path) -> None:
    database, _ = made(
        tmp_path,
        record("X-1", ("Debian:11", "a"), ("Debian:12", "a")),
        record("X-2", ("Debian:11", "a"), ("Debian", "b")),
        record("X-3", ("PyPI", "b")),
    )
    with Store.open(database) as store:
        assert ids(store, "Debian:11", "a") == ["X-1", "X-2"]
        assert ids(store, "Debian:12", "a") == ["X-1"]
        assert ids(store, "Debian:13", "a") == []
        assert (store.has("Debian:12"), store.has("Debian:13"), store.has("Debian")) == (True, False, True)
        assert ids(store, "Debian:12", "b") == ids(store, "Debian:99", "b") == ["X-2"], (
            "a record that names no release is about all of them"
        )
        assert store.ecosystems() == {"Debian": 1, "Debian:11": 2, "Debian:12": 1, "PyPI": 1}
        assert store.sources()["Debian"].records == 2


def test_names_meet_in_any_spelling(tmp_path: Path) -> None:
    database, _ = made(
        tmp_path, record("X-1", ("PyPI", "Zope.Interface")), record("X-2", ("Go", "github.com/A/b"))
    )
    with Store.open(database) as store:
        for name in ("zope.interface", "zope-interface", "Zope__Interface"):
            assert ids(store, "PyPI", name) == ["X-1"]
        assert ids(store, "Go", "github.com/a/b") == ["X-2"]
        assert ids(store, "Go", "github.com/a/c") == []


def test_withdrawn_records_are_dropped(tmp_path: Path) -> None:
    database, result = made(
        tmp_path,
        record("X-1", ("PyPI", "a"), withdrawn="2024-02-01T00:00:00Z"),
        record("X-2", ("PyPI", "a")),
        record("X-3", ("npm", "a"), modified="2024-01-01T00:00:00Z"),
        record("X-3", ("npm", "a"), modified="2024-03-01T00:00:00Z", withdrawn="2024-03-01T00:00:00Z"),
        record("X-4", ("PyPI", "a"), modified="2024-01-01T00:00:00Z", withdrawn="2024-01-01T00:00:00Z"),
        record("X-4", ("PyPI", "a"), modified="2024-03-01T00:00:00Z"),
    )
    with Store.open(database) as store:
        assert ids(store, "PyPI", "a") == ["X-2", "X-4"]
        assert not store.has("npm")
    assert result.ecosystems == {"PyPI": 2}


@pytest.mark.parametrize("turned", [False, True])
def test_the_latest_record_of_an_id_counts(tmp_path: Path, turned: bool) -> None:
    records = [
        record("X-1", ("PyPI", "old"), modified="2024-01-01T00:00:00Z", summary="old"),
        record("X-1", ("PyPI", "new"), modified="2024-01-01T00:00:00.5Z", summary="new"),
    ]
    database, _ = made(tmp_path, *(records[::-1] if turned else records))
    with Store.open(database) as store:
        assert ids(store, "PyPI", "old") == []
        (match,) = store.lookup("PyPI", "new")
        assert match.advisory.summary == "new"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("modified", ["2024-01-01T00:00:00Z", ""])
def test_records_of_one_id_and_time_count_together(tmp_path: Path, turned: bool, modified: str) -> None:
    """Records that people write themselves often have no time at all."""
    records = [record("X-1", ("PyPI", name), modified=modified) for name in ("a", "b")]
    database, result = made(tmp_path, *(records[::-1] if turned else records), records[0])
    with Store.open(database) as store:
        assert ids(store, "PyPI", "a") == ids(store, "PyPI", "b") == ["X-1"]
    assert result.ecosystems == {"PyPI": 1}


def test_one_id_for_several_releases(tmp_path: Path) -> None:
    """Some sources publish one file a release, all under the id of the erratum."""
    database, _ = made(
        tmp_path,
        record("ALSA-1", ("AlmaLinux:8", "a"), modified="2024-01-01T00:00:00Z"),
        record("ALSA-1", ("AlmaLinux:9", "a"), modified="2024-01-02T00:00:00Z"),
    )
    with Store.open(database) as store:
        assert ids(store, "AlmaLinux:8", "a") == ids(store, "AlmaLinux:9", "a") == ["ALSA-1"]


def test_several_entries_of_one_record(tmp_path: Path) -> None:
    database, result = made(tmp_path, record("X-1", ("PyPI", "a"), ("PyPI", "A")))
    with Store.open(database) as store:
        assert ids(store, "PyPI", "a") == ["X-1", "X-1"]
    assert result.ecosystems == {"PyPI": 1}


def test_the_digest_is_of_the_advisories(tmp_path: Path) -> None:
    first, second = record("X-1", ("PyPI", "a")), record("X-2", ("Debian:12", "a"))
    one = made(tmp_path, first, second, name="1")[1].digest
    assert made(tmp_path, second, first, name="2")[1].digest == one
    assert made(tmp_path, first, name="3")[1].digest != one
    assert made(tmp_path, first, {**second, "summary": "other"}, name="4")[1].digest != one


def test_the_same_bytes_for_the_same_records(tmp_path: Path) -> None:
    records = [record(f"X-{i}", ("PyPI", f"a{i}"), ("Debian:12", "b")) for i in range(50)]
    one, _ = made(tmp_path, *records, name="1")
    two, _ = made(tmp_path, *records[::-1], name="2")
    assert content(one) == content(two)


def test_age(tmp_path: Path) -> None:
    database, _ = made(tmp_path, record("X-1", ("Debian:12", "a")))
    with Store.open(database) as store:
        assert store.age_days("Debian:12", NOW + timedelta(days=3)) == 3.0
        assert store.age_days("Debian:12", NOW - timedelta(hours=3)) == 0.0
        assert store.age_days("PyPI", NOW) == float("inf")
        assert store.sources()["Debian"].newest == "2024-01-01T00:00:00.000000Z"


def test_faults_are_told_and_the_rest_is_used(tmp_path: Path) -> None:
    broken = record("X-1", ("PyPI", "a"), ("PyPI", "b"))
    broken["affected"][0]["package"] = {"name": "a"}
    database, result = made(tmp_path, broken, {"affected": []})
    assert [problem.code for problem in result.problems] == ["faulty-advisory", "unreadable-advisory"]
    assert "X-1" in result.problems[0].message
    with Store.open(database) as store:
        assert ids(store, "PyPI", "b") == ["X-1"]


FAULTY = [{"type": "ECOSYSTEM", "events": [{"introduced": []}]}]


def faulty(identifier: str, *ecosystems: str) -> dict[str, Any]:
    """A record whose ranges cannot be read."""
    told = record(identifier, *((ecosystem, "a") for ecosystem in ecosystems))
    for entry in told["affected"]:
        entry["ranges"] = FAULTY
    return told


@pytest.mark.parametrize(
    ("bad", "unread"),
    [
        ([], {}),
        ([faulty("X-1", "Debian:11"), faulty("X-2", "Debian:11", "PyPI")], {"Debian:11": 2, "PyPI": 1}),
        ([faulty("X-1", "Debian:11") | {"withdrawn": "2024-01-01T00:00:00Z"}], {}),
        ([faulty("X-1", "Debian:11") | {"id": 7}], {"Debian:11": 1}),
        ([[]], {"": 1}),
        ([{"id": "X-1", "affected": [{"package": {"name": "a"}}]}], {"": 1}),
        ([{"id": "X-1", "affected": "PyPI"}], {"": 1}),
        ([record("X-1", ("pypi", "a"))], {"PyPI": 1}),
        ([record("X-1", ("debian:12", "a")), record("X-2", ("Debain:12", "a"))], {"Debian:12": 2}),
        ([record("X-1", ("Debian:bookworm", "a"))], {"Debian": 1}),
        ([record("X-1", ("Alpine", "a")), record("X-2", ("Alpine:3.18", "a"))], {"Alpine": 2}),
        ([record("X-1", ("Ubuntu:22.04", "a"))], {"Ubuntu": 1}),
        ([faulty("X-1", "Red Hat:enterprise_linux:9::baseos")], {"Red Hat:enterprise_linux:9": 1}),
        ([faulty("X-1", "SUSE:Linux Enterprise Module for Web 12")], {"SUSE:Linux Enterprise 12": 1}),
        ([faulty("X-1", "Packagist:https://packages.drupal.org/8")], {"Packagist": 1}),
        ([record("X-1", ("Qqqq", "a"))], {}),
    ],
)
def test_what_could_not_be_used_is_remembered(tmp_path: Path, bad: list[Any], unread: dict[str, int]) -> None:
    database, result = made(tmp_path, record("X-9", ("npm", "a")), *bad)
    assert bool(result.problems) is (bool(unread) or "Qqqq" in str(bad))
    with Store.open(database) as store:
        assert store.unread() == unread
        assert store.ecosystems() == {"npm": 1}
        for ecosystem in ("Debian:11", "Debian:12", "PyPI", "npm"):
            wanted = (ecosystem, ecosystem.partition(":")[0], "")
            expected = sum(count for name, count in unread.items() if name in wanted)
            assert store.unread_for(ecosystem) == expected


def test_what_could_not_be_used_for_all_service_packs_counts_for_each(tmp_path: Path) -> None:
    bad = faulty("X-1", "SUSE:Linux Enterprise Module for Web 12")
    database, _ = made(tmp_path, record("X-2", ("npm", "a")), bad)
    with Store.open(database) as store:
        assert store.unread_for("SUSE:Linux Enterprise 12 SP5") == 1
        assert store.unread_for("SUSE:Linux Enterprise 15 SP5") == 0


def test_names_that_differ_by_registry_or_case_meet(tmp_path: Path) -> None:
    database, result = made(
        tmp_path,
        record("DRUPAL-CONTRIB-2024-001", ("Packagist:https://packages.drupal.org/8", "drupal/a")),
        record("X-1", ("Maven:https://maven.google.com", "androidx.a:b")),
        record("GO-1", ("Go", "github.com/Masterminds/goutils")),
    )
    assert result.problems == ()
    with Store.open(database) as store:
        assert sorted(store.ecosystems()) == ["Go", "Maven", "Packagist"]
        assert store.lookup("Packagist", "drupal/a")
        assert store.lookup("Maven", "androidx.a:b")
        assert store.lookup("Go", "github.com/masterminds/goutils")


def test_a_file_that_cannot_be_read_counts_for_all(tmp_path: Path) -> None:
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "1.json").write_text(json.dumps(record("X-1", ("PyPI", "a"))))
    (tmp_path / "osv" / "2.json").write_text("{")
    build([tmp_path / "osv"], tmp_path / "db")
    with Store.open(tmp_path / "db") as store:
        assert (store.unread(), store.unread_for("PyPI")) == ({"": 1}, 1)


@pytest.mark.parametrize(
    "bad", [faulty("X-1", "PyPI"), record("X-1", ("pypi", "a")), {"id": "X-1", "affected": [7]}]
)
def test_a_good_database_is_not_replaced_by_nothing(tmp_path: Path, bad: Any) -> None:
    database, _ = made(tmp_path, record("X-1", ("PyPI", "a")))
    before = content(database)
    with pytest.raises(AdvisoryError, match="no advisory for any package"):
        made(tmp_path, bad)
    assert content(database) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("debian:12", "did you mean Debian:12?"),
        ("pypi", "did you mean PyPI?"),
        ("debain:sarge", "did you mean Debian:12, or the like?"),
        ("Alpine:3.18", "it is written like Alpine:v3.20"),
        ("Ubuntu:22.04", "it is written like Ubuntu:24.04:LTS"),
        ("Alpine", "it is written like Alpine:v3.20"),
        ("Qqqq", "no such ecosystem"),
    ],
)
def test_a_name_that_no_package_can_have_is_told_once(tmp_path: Path, name: str, said: str) -> None:
    good = record("X-0", ("npm", "a"))
    _, result = made(tmp_path, good, record("X-1", (name, "a")), record("X-2", (name, "a"), (name, "b")))
    (problem,) = result.problems
    assert (problem.code, problem.subject) == ("unknown-ecosystem", name)
    assert said in problem.message
    assert "and 1 other record: " in problem.message


def test_names_of_the_schema_are_taken(tmp_path: Path) -> None:
    names = (
        *("Debian", "Debian:3.1", "Debian:12", "Debian:sid", "Ubuntu:22.04:LTS", "Ubuntu:23.10", "npm"),
        *(
            "Ubuntu:Pro:FIPS-updates:20.04:LTS",
            "Alpine:edge",
            "Alpine:v3.9",
            "Maven:https://maven.google.com",
        ),
        *("Root:Alpine:3.18", "Red Hat:rhel_aus:8.4::appstream", "SUSE:Linux Enterprise Server 15 SP5"),
    )
    _, result = made(tmp_path, record("X-1", *((name, "a") for name in names)))
    assert (result.problems, set(result.ecosystems)) == ((), set(map(release, names)))


def test_nothing_to_build(tmp_path: Path) -> None:
    (tmp_path / "osv").mkdir()
    with pytest.raises(AdvisoryError, match="no advisory for any package"):
        build([tmp_path / "osv"], tmp_path / "db")
    (tmp_path / "osv" / "x.json").write_text("{")
    with pytest.raises(AdvisoryError, match="not valid JSON"):
        build([tmp_path / "osv"], tmp_path / "db")
    with pytest.raises(UsageError):
        build([tmp_path / "absent"], tmp_path / "db")
    assert not (tmp_path / "db").exists()


def test_a_failed_build_leaves_the_old_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, _ = made(tmp_path, record("X-1", ("PyPI", "a")))
    before = content(database)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("secpipe.advisories.writer._to_disk", full)
    with pytest.raises(AdvisoryError, match="No space left"):
        made(tmp_path, record("X-2", ("PyPI", "b")))
    assert content(database) == before
    names = [".advisories.lock", "advisories", "advisories.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_folders_are_made(tmp_path: Path) -> None:
    write_feed(tmp_path / "feed", "PyPI", record("X-1", ("PyPI", "a")))
    build([tmp_path / "feed"], tmp_path / "a" / "b" / "db")
    with Store.open(tmp_path / "a" / "b" / "db") as store:
        assert store.has("PyPI")
    with pytest.raises(UsageError):
        build([tmp_path / "absent"], tmp_path / "c" / "d" / "db")
    with pytest.raises(AdvisoryError, match="there is no advisory database"):
        Store.open(tmp_path / "c" / "d" / "db")
    assert not (tmp_path / "c").exists()
    (tmp_path / "file").touch()
    with pytest.raises(AdvisoryError, match="cannot write"):
        build([tmp_path / "feed"], tmp_path / "file" / "db")


def test_a_failed_build_leaves_no_more_than_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_feed(tmp_path / "feed", "PyPI", record("X-1", ("PyPI", "a")))
    monkeypatch.setattr("secpipe.advisories.writer._to_disk", full)
    with pytest.raises(AdvisoryError, match="No space left"):
        build([tmp_path / "feed"], tmp_path / "c" / "d" / "db")
    assert [file.name for file in (tmp_path / "c" / "d").iterdir()] == [".db.lock"]


def test_other_files_are_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    target.write_text("precious")
    source = tmp_path / "1.json"
    source.write_text(json.dumps(record("X-1", ("PyPI", "a"))))
    with pytest.raises(UsageError, match="is no advisory database"):
        build([source], target)
    with pytest.raises(UsageError, match="is no advisory database"):
        build([source], tmp_path)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"icons": []}')
    with pytest.raises(UsageError, match="is no advisory database"):
        build([source], tmp_path / "web")
    foreign = tmp_path / "foreign.sqlite"
    sqlite(foreign, "CREATE TABLE precious (x)")
    with pytest.raises(UsageError, match="is no advisory database"):
        build([source], foreign)
    assert target.read_text() == "precious"
    target.write_text("")
    build([source], target)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with pytest.raises(AdvisoryError, match="there is no advisory database") as caught:
        Store.open(path)
    assert "secpipe db update" in caught.value.hint
    with pytest.raises(AdvisoryError, match="there is no advisory database"):
        Store.open(tmp_path)
    for data in (b"", b"hello", b"x" * 5000):
        path.write_bytes(data)
        with pytest.raises(AdvisoryError, match="is no advisory database of secpipe"):
            Store.open(path)
    foreign = tmp_path / "foreign.sqlite"
    sqlite(foreign, "CREATE TABLE t (x)")
    with pytest.raises(AdvisoryError, match="is no advisory database of secpipe"):
        Store.open(foreign)


def test_a_database_of_another_schema(tmp_path: Path) -> None:
    database, _ = made(tmp_path, record("X-1", ("PyPI", "a")))
    file = database / "manifest.json"
    file.write_text(file.read_text().replace(f'"schema": {SCHEMA}', '"schema": 99'))
    with pytest.raises(AdvisoryError, match=f"has schema 99, this version of secpipe reads schema {SCHEMA}"):
        Store.open(database)


def test_a_database_of_an_earlier_version(tmp_path: Path) -> None:
    """It was one file, by default another one."""
    old = tmp_path / "db"
    sqlite(old, "PRAGMA application_id = 1396920388")
    sqlite(old, "PRAGMA user_version = 4")
    sqlite(old, "CREATE TABLE source (x)")
    with pytest.raises(AdvisoryError, match="has schema 4, this version") as caught:
        Store.open(old)
    assert "replace it: secpipe db update" in caught.value.hint
    made(tmp_path, record("X-1", ("PyPI", "a")), name="db")
    with Store.open(old) as store:
        assert store.has("PyPI")
    (tmp_path / "advisories.sqlite").touch()
    with pytest.raises(AdvisoryError, match=r"\(advisories.sqlite beside it is of an earlier version\)"):
        Store.open(tmp_path / "advisories")


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    database, _ = made(tmp_path, *(record(f"X-{i}", ("PyPI", f"a{i}")) for i in range(100)))
    for file in database.iterdir():
        whole = file.read_bytes()
        for length in range(0, len(whole) - 1, 997):
            file.write_bytes(whole[:length])
            with pytest.raises(AdvisoryError):
                Store.open(database)
        file.write_bytes(whole)
    (shard,) = shard_files(database)
    shard.unlink()
    with pytest.raises(AdvisoryError, match=f"it has no {shard.name}"):
        Store.open(database)


def test_damage_ends_in_an_error_of_ours(tmp_path: Path) -> None:
    database, _ = made(tmp_path, *(record(f"X-{i}", ("PyPI", f"a{i}")) for i in range(100)))
    for file in database.iterdir():
        whole = file.read_bytes()
        for at in range(0, len(whole), 211):
            changed = bytes(byte ^ 0xA5 for byte in whole[at : at + 64])
            file.write_bytes(whole[:at] + changed + whole[at + 64 :])
            try:
                with Store.open(database) as store:
                    for i in range(100):
                        store.lookup("PyPI", f"a{i}")
                    store.ecosystems(), store.sources(), store.age_days("PyPI"), store.digest
            except AdvisoryError:
                continue
        file.write_bytes(whole)


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    database, _ = made(tmp_path, record("X-1", ("PyPI", "a")))
    for file in (*database.iterdir(), database):
        file.chmod(0o555)
    before = sorted(tmp_path.rglob("*"))
    with Store.open(database) as one, Store.open(database) as two:
        assert ids(one, "PyPI", "a") == ids(two, "PyPI", "a") == ["X-1"]
    assert sorted(tmp_path.rglob("*")) == before
    database.chmod(0o755)


def test_a_path_with_signs_of_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "a?b#c %41 é"
    folder.mkdir()
    database, _ = made(folder, record("X-1", ("PyPI", "a")))
    with Store.open(database) as store:
        assert store.has("PyPI")


texts = st.text(st.characters(codec="utf-8"), max_size=8)
vectors = st.builds(SeverityVector, texts, texts)
entries = st.builds(
    Affected,
    st.just("PyPI"),
    texts,
    st.lists(
        st.builds(
            Range,
            st.sampled_from(("ECOSYSTEM", "SEMVER")),
            st.lists(
                st.builds(Event, st.sampled_from(("introduced", "fixed", "last_affected", "limit")), texts)
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.lists(vectors, max_size=2).map(tuple),
    texts,
)


@given(st.lists(st.tuples(texts, entries), max_size=3))
def test_packages_survive_packing(pairs: list[tuple[str, Affected]]) -> None:
    assert opened(pairs) == pairs


@given(texts, texts, st.lists(texts).map(tuple), st.lists(vectors).map(tuple))
def test_advisories_survive_packing(
    one: str, two: str, many: tuple[str, ...], severity: tuple[SeverityVector, ...]
) -> None:
    advisory = Advisory(one, two, (), two, "", many, many, one, severity, two, one)
    packed = pack_records([pack_advisory(advisory)] * 2)
    assert [unpack_advisory(fields) for fields in open_records(packed)] == [advisory] * 2
    assert split_records(packed) == [(one, pack_advisory(advisory))] * 2


def test_long_blobs_are_squeezed_and_held_to_their_end() -> None:
    from msgspec import MsgspecError

    names = [f"X-{i}" for i in range(100)]
    entries = [pack_affected(Affected("PyPI", "a", versions=(str(i),))) for i in range(100)]
    blob = squeezed(pack_package(range(100), names, entries))
    assert len(blob) < sum(map(len, entries))
    assert split_package(whole(blob)) == list(zip(names, entries, strict=True))
    for damaged in (blob[:-1], blob[:40], blob[:1], b"x" + bytes(100)):
        with pytest.raises((ValueError, TypeError, MsgspecError)):
            split_package(whole(damaged))


def test_a_pipe_does_not_hold_the_program_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AdvisoryError, match="is no folder"):
        Store.open(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("fetched", "days"),
    [
        ("2024-05-31T12:00:00", 1.0),
        ("2024-06-01T20:00:00Z", 0.0),
        ("2024-06-03T12:00:00Z", float("inf")),
        ("2099-01-01T00:00:00Z", float("inf")),
        ("yesterday", float("inf")),
    ],
)
def test_the_age_of_advisories_with_an_odd_time(tmp_path: Path, fetched: str, days: float) -> None:
    database, _ = made(tmp_path, record("X-1", ("PyPI", "a")))
    amend(database, fetched=fetched)
    with Store.open(database) as store:
        assert store.age_days("PyPI", NOW) == days


def test_a_pipe_in_the_place_of_a_file_does_not_either(tmp_path: Path) -> None:
    database, _ = made(tmp_path, record("X-1", ("PyPI", "a")))
    (shard,) = shard_files(database)
    shard.unlink()
    os.mkfifo(shard)
    with pytest.raises(AdvisoryError, match="not a regular file"):
        Store.open(database, ["PyPI"])
    (database / "manifest.json").unlink()
    os.mkfifo(database / "manifest.json")
    with pytest.raises(AdvisoryError, match="not a regular file"):
        Store.open(database)


@given(
    st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=5), max_size=8)
)
def test_what_the_ids_begin_with(identifiers: list[str]) -> None:
    from secpipe.advisories.rows import Rows
    from secpipe.advisories.writer import Origin, Writer

    entry = pack_affected(Affected("npm", "a"))
    rows = Rows({one: pack_advisory(Advisory(one, "", ())) for one in identifiers})
    for one in identifiers:
        rows.put("npm", one, [("a", entry)])
    with tempfile.TemporaryDirectory() as folder, Writer(Path(folder) / "db") as writer:
        written = writer.shard("npm", rows, Origin(""), own=True)
        writer.commit(Manifest().having([written]))
        with Store.open(Path(folder) / "db", ["npm"]) as store:
            (shard,) = store.shards
            assert set(shard.heads) == {one.partition("-")[0] for one in identifiers}
            assert {one.id for one in store.named(identifiers)} == set(identifiers)


def test_ids_that_begin_in_many_ways(tmp_path: Path) -> None:
    database, _ = made(tmp_path, *(record(f"X{i}-1", ("PyPI", "a")) for i in range(40)))
    with Store.open(database) as store:
        assert store.shards[0].heads == ()
        assert [one.id for one in store.named(["X7-1", "X39-1", "Y-1"])] == ["X39-1", "X7-1"]
