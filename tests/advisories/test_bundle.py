"""The database as one file: what goes through it, and everything that somebody could put into one."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.advisories import bundle
from secpipe.advisories.build import build
from secpipe.advisories.manifest import decode, encode
from secpipe.advisories.store import Store
from secpipe.advisories.update import update
from secpipe.errors import AdvisoryError, UsageError
from tests.advisories.support import LIMITS, content, record, shard_files, write_feed

Member = tuple[str, bytes]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    for base, place in (("Debian", "Debian:12"), ("PyPI", "PyPI")):
        write_feed(tmp_path / "feed", base, *(record(f"{base}-{i}", (place, f"a{i}")) for i in range(30)))
    update(["Debian", "PyPI"], str(tmp_path / "feed"), tmp_path / "db")
    (tmp_path / "own.json").write_text(json.dumps(record("OWN-1", ("PyPI", "own"))))
    build([tmp_path / "own.json"], tmp_path / "db")
    return tmp_path / "db"


def packed(file: Path, members: list[Member], change: Callable[[tarfile.TarInfo], object] = id) -> Path:
    """A bundle of these members, as somebody else's program would write it."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:  # noqa: TID251  # written, not read
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            archive.addfile(info, io.BytesIO(data))
    file.write_bytes(squeezed(plain.getvalue()))
    return file


def squeezed(data: bytes) -> bytes:
    compressed: bytes = bundle._zstd().compress(data)
    return compressed


def members(database: Path) -> list[Member]:
    manifest = decode((database / "manifest.json").read_bytes(), "")
    names = ["manifest.json", *(shard.file for shard in manifest.shards)]
    return [(name, (database / name).read_bytes()) for name in names]


def test_there_and_back(database: Path, tmp_path: Path) -> None:
    exported = bundle.export(database, tmp_path / "all")
    assert exported.sha256 == hashlib.sha256((tmp_path / "all").read_bytes()).hexdigest()
    assert exported.bytes == (tmp_path / "all").stat().st_size
    imported, before = bundle.load(tmp_path / "all", tmp_path / "other")
    assert imported == exported
    assert before.shards == ()
    assert content(tmp_path / "other") == content(database)
    with Store.open(tmp_path / "other") as store:
        assert len(store.lookup("Debian:12", "a7")) == len(store.lookup("PyPI", "own")) == 1
        assert store.sources()["Debian"].url == str(tmp_path / "feed" / "Debian" / "all.zip")
    assert bundle.export(tmp_path / "other", tmp_path / "again").sha256 == exported.sha256


def test_the_database_becomes_equal_to_it(database: Path, tmp_path: Path) -> None:
    bundle.export(database, tmp_path / "all")
    (tmp_path / "own.json").write_text(json.dumps(record("OTHER-1", ("npm", "other"))))
    build([tmp_path / "own.json"], tmp_path / "other")
    _, before = bundle.load(tmp_path / "all", tmp_path / "other")
    assert [shard.base for shard in before.shards] == ["npm"]
    assert content(tmp_path / "other") == content(database)


def test_other_programs_can_read_it(database: Path, tmp_path: Path) -> None:
    bundle.export(database, tmp_path / "all")
    plain = bundle._zstd().decompress((tmp_path / "all").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:  # noqa: TID251  # the other program
        assert archive.getnames() == [name for name, _ in members(database)]


def test_what_is_written_as_it_would_be_is_taken(database: Path, tmp_path: Path) -> None:
    bundle.load(packed(tmp_path / "all", members(database)), tmp_path / "other")
    assert content(tmp_path / "other") == content(database)


def test_a_changed_shard_is_not_exported(database: Path, tmp_path: Path) -> None:
    shard = shard_files(database)[0]
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    with pytest.raises(AdvisoryError, match="was changed"):
        bundle.export(database, tmp_path / "all")
    assert not (tmp_path / "all").exists()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".all")] == []


