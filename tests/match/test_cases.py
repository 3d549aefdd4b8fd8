"""Every case of vulndb-fixtures/cases/, through the database and the matcher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secpipe.advisories.build import build
from secpipe.advisories.store import Store
from secpipe.match.matcher import match
from tests.match.support import package, record

FIXTURES = Path(__file__).parents[2] / "vulndb-fixtures"
OTHER = record("EXAMPLE-OTHER", "PyPI", "some-other-package")


def _cases() -> list[Any]:
    import yaml

    found = []
    for file in sorted((FIXTURES / "cases").glob("*.yaml")):
        for case in yaml.load(file.read_bytes(), yaml.CSafeLoader):  # noqa: TID251  # the loader is the safe one
            found.append(pytest.param(case, id=f"{file.stem}: {case['name']}"))
    return found


def _records(case: dict[str, Any]) -> list[Any]:
    if "fixed_in" in case:
        name = case.get("about") or case["package"].get("source") or case["package"]["name"]
        events = (("introduced", "0"), ("fixed", case["fixed_in"]))
        return [record("EXAMPLE-1", case["package"]["ecosystem"], name, *events)]
    given = case["advisory"] if isinstance(case["advisory"], list) else [case["advisory"]]
    return [item if isinstance(item, dict) else _fixture(item) for item in given]


def _fixture(identifier: str) -> Any:
    (file,) = (FIXTURES / "osv").glob(f"*/{identifier}.json")
    return json.loads(file.read_bytes())


@pytest.mark.parametrize("case", _cases())
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    records = tmp_path / "records.json"
    records.write_text(json.dumps([*_records(case), OTHER]))
    database = tmp_path / "advisories"
    assert {problem.code for problem in build([records], database).problems} <= {"unknown-ecosystem"}
    with Store.open(database) as store:
        result = match([package(**case["package"])], store)
    answer = True if result.findings else "unknown" if result.problems else False
    assert answer == case["affected"], case["why"]
    if case["affected"] is not True:
        return
    if "fixed" in case:
        assert {finding.fixed_version for finding in result.findings} == {case["fixed"]}, case["why"]
    if "ids" in case:
        assert sorted(finding.id for finding in result.findings) == case["ids"], case["why"]


def test_every_file_holds_cases() -> None:
    files = sorted((FIXTURES / "cases").glob("*.yaml"))
    assert files
    keys = {"name", "package", "advisory", "fixed_in", "about", "affected", "fixed", "ids", "why"}
    for case in (param.values[0] for param in _cases()):
        assert isinstance(case, dict)
        assert case.keys() <= keys
        assert case["why"]
        assert ("advisory" in case) != ("fixed_in" in case)
