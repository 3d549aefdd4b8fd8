"""OSV records for tests, and a database of them built by the program itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.cli import secpipe


def record(
    id: str, ecosystem: str, name: str, fixed: str | None, *, cvss: str = "", **more: Any
) -> dict[str, Any]:
    """A record that affects everything before `fixed`, or every version."""
    events = [{"introduced": "0"}] + ([{"fixed": fixed}] if fixed else [])
    document: dict[str, Any] = {
        "schema_version": "1.7.0",
        "id": id,
        "modified": "2024-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
        **more,
    }
    if cvss:
        document["severity"] = [{"type": "CVSS_V3", "score": cvss}]
    return document


CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"

RECORDS = (
    record("ALPINE-CVE-2023-5363", "Alpine:v3.18", "openssl", "3.1.4-r0", upstream=["CVE-2023-5363"]),
    record("DSA-5532-1", "Debian:12", "openssl", "3.0.11-1~deb12u2", upstream=["CVE-2023-5363"]),
    record("PYSEC-2023-74", "PyPI", "requests", "2.31.0", cvss=MEDIUM, aliases=["CVE-2023-32681"]),
    record("PYSEC-2020-1", "PyPI", "pyyaml", "5.4", cvss=CRITICAL, aliases=["CVE-2020-14343"]),
)


def build_database(folder: Path, records: Iterable[dict[str, Any]] = RECORDS) -> Path:
    """Compile the records with `secpipe db build`; returns the database's path."""
    source = folder / "osv"
    source.mkdir(parents=True)
    for document in records:
        (source / f"{document['id']}.json").write_text(json.dumps(document))
    database = folder / "advisories"
    result = secpipe("db", "build", source, "--db", database)
    assert result.code == 0, result.stderr
    return database
