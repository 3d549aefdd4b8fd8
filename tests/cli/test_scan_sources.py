"""`secpipe scan` says the same of one image wherever it comes from."""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import BuiltLayer, files, image, write_docker_archive, write_layout
from tests.support.packages import apk, os_release

ROOT = Path(__file__).parents[2]
CONTENTS = {
    "etc/os-release": os_release("alpine", "3.18.4"),
    "lib/apk/db/installed": apk([("libssl3", "3.1.3-r0", "openssl")]),
}
LAYER = BuiltLayer(files(CONTENTS), "ADD rootfs")
IMAGE = image([LAYER])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


def scan(target: str | Path, database: Path, *options: str, stdin: bytes = b"") -> Result:
    options = ("--db", str(database), "--max-db-age", "99999", *options)
    return secpipe("scan", target, *options, stdin=stdin)


def found(result: Result) -> Any:
    jsonschema.validate(result.json, json.loads((ROOT / "docs/schema/scan.schema.json").read_text()))
    assert result.code == 1
    return [
        (one["id"], one["package"], one["layer"] and one["layer"]["index"]) for one in result.json["findings"]
    ]


def test_layouts_archives_and_standard_input(tmp_path: Path, database: Path) -> None:
    expected = found(scan(write_layout(tmp_path / "layout", {"1": IMAGE}), database, "-f", "json"))
    assert expected
    archive = write_docker_archive(tmp_path / "saved.tar", {"app:1": IMAGE})
    assert found(scan(archive, database, "-f", "json")) == expected
    piped = scan("-", database, "-f", "json", stdin=archive.read_bytes())
    assert found(piped) == expected
    assert piped.json["target"]["reference"] == "-"


def test_a_root_filesystem(tmp_path: Path, database: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": IMAGE})
    root = tmp_path / "root"
    (tmp_path / "layer.tar").write_bytes(LAYER.tar)
    with tarfile.open(tmp_path / "layer.tar") as archive:  # noqa: TID251  # what the tests wrote themselves
        archive.extractall(root, filter="data")
    expected = [(id, package, None) for id, package, _ in found(scan(layout, database, "-f", "json"))]
    for options in ((), ("--platform", "all")):
        result = scan(f"dir:{root}", database, "-f", "json", *options)
        assert found(result) == expected
    assert scan(f"dir:{root}", database, "-f", "json").json["target"] == {
        "reference": f"dir:{root}",
        "digest": None,
        "platform": "linux/unknown",
        "distribution": "alpine 3.18.4",
        "operatingSystem": {"id": "alpine", "versionId": "3.18.4", "name": "alpine 3.18.4"},
    }
    shown = scan(f"dir:{root}", database).stdout
    assert "linux/unknown" in shown
    schema = json.loads((ROOT / "tests/schemas/sarif-schema-2.1.0.json").read_text())
    jsonschema.validate(json.loads(scan(f"dir:{root}", database, "-f", "sarif").stdout), schema)
    # It is read as it is now, not as an earlier scan found it.
    (root / "lib/apk/db/installed").write_text(apk([("libssl3", "3.1.4-r0", "openssl")]))
    assert scan(f"dir:{root}", database).code == 0
    (root / "etc/os-release").unlink()
    assert scan(f"dir:{root}", database).code == 3


@pytest.mark.skipif(sys.platform != "linux", reason="a file that cannot be read is one of Linux's /proc")
@pytest.mark.parametrize("which", ["layer", "config", "manifest", "index.json"])
def test_a_disk_that_gives_up(tmp_path: Path, database: Path, which: str) -> None:
    """Reading the first page of a process's memory, which nobody has, fails with EIO."""
    layout = write_layout(tmp_path / "layout", {"1": IMAGE})
    manifest = json.loads(IMAGE.manifest)
    blobs = {
        "layer": manifest["layers"][0]["digest"],
        "config": manifest["config"]["digest"],
        "manifest": IMAGE.digest,
    }
    file = layout / "blobs/sha256" / blobs[which][7:] if which in blobs else layout / which
    file.unlink()
    file.symlink_to("/proc/self/mem")
    for result in (scan(layout, database), secpipe("sbom", layout), secpipe("image", "ls", layout)):
        assert result.code == 3
        assert f"error: cannot read {file}: Input/output error" in result.stderr
        assert "output:" not in result.stderr.replace("Input/output", "")
