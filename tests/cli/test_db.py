"""`secpipe db`, run as a user does: what is said, where it is said, and the exit codes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.advisories.support import amend, epss, kev, record, shard_files, write_feed, write_zip
from tests.support.cli import secpipe

FIXTURES = Path(__file__).parents[2] / "vulndb-fixtures" / "osv"


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    write_feed(tmp_path / "feed", "Debian", record("DSA-1", ("Debian:12", "a")))
    write_feed(tmp_path / "feed", "PyPI", record("PYSEC-1", ("PyPI", "a")))
    (tmp_path / "feed" / "ecosystems.txt").write_text("Debian\nPyPI\n")
    return tmp_path / "feed"


def test_build_and_status(tmp_path: Path) -> None:
    database = tmp_path / "db"
    built = secpipe("db", "build", FIXTURES, "--db", database)
    assert (built.code, built.stdout) == (0, "")
    assert f"{database}: " in built.stderr
    assert "5 ecosystems, sha256:" in built.stderr
    status = secpipe("db", "status", "--db", database)
    assert (status.code, status.stderr) == (0, "")
    assert "Debian:12" in status.stdout
    assert "sha256:" in status.stdout
    machine = secpipe("db", "status", "-f", "json", env={"SECPIPE_DB": str(database)})
    assert machine.json["digest"] in status.stdout
    (debian,) = (source for source in machine.json["sources"] if source["base"] == "Debian")
    assert debian["ageDays"] == 0
    assert set(debian["ecosystems"]) == {"Debian:11", "Debian:12"}


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    source = write_zip(
        tmp_path / "own.zip", {"1.json": record("X-1", ("PyPI", "a")), "2.json": b"{", "3.json": b"[7]"}
    )
    result = secpipe("db", "build", source, "--db", tmp_path / "db")
    assert result.code == 3
    assert "own.zip/2.json is no advisory: not valid JSON" in result.stderr
    assert "own.zip/3.json[0] is no advisory: not a JSON object" in result.stderr
    assert "2 problems" in result.stderr
    accepted = secpipe("db", "build", source, "--db", tmp_path / "db", "--allow-incomplete")
    assert accepted.code == 0
    assert "2 problems" in accepted.stderr
    status = secpipe("db", "status", "--db", tmp_path / "db")
    assert status.code == 0
    assert "records that could not be used: 2 of an unknown ecosystem" in status.stdout
    machine = secpipe("db", "status", "-f", "json", "--db", tmp_path / "db").json
    assert machine["unread"] == [{"ecosystem": None, "records": 2}]


def test_update(tmp_path: Path, feed: Path) -> None:
    database = tmp_path / "db"
    first = secpipe("db", "update", "Debian", "--url", feed, "--db", database)
    assert (first.code, first.stdout) == (0, "")
    assert "Debian: 1 record" in first.stderr
    second = secpipe("db", "update", "PyPI", env={"SECPIPE_DB_URL": str(feed), "SECPIPE_DB": str(database)})
    assert second.code == 0
    listed = secpipe("db", "status", "-f", "json", "--db", database).json
    assert [source["base"] for source in listed["sources"]] == ["Debian", "PyPI"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["status"], 3, "there is no advisory database"),
        (["status", "-f", "xml"], 2, "unknown format 'xml'"),
        (["update"], 2, "no ecosystem to update"),
        (["update", "debian", "--url", "FEED"], 2, "did you mean Debian?"),
        (
            ["update", "Debian", "--url", "http://127.0.0.1:9", "--limit", "retry-seconds=0"],
            3,
            "cannot fetch",
        ),
        (["update", "Debian", "--url", "nowhere"], 2, "no feed at nowhere"),
        (["build", "nowhere"], 2, "no such file or directory: nowhere"),
        (["build", "FEED/ecosystems.txt"], 3, "no advisory for any package"),
        (["build", "FEED", "--limit", "feed-bites=1"], 2, "did you mean feed-bytes?"),
    ],
)
def test_errors_are_a_line_and_a_hint(
    tmp_path: Path, feed: Path, arguments: list[str], code: int, said: str
) -> None:
    result = secpipe(
        "db", *(a.replace("FEED", str(feed)) for a in arguments), "--db", tmp_path / "db", cwd=tmp_path
    )
    assert result.code == code
    assert said in result.stderr
    assert result.stderr.startswith("error: ")
    assert "\nhint: " in result.stderr
    assert len(result.stderr.strip().splitlines()) == 2
    assert result.stdout == ""


def test_a_broken_database(tmp_path: Path, feed: Path) -> None:
    database = tmp_path / "db"
    assert secpipe("db", "build", feed, "--db", database).code == 0
    _, pypi = shard_files(database)
    pypi.write_bytes(pypi.read_bytes()[:-1])
    broken = secpipe("db", "status", "--db", database)
    assert broken.code == 3
    assert "is cut short" in broken.stderr
    assert "secpipe db" in broken.stderr
    replaced = secpipe("db", "update", "Debian", "--url", feed, "--db", database)
    assert replaced.code == 3
    assert "it was left out" in replaced.stderr
    assert secpipe("db", "status", "--db", database).code == 0


def test_controls_in_names_reach_no_terminal(tmp_path: Path) -> None:
    source = tmp_path / "1.json"
    source.write_text(json.dumps(record("X-1", ("Evil\x1b[2J", "a"), ("Root:\x1b[2J", "a"))))
    built = secpipe("db", "build", source, "--db", tmp_path / "db")
    assert built.code == 3
    assert "\x1b" not in built.stderr
    assert "Root:" in secpipe("db", "status", "--db", tmp_path / "db").stdout
    assert "\x1b" not in secpipe("db", "status", "--db", tmp_path / "db").stdout


def test_advisories_of_which_nobody_knows_the_age(tmp_path: Path) -> None:
    database = tmp_path / "db"
    secpipe("db", "build", FIXTURES, "--db", database)
    amend(database, fetched="2099-01-01T00:00:00Z")
    assert "  unknown " in secpipe("db", "status", "--db", database).stdout
    status = secpipe("db", "status", "--db", database, "-f", "json")
    assert {source["ageDays"] for source in status.json["sources"]} == {None}


def test_feeds_about_exploitation_are_fetched_told_and_brought_up_to_date(tmp_path: Path, feed: Path) -> None:
    database = tmp_path / "db"
    catalogue, scores = kev(tmp_path, "CVE-2014-0160"), epss(tmp_path, {"CVE-2014-0160": 0.9, "x": 0.5})
    done = secpipe(
        *("db", "update", "Debian", "--url", feed, "--db", database),
        *("--kev", "--kev-url", catalogue, "--epss"),
        env={"SECPIPE_EPSS_URL": str(scores)},
    )
    assert done.code == 3
    assert "unreadable-entries: " in done.stderr
    assert "kev: 1 entry of 2025-11-20" in done.stderr
    listed = secpipe("db", "status", "-f", "json", "--db", database).json["feeds"]
    assert [(one["name"], one["entries"], one["ageDays"]) for one in listed] == [
        ("kev", 1, 0),
        ("epss", 1, 0),
    ]
    table = secpipe("db", "status", "--db", database).stdout
    assert [line.split()[:3] for line in table.splitlines()[-2:]] == [
        ["kev", "1", "2025-11-20"],
        ["epss", "1", "2025-11-20"],
    ]
    epss(tmp_path, {"CVE-2014-0160": 0.8})
    again = secpipe("db", "update", "--url", feed, "--db", database)
    assert again.code == 0
    assert "kev: 1 entry of 2025-11-20, unchanged" in again.stderr
    assert "epss: 1 entry of 2025-11-20\n" in again.stderr
    alone = secpipe("db", "update", "PyPI", "--url", feed, "--db", database)
    assert "kev" not in alone.stderr


def test_a_feed_alone_needs_no_database(tmp_path: Path) -> None:
    done = secpipe(
        "db", "update", "--kev", "--kev-url", kev(tmp_path, "CVE-2014-0160"), "--db", tmp_path / "db"
    )
    assert (done.code, done.stderr) == (0, "kev: 1 entry of 2025-11-20\n")
    failed = secpipe("db", "update", "--epss", "--epss-url", tmp_path / "none", "--db", tmp_path / "db")
    assert failed.code == 3
    assert "there is nothing at " in failed.stderr


def test_export_and_import(tmp_path: Path, feed: Path) -> None:
    database, other, file = tmp_path / "db", tmp_path / "other", tmp_path / "all.tar.zst"
    secpipe("db", "update", "Debian", "PyPI", "--url", feed, "--db", database)
    digest = secpipe("db", "status", "--db", database, "-f", "json").json["digest"]
    exported = secpipe("db", "export", file, "--db", database)
    assert (exported.code, exported.stdout) == (0, "")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert exported.stderr.splitlines() == [
        f"{file}: 2 ecosystems, 2 records, {file.stat().st_size} bytes",
        f"{file}: sha256:{sha256}",
    ]
    (tmp_path / "own.json").write_text(json.dumps(record("OWN-1", ("npm", "a"))))
    secpipe("db", "build", tmp_path / "own.json", "--db", other)
    imported = secpipe("db", "import", file, "--db", other)
    assert imported.code == 0
    assert "your own records of npm are not in it: build them again" in imported.stderr
    assert f"{other}: {digest}" in imported.stderr
    assert secpipe("db", "status", "--db", other, "-f", "json").json["digest"] == digest
    file.write_bytes(file.read_bytes()[:-1])
    cut = secpipe("db", "import", file, "--db", other)
    assert (cut.code, "it is cut short" in cut.stderr) == (3, True)
    assert secpipe("db", "import", tmp_path / "none", "--db", other).code == 2


def test_a_pinned_key(tmp_path: Path, feed: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra `signature` is not installed")
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for name in ("key", "other"):
        (tmp_path / name).write_bytes(
            Ed25519PrivateKey.generate().private_bytes(
                forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
            )
        )
    database, file = tmp_path / "db", tmp_path / "all"
    secpipe("db", "update", "Debian", "--url", feed, "--db", database)
    keys = []
    for name in ("other", "key"):
        signed = secpipe("db", "export", file, "--db", database, "--sign", tmp_path / name)
        assert signed.code == 0
        keys.append(signed.stderr.split()[-1])
    taken = secpipe("db", "import", file, "--db", tmp_path / "new", "--public-key", keys[1])
    assert (taken.code, "all.minisig: advisories sha256:" in taken.stderr) == (0, True)
    wrong = secpipe("db", "import", file, "--db", tmp_path / "2", env={"SECPIPE_DB_PUBLIC_KEY": keys[0]})
    assert (wrong.code, "is signed by another key" in wrong.stderr) == (3, True)
    (tmp_path / "all.minisig").rename(tmp_path / "elsewhere")
    unsigned = secpipe("db", "import", file, "--db", tmp_path / "2", "--public-key", keys[1])
    assert (unsigned.code, "is not signed" in unsigned.stderr) == (3, True)
    assert not (tmp_path / "2").exists()
    words = ("db", "import", file, "--db", tmp_path / "2", "--signature", tmp_path / "elsewhere")
    assert secpipe(*words, "--public-key", keys[1]).code == 0
    assert secpipe(*words).code == 2
    assert secpipe("db", "import", file, "--public-key", "RWnonsense").code == 2
    unset = secpipe("db", "import", file, "--db", tmp_path / "3", "--public-key", "")
    assert (unset.code, (tmp_path / "3").exists()) == (2, False), "a variable that is not set is no key"
    empty = secpipe("db", "import", file, "--db", tmp_path / "3", env={"SECPIPE_DB_PUBLIC_KEY": ""})
    assert (empty.code, "is set and empty" in empty.stderr, (tmp_path / "3").exists()) == (2, True, False)
    assert secpipe("db", "export", file, "--db", database, "--sign", file).code == 2


def test_without_the_package_for_signatures(tmp_path: Path, feed: Path) -> None:
    """It is an extra: whoever lacks it is told, and nothing is taken unverified."""
    (tmp_path / "cryptography.py").write_text("raise ImportError")
    database, file = tmp_path / "db", tmp_path / "all"
    secpipe("db", "update", "Debian", "--url", feed, "--db", database)
    (tmp_path / "key").write_text("-----BEGIN")
    path = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    signed = secpipe("db", "export", file, "--db", database, "--sign", tmp_path / "key", env=path)
    assert signed.code == 2
    assert "pip install 'secpipe[signature]'" in signed.stderr
