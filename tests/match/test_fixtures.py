"""The advisories of vulndb-fixtures/: they are sound, and the table in their README says the truth about them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from secpipe.advisories.build import build
from secpipe.advisories.store import Store
from secpipe.match.matcher import match
from secpipe.model.scan import Finding
from tests.match.support import package

FIXTURES = Path(__file__).parents[2] / "vulndb-fixtures"
_VERSION = r"([^ ]+)(?: \(source ([^ ]+)\))?(?: \(.*\))?"


def _rows() -> list[tuple[str, str, str, str]]:
    lines = (FIXTURES / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [(eco, name.split(" (")[0], bad, good) for eco, name, bad, good in cells if eco != "ecosystem"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    database: Path = tmp_path_factory.mktemp("fixtures") / "db"
    result = build([FIXTURES / "osv"], database)
    assert result.problems == ()
    with Store.open(database) as opened:
        yield opened


def _findings(store: Store, ecosystem: str, name: str, cell: str) -> tuple[Finding, ...]:
    found = re.fullmatch(_VERSION, cell)
    assert found is not None, cell
    result = match([package(ecosystem, name, found[2] or found[1])], store)
    assert result.problems == ()
    return result.findings


@pytest.mark.parametrize(("ecosystem", "names", "bad", "good"), _rows())
def test_the_table_of_the_readme(store: Store, ecosystem: str, names: str, bad: str, good: str) -> None:
    for name in names.split(", "):
        if bad == "–":
            assert store.lookup(ecosystem, name) == ()
            continue
        assert _findings(store, ecosystem, name, bad)
        if not good.startswith("none"):
            assert _findings(store, ecosystem, name, good) == ()


def test_every_file_is_named_after_its_record() -> None:
    files = sorted((FIXTURES / "osv").glob("*/*.json"))
    assert len(files) > 100
    for file in files:
        record = json.loads(file.read_bytes())
        assert file.stem == record["id"]
        assert {entry["package"]["ecosystem"].partition(":")[0] for entry in record["affected"]} == {
            file.parent.name
        }
        assert any(reference["type"] == "ADVISORY" for reference in record["references"])
        assert record["summary"]
