"""The reports that name the advisories which a verdict came from."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from secpipe.report import render
from tests.support.scans import EMPTY

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "scan.schema.json"
DIGEST = "sha256:" + "1" * 64


def test_the_digest_is_named() -> None:
    report = replace(EMPTY, database=DIGEST)
    document = json.loads(render("json", report))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["database"] == {"digest": DIGEST}
    assert json.loads(render("sarif", report))["runs"][0]["properties"] == {"advisories": DIGEST}
    assert f"\nadvisories {DIGEST}\n" in render("tty", report)


@pytest.mark.parametrize("format", ["json", "sarif", "tty"])
def test_no_digest_without_advisories(format: str) -> None:
    assert "advisories" not in render(format, EMPTY)
