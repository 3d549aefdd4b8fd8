"""The folder of real advisories and package databases that agreement is measured on; it is not part of the repository."""

from __future__ import annotations

import json
import os
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_NAMED = os.environ.get("SECPIPE_TEST_DATA")
"""Read when the module is imported: the tests themselves run without settings of whoever runs them."""


def data_folder() -> Path:
    """`$SECPIPE_TEST_DATA`, else `../shared/data` beside the checkout; skips the test, aloud, when there is none."""
    folder = Path(_NAMED) if _NAMED else Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data to compare with: {folder.name}/ is missing (set SECPIPE_TEST_DATA)")
    return folder


@cache
def _records(path: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        return [json.loads(archive.read(name)) for name in archive.namelist()]


def event_versions(ecosystem: str) -> dict[str, list[str]]:
    """Package name -> the versions in the events of its ranges, sorted."""
    found: dict[str, set[str]] = {}
    for record in _records(data_folder() / "osv" / ecosystem / "all.zip"):
        for affected in record.get("affected") or []:
            ranges = affected.get("ranges") or []
            for item in [ranges] if isinstance(ranges, dict) else ranges:
                if item.get("type") != "GIT":
                    versions = (version for event in item["events"] for version in event.values())
                    found.setdefault(affected["package"]["name"], set()).update(versions)
    return {name: sorted(versions) for name, versions in found.items() if versions}