@pytest.mark.parametrize("name", ["db", "db/inside", "nowhere/all"])
def test_places_that_cannot_be_exported_to(database: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises((UsageError, AdvisoryError), match=r"cannot (export to|write)"):
        bundle.export(database, tmp_path / name)


def _manifest(**fields: Any) -> Callable[[list[Member]], None]:
    """Change the manifest, its digest made to fit."""

    def change(found: list[Member]) -> None:
        document = json.loads(found[0][1])
        for shard in document["shards"]:
            shard.update(fields)
        raw = json.dumps(document).encode()
        try:
            raw = encode(decode(raw, "").sealed())
        except AdvisoryError as error:
            if "its digest does not fit" in error.message:
                document["digest"] = _fitting(document)
                raw = json.dumps(document).encode()
        found[0] = (found[0][0], raw)

    return change


def _fitting(document: dict[str, Any]) -> str:
    import msgspec

    from secpipe.advisories.manifest import Manifest

    return msgspec.convert(document, Manifest).sealed().digest


def _renamed(name: str) -> Callable[[list[Member]], None]:
    def change(found: list[Member]) -> None:
        found[1] = (name, found[1][1])

    return change


def _with_table(found: list[Member]) -> None:
    """A view that a look-up would run: the digests are made to fit."""
    import sqlite3

    from secpipe.advisories.rows import content_digest

    connection = sqlite3.connect(":memory:")
    connection.deserialize(found[1][1])
    connection.execute("CREATE TRIGGER t AFTER INSERT ON listed BEGIN SELECT 1; END")
    connection.commit()
    data = connection.serialize()
    digest = content_digest(connection)
    connection.close()
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"Debian-{sha256}.sqlite"
    found[1] = (name, data)
    document = json.loads(found[0][1])
    document["shards"][0].update(file=name, sha256=sha256, bytes=len(data), digest=digest)
    found[0] = (found[0][0], json.dumps(document).encode())


HOSTILE: dict[str, Callable[[list[Member]], object]] = {
    "a path upwards": _renamed("../../evil.sqlite"),
    "an absolute path": _renamed("/tmp/evil.sqlite"),  # never written
    "another name": _renamed("Debian-" + "0" * 64 + ".sqlite"),
    "no manifest": lambda found: found.pop(0),
    "a shard less": lambda found: found.pop(),
    "a shard more": lambda found: found.append(found[-1]),
    "another order": lambda found: found.reverse(),
    "an empty shard": lambda found: found.__setitem__(1, (found[1][0], b"")),
    "a longer shard": lambda found: found.__setitem__(1, (found[1][0], found[1][1] + b"x")),
    "another shard's bytes": lambda found: found.__setitem__(1, (found[1][0], bytes(len(found[1][1])))),
    "a manifest that names paths": _manifest(file="../evil-" + "0" * 64 + ".sqlite"),
    "a manifest that lies about sizes": _manifest(bytes=1 << 50),
    "a manifest with a negative size": _manifest(bytes=-1),
    "a manifest that lies about its records": _manifest(digest="sha256:" + "0" * 64),
    "a manifest that lies about its ecosystems": _manifest(ecosystems={"Debian:99": 1}),
    "a manifest of another kind": lambda found: found.__setitem__(0, (found[0][0], b'{"kind": "web"}')),
    "a manifest that is none": lambda found: found.__setitem__(0, (found[0][0], b"{" * 100_000)),
    "a manifest of another schema": lambda found: found.__setitem__(
        0, (found[0][0], found[0][1].replace(b'"schema": ', b'"schema": 9'))
    ),
    "tables of its own": _with_table,
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives(database: Path, tmp_path: Path, change: Callable[[list[Member]], object]) -> None:
    found = members(database)
    change(found)
    file = packed(tmp_path / "all", found)
    before, files = content(database), sorted(tmp_path.rglob("*"))
    for target in (database, tmp_path / "new"):
        with pytest.raises(AdvisoryError) as caught:
            bundle.load(file, target)
        assert str(file) in caught.value.message
    assert content(database) == before
    assert sorted(set(tmp_path.rglob("*")) - set(files)) == [tmp_path / ".new.lock"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_LONGNAME]
)
def test_members_of_other_kinds(database: Path, tmp_path: Path, kind: bytes) -> None:
    def change(info: tarfile.TarInfo) -> None:
        if info.name.endswith(".sqlite"):
            info.type, info.linkname = kind, "/etc/passwd"

    with pytest.raises(AdvisoryError, match="there is"):
        bundle.load(packed(tmp_path / "all", members(database), change), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_inflates_without_end(tmp_path: Path) -> None:
    head = bundle._head("manifest.json", 1000)
    (tmp_path / "all").write_bytes(squeezed(head + bytes(64 << 20)))
    small = LIMITS._replace(database_bytes=1 << 20)
    with pytest.raises(AdvisoryError, match="damaged"):
        bundle.load(tmp_path / "all", tmp_path / "new", small)
    (tmp_path / "all").write_bytes(squeezed(bundle._head("manifest.json", 10 << 20) + bytes(64 << 20)))
    with pytest.raises(AdvisoryError, match="limit database-bytes"):
        bundle.load(tmp_path / "all", tmp_path / "new", small)
    (tmp_path / "all").write_bytes(squeezed(bundle._head("manifest.json", 1 << 30) + bytes(64 << 20)))
    with pytest.raises(AdvisoryError, match="has 1073741824 bytes"):
        bundle.load(tmp_path / "all", tmp_path / "new")


def test_every_cut_and_what_follows(database: Path, tmp_path: Path) -> None:
    bundle.export(database, tmp_path / "all")
    whole = (tmp_path / "all").read_bytes()
    for length in range(0, len(whole), 397):
        (tmp_path / "all").write_bytes(whole[:length])
        with pytest.raises(AdvisoryError):
            bundle.load(tmp_path / "all", tmp_path / "new")
    for more in (b"x", whole, squeezed(b"x")):
        (tmp_path / "all").write_bytes(whole + more)
        with pytest.raises(AdvisoryError, match="something follows its end"):
            bundle.load(tmp_path / "all", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=2000), packs=st.booleans())
def test_any_bytes(tmp_path: Path, data: bytes, packs: bool) -> None:
    (tmp_path / "any").write_bytes(squeezed(data) if packs else data)
    with pytest.raises(AdvisoryError):
        bundle.load(tmp_path / "any", tmp_path / "any-db")


def test_a_disk_that_is_full_is_told_as_such(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out.tar.zst"
    bundle.export(database, file)
    before = content(database)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bundle, "_check", full)
    with pytest.raises(AdvisoryError, match=r"cannot write .*: No space left") as caught:
        bundle.load(file, database)
    assert "disk" in caught.value.hint
    assert content(database) == before


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        bundle.load(tmp_path / "all", tmp_path / "new")
    with pytest.raises(AdvisoryError, match="there is no advisory database"):
        bundle.export(tmp_path / "new", tmp_path / "all")
    with pytest.raises(AdvisoryError, match="cannot read"):
        bundle.load(tmp_path, tmp_path / "new")
