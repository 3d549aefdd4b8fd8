"""Lists of packages against their golden files, their schemas, and the libraries of those who specify them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.model.package import Distribution, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.sbom import Bom
from secpipe.report import cyclonedx, formats, render, spdx
from tests.report.test_formats import compare
from tests.support.reports import APT, SCAN, package

ROOT = Path(__file__).parents[2]
FLASK = Package("Flask", "2.2.2", "pypi", "opt/app/METADATA", purl="pkg:pypi/flask@2.2.2", layer=APT)
CUT = Problem("unreadable-database", "var/lib/dpkg/status", "it ends\nwithin a line", "make it whole", False)
BOM = Bom(
    replace(SCAN.target, distribution=Distribution("debian", "12", "Debian GNU/Linux 12 (bookworm)")),
    (
        replace(package("bsdutils", "1:2.38.1-5+b1"), source=Source("util-linux", "2.38.1-5")),
        package("libssl3", "3.0.9-1", source="openssl"),
        package("openssl", "3.0.9-1", APT),
        FLASK,
        replace(FLASK, path="opt/other/METADATA"),
    ),
    (CUT,),
    "pkg:oci/app@sha256%3A" + "c" * 64 + "?arch=amd64&repository_url=registry.example:5000/team/app&tag=1.2",
    built="2023-10-12T01:02:03Z",
)
EMPTY = Bom(replace(SCAN.target, digest="", distribution=None), (), ())


def check_cyclonedx(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    refs = [one["bom-ref"] for one in [document["metadata"]["component"], *document["components"]]]
    assert len(refs) == len(set(refs))
    (edges,) = document["dependencies"]
    assert {edges["ref"], *edges["dependsOn"]} == set(refs)


def check_spdx(text: str) -> None:
    """By the specification, and nothing but its own fields: what the library writes again is what we wrote.

    But for a word that the format's schema has with a hyphen besides.
    """
    from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
    from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = json.loads(text)
    parsed = JsonLikeDictParser().parse(document)  # type: ignore[no-untyped-call]  # the library's
    assert validate_full_spdx_document(parsed, "SPDX-2.3") == []

    def ordered(value: Any) -> Any:
        if isinstance(value, list):
            return sorted(map(ordered, value), key=str)
        if value == "PACKAGE_MANAGER":
            return "PACKAGE-MANAGER"
        return {key: ordered(value[key]) for key in sorted(value)} if isinstance(value, dict) else value

    again = DocumentConverter().convert(parsed)  # type: ignore[no-untyped-call]  # likewise
    assert ordered(again) == ordered(document)


CHECKS = {"cyclonedx": check_cyclonedx, "spdx": check_spdx}


@pytest.mark.parametrize("name", formats("sbom"))
def test_lists_are_as_the_golden_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ids are made of the content, and the version is part of that.
    monkeypatch.setattr(cyclonedx, "__version__", "VERSION")
    monkeypatch.setattr(spdx, "_TOOL", "Tool: secpipe-VERSION")
    compare(f"sbom.{name}", render(name, BOM, width=80 if name == "table" else None))


@pytest.mark.parametrize("bom", [BOM, EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("name", CHECKS)
def test_lists_are_valid(name: str, bom: Bom) -> None:
    CHECKS[name](render(name, bom))


@settings(deadline=None, max_examples=25)
@pytest.mark.parametrize("name", CHECKS)
@given(text=st.text(min_size=1), other=st.text())
def test_lists_with_hostile_names_are_valid(name: str, text: str, other: str) -> None:
    named = replace(BOM.packages[0], name=text, version=other, path=other, source=Source(text, other))
    problem = Problem(text, text, text, other)
    bom = replace(BOM, target=replace(BOM.target, reference=text), packages=(named,), problems=(problem,))
    CHECKS[name](render(name, bom))


def test_names_that_are_no_utf8_make_valid_lists() -> None:
    odd = replace(FLASK, name="a\udcff", path="x\udcff")
    for name in formats("sbom"):
        text = render(name, replace(BOM, packages=(odd,), problems=(CUT._replace(message="\udcff"),)))
        text.encode("utf-8", "strict")
        if name != "table":
            json.loads(text)


def test_json_follows_the_published_schema() -> None:
    schema = json.loads((ROOT / "docs/schema/sbom.schema.json").read_text())
    for bom in (BOM, EMPTY):
        jsonschema.validate(json.loads(render("json", bom)), schema)


def test_the_schemas_of_lists_and_scans_have_the_same_packages() -> None:
    scan, listed = (
        json.loads((ROOT / f"docs/schema/{name}.schema.json").read_text()) for name in ("scan", "sbom")
    )
    for name in ("digest", "layer", "package", "problem"):
        assert scan["$defs"][name] == listed["$defs"][name]


def test_time_is_told_only_by_who_may() -> None:
    assert "timestamp" not in json.loads(render("cyclonedx", BOM))["metadata"]
    moment = "2024-01-01T00:00:00Z"
    told = replace(BOM, moment=moment)
    assert json.loads(render("cyclonedx", told))["metadata"]["timestamp"] == moment
    created = [
        json.loads(render("spdx", bom))["creationInfo"]["created"]
        for bom in (told, BOM, replace(BOM, built=""))
    ]
    assert created == [moment, "2023-10-12T01:02:03Z", "1970-01-01T00:00:00Z"]
    check_cyclonedx(render("cyclonedx", told))


def test_another_content_is_another_document() -> None:
    other = replace(BOM, packages=BOM.packages[1:])
    numbers = {json.loads(render("cyclonedx", bom))["serialNumber"] for bom in (BOM, BOM, other)}
    spaces = {json.loads(render("spdx", bom))["documentNamespace"] for bom in (BOM, BOM, other)}
    assert len(numbers) == len(spaces) == 2


def test_what_could_not_be_read_is_told() -> None:
    document = json.loads(render("cyclonedx", BOM))
    assert document["compositions"] == [{"aggregate": "incomplete", "assemblies": [BOM.purl]}]
    assert "compositions" not in json.loads(render("cyclonedx", EMPTY))
    assert "it ends" in json.loads(render("spdx", BOM))["comment"]
    assert "comment" not in json.loads(render("spdx", EMPTY))
    assert "unreadable-database" in render("table", BOM)


def test_the_source_package_stands_where_others_look_for_it() -> None:
    listed = json.loads(render("cyclonedx", BOM))["components"]
    addresses = {one["name"]: one.get("purl", "") for one in listed}
    assert addresses["bsdutils"].endswith("&upstream=util-linux%402.38.1-5")
    assert addresses["libssl3"].endswith("&upstream=openssl")
    assert "upstream" not in addresses["openssl"] + addresses["Flask"]
    rpm = replace(FLASK, type="rpm", purl="pkg:rpm/a@1", source=Source("bash", "1:5.2-3"))
    component = json.loads(render("cyclonedx", replace(BOM, packages=(rpm,))))["components"][1]
    assert component["purl"] == "pkg:rpm/a@1?upstream=bash-5.2-3.src.rpm"
    names = {pair["name"]: pair["value"] for pair in listed[1]["properties"]}
    assert names["aquasecurity:trivy:SrcName"] == "util-linux"
    sources = [one.get("sourceInfo") for one in json.loads(render("spdx", BOM))["packages"]]
    assert "built package from: util-linux 2.38.1-5" in sources


def test_the_table_fits_80_columns() -> None:
    long = package(
        "linux-headers-6.1.0-13-common-rt", "6.1.55-1+deb12u1really6.0", source="linux-signed-amd64"
    )
    assert max(map(len, render("table", replace(BOM, packages=(long,)), width=80).splitlines()[:-3])) <= 80
