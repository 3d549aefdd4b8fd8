"""Records and zips for the tests of the advisory database."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from secpipe.advisories.blob import (
    open_package,
    pack_affected,
    pack_package,
    squeezed,
    told_by,
    unpack_affected,
    whole,
)
from secpipe.advisories.names import normalise
from secpipe.model.advisory import Advisory, AdvisoryMatch, Affected
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

NO_PROBLEMS: tuple[Problem, ...] = ()
LIMITS = Limits()


def record(
    identifier: str, *places: tuple[str, str], modified: str = "2024-01-01T00:00:00Z", **more: Any
) -> dict[str, Any]:
    """A record that affects every version of the (ecosystem, name) places."""
    affected = [
        {
            "package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
        for ecosystem, name in places
    ]
    return {"id": identifier, "modified": modified, "affected": affected, **more}


def write_zip(path: Path, files: Mapping[str, Any]) -> Path:
    """A zip of JSON documents; bytes go in as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in files.items():
            archive.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def shard_files(database: Path) -> list[Path]:
    """The database's SQLite files, sorted."""
    return sorted(database.glob("*.sqlite"))


def content(database: Path) -> dict[str, bytes]:
    """Every file of a database, by name."""
    return {file.name: file.read_bytes() for file in database.iterdir()}


def amend(database: Path, base: str = "", **fields: Any) -> None:
    """Change what the manifest says of the shards of a base ecosystem, or of all."""
    file = database / "manifest.json"
    document = json.loads(file.read_text())
    for shard in document["shards"]:
        if base in ("", shard["base"]):
            shard.update(fields)
    file.write_text(json.dumps(document))


def write_feed(folder: Path, ecosystem: str, *records: Mapping[str, Any]) -> Path:
    """`<folder>/<ecosystem>/all.zip` of the records."""
    return write_zip(folder / ecosystem / "all.zip", {f"{record['id']}.json": record for record in records})


def kev(folder: Path, *cves: str, released: str = "2025-11-20T12:00:00Z") -> Path:
    """CISA's catalogue with these CVEs."""
    file = folder / "kev.json"
    found = [{"cveID": cve} for cve in cves]
    file.write_text(json.dumps({"dateReleased": released, "count": len(found), "vulnerabilities": found}))
    return file


def epss(folder: Path, scores: Mapping[str, float], released: str = "2025-11-20T12:00:00Z") -> Path:
    """EPSS's list with these scores."""
    file = folder / "epss.csv.gz"
    rows = "".join(f"{cve},{score},0.5\n" for cve, score in scores.items())
    file.write_bytes(
        gzip.compress(f"#model_version:v1,score_date:{released}\ncve,epss,percentile\n{rows}".encode())
    )
    return file


def opened(pairs: Sequence[tuple[str, Affected]]) -> list[tuple[str, Affected]]:
    """What comes out of a package's blob that these ids and entries were put into."""
    numbers = {identifier: number for number, (identifier, _) in enumerate(pairs)}
    identifiers = [identifier for identifier, _ in pairs]
    packed = [pack_affected(entry) for _, entry in pairs]
    blob = squeezed(pack_package([numbers[one] for one in identifiers], identifiers, packed))
    found = []
    for (number, identifier, fields), (_, entry) in zip(open_package(whole(blob)), pairs, strict=True):
        assert numbers[identifier] == number
        told = unpack_affected(fields, entry.ecosystem, normalise(entry.ecosystem, entry.name))
        plain = AdvisoryMatch(Advisory(identifier, "", ()), entry)
        known = (fields, False) if isinstance(fields, str) else told_by(fields)
        assert known == (plain.bounds, plain.lists_versions)
        found.append((identifier, told))
    return found
