"""What VEX documents suppress: whose statement holds, about which products, in each of the formats."""

from __future__ import annotations

import json
from contextlib import suppress as ignoring
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.package import Distribution, Source
from secpipe.model.scan import Suppression, Target, TargetImage
from secpipe.pipeline.vex import subjects
from secpipe.policy.vex import Subject, judge
from secpipe.policy.vexdocument import parse
from tests.support.reports import finding, package

DIGEST = "sha256:" + "c" * 64
TARGET = Target(
    "registry.example.com:5000/team/app:1.2", DIGEST, "linux/amd64", Distribution("debian", "12.5")
)
BASH = finding("CVE-2024-1", package("bash", "5.2-1"), aliases=("DEBIAN-CVE-2024-1",))
NET = package("golang.org/x/net", "0.1.0")
NET = replace(NET, type="golang", purl="pkg:golang/golang.org/x/net@v0.1.0", path="app/server", source=None)
MAIN = replace(NET, name="example.com/server", purl="pkg:golang/example.com/server@v1.0.0")
GO = finding("CVE-2024-2", NET, aliases=("GHSA-aaaa-bbbb-cccc", "GO-2024-1"))


def judged(
    *documents: dict[str, Any], target: Target = TARGET, bom: str = ""
) -> tuple[list[Suppression | None], list[str]]:
    """What becomes of bash and of x/net, and what is said."""
    read = [parse(json.dumps(one).encode(), f"vex{n}.json") for n, one in enumerate(documents)]
    found = judge([BASH, GO], read, subjects(target, bom), [BASH.package, NET, MAIN])
    return [one.suppression for one in found.findings], [one.message for one in found.warnings]


def held(*documents: dict[str, Any], target: Target = TARGET, bom: str = "") -> tuple[bool, bool]:
    bash, go = judged(*documents, target=target, bom=bom)[0]
    return bash is not None, go is not None


def openvex(*statements: dict[str, Any], at: str = "2024-01-01T00:00:00Z") -> dict[str, Any]:
    return {"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": at, "statements": list(statements)}


def statement(
    product: Any = "pkg:deb/debian/bash", status: str = "not_affected", **more: Any
) -> dict[str, Any]:
    if isinstance(product, str):
        product = {"@id": product}
    why = {"justification": "component_not_present"} if status == "not_affected" else {}
    return {"vulnerability": {"name": "CVE-2024-1"}, "products": [product], "status": status, **why, **more}


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ("pkg:deb/debian/bash", True),
        ("pkg:deb/debian/bash@5.2-1?arch=amd64", True),
        ("pkg:deb/debian/bash@5.2-2", False),
        ("pkg:deb/debian/bash?arch=arm64", False),
        ({"@id": "https://example.com/bash", "identifiers": {"purl": "pkg:deb/debian/bash"}}, True),
        ("pkg:oci/app", True),
        ("pkg:oci/app@sha256%3A" + "c" * 64, True),
        ("pkg:oci/app@sha256:" + "c" * 64 + "?arch=amd64&tag=1.2", True),
        ("pkg:oci/app@sha256%3A" + "d" * 64, False),
        ("pkg:oci/app?arch=arm64", False),
        ("pkg:oci/app?tag=1.3", False),
        ("pkg:oci/app?repository_url=registry.example.com%3A5000%2Fteam%2Fapp", True),
        ("pkg:oci/app?repository_url=registry.example.com:5000/team", True),
        ("pkg:oci/app?repository_url=registry.example.com:5000/other", False),
        ("pkg:oci/other", False),
        ("registry.example.com:5000/team/app:1.2", True),
        ("registry.example.com:5000/team/app:1.3", False),
        (f"registry.example.com:5000/team/app@{DIGEST}", True),
        ({"hashes": {"sha-256": "c" * 64}}, True),
        ({"hashes": {"sha-256": "d" * 64}}, False),
        ({"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:deb/debian/bash"}]}, True),
        ({"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:deb/debian/dash"}]}, False),
        ({"@id": "pkg:oci/other", "subcomponents": [{"@id": "pkg:deb/debian/bash"}]}, False),
        ({"@id": "pkg:deb/debian/bash", "subcomponents": [{"@id": "pkg:deb/debian/readline"}]}, False),
    ],
)
def test_products_of_openvex(product: Any, expected: bool) -> None:
    assert held(openvex(statement(product))) == (expected, False)


@pytest.mark.parametrize(
    ("vulnerability", "expected"),
    [
        ({"name": "GHSA-AAAA-bbbb-cccc"}, True),
        ({"name": "X-1", "aliases": ["GO-2024-1"]}, True),
        ({"@id": "https://nvd.nist.gov/vuln/detail/CVE-2024-2"}, True),
        ("CVE-2024-2", True),
        ({"name": "CVE-2024-22"}, False),
    ],
)
def test_names_of_vulnerabilities(vulnerability: Any, expected: bool) -> None:
    document = openvex(statement("pkg:golang/golang.org/x/net", vulnerability=vulnerability))
    assert held(document) == (False, expected)


def test_a_product_may_be_what_is_in_the_same_file() -> None:
    product = {"@id": "pkg:golang/example.com/server@v1.0.0", "subcomponents": [{"@id": NET.purl}]}
    assert held(openvex(statement(product, vulnerability="CVE-2024-2"))) == (False, True)
    product["@id"] = "pkg:golang/example.com/client"
    assert held(openvex(statement(product, vulnerability="CVE-2024-2"))) == (False, False)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["not_affected"], True),
        (["fixed"], True),
        (["affected"], False),
        (["under_investigation"], False),
        # The newest holds, and of those of one time the last.
        (["not_affected", "affected"], False),
        (["affected", "not_affected"], True),
        (["not_affected 2024-03-01T00:00:00Z", "affected 2024-02-01T00:00:00Z"], True),
        (["not_affected 2024-03-01T00:00:00+02:00", "affected 2024-02-29T23:00:00Z"], False),
        (["not_affected 2023-01-16T19:07:16.853479631-06:00", "affected"], False),
        # Without a time of its own a statement has the document's.
        (["not_affected", "affected 2023-12-31T00:00:00Z"], True),
    ],
)
def test_which_statement_holds(statements: list[str], expected: bool) -> None:
    made = []
    for text in statements:
        status, _, at = text.partition(" ")
        made.append(statement(status=status, **({"timestamp": at} if at else {})))
    assert held(openvex(*made))[0] is expected


def test_the_newest_of_all_documents_holds() -> None:
    old, new = openvex(statement(status="affected"), at="2023-01-01T00:00:00Z"), openvex(statement())
    assert held(old, new)[0]
    assert held(new, old)[0]
    assert not held(new, openvex(statement(status="affected"), at="2025-01-01T00:00:00Z"))[0]


def test_what_is_told_of_a_suppression() -> None:
    document = openvex(
        statement(justification="component_not_present", impact_statement="left out of the build")
    )
    assert judged(document)[0][0] == Suppression(
        "vex",
        "left out of the build",
        "vex0.json",
        status="not_affected",
        justification="component_not_present",
    )


def test_what_was_suppressed_stays_so() -> None:
    given = Suppression("ignore", "accepted", "f")
    read = parse(json.dumps(openvex(statement())).encode(), "v")
    assert judge([replace(BASH, suppression=given)], [read], {}).findings[0].suppression == given


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([statement(status="ignored")], "statements[0] has no status that OpenVEX knows"),
        (
            [{"vulnerability": {}, "products": [{"@id": "pkg:deb/x"}], "status": "fixed"}],
            "names no vulnerability",
        ),
        ([{"vulnerability": "CVE-2024-1", "status": "fixed"}], "names no product"),
        ([statement({"identifiers": {"cpe23": "cpe:2.3:a:x:y:1:*"}})], "names no product by a package URL"),
        ([statement(timestamp="yesterday")], "has a timestamp that is none"),
        ([statement(justification="")], "without a justification or an impact statement"),
        ([7], "has no status"),
    ],
)
def test_statements_that_are_not_valid_are_told(statements: list[Any], told: str) -> None:
    found, said = judged(openvex(*statements))
    assert found == [None, None]
    assert told in "".join(said)


def test_a_document_about_something_else_is_told() -> None:
    assert judged(openvex(statement("pkg:deb/debian/dash")))[1] == [
        "vex0.json: it states nothing about any finding here (1 statement)"
    ]


def test_in_an_attestation_the_image_is_its_subject() -> None:
    inner = openvex({"vulnerability": {"name": "CVE-2024-1"}, "status": "fixed"})
    outer = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "x", "digest": {"sha256": "c" * 64}}],
        "predicate": inner,
    }
    assert held(outer) == (True, False)
    outer["subject"] = [{"digest": {"sha256": "d" * 64}}]
    assert held(outer) == (False, False)


def test_products_of_the_first_version_were_texts() -> None:
    old = {"@context": "https://openvex.dev/ns", "statements": [{}]}
    old["statements"] = [
        {"vulnerability": "CVE-2024-1", "products": ["pkg:oci/app"], "subcomponents": ["pkg:deb/debian/bash"]}
        | {"status": "fixed"}
    ]
    assert held(old) == (True, False)


def test_each_platform_is_an_image_of_its_own() -> None:
    both = tuple(
        TargetImage(f"linux/{arch}", "sha256:" + one * 64) for arch, one in (("amd64", "a"), ("arm64", "b"))
    )
    target = Target("docker.io/library/app:1", "", "all", None, both)
    findings = [replace(BASH, package=replace(BASH.package, platform=one.platform)) for one in both]
    read = parse(json.dumps(openvex(statement("pkg:oci/app@sha256:" + "b" * 64))).encode(), "v")
    found = judge(findings, [read], subjects(target)).findings
    assert [one.suppression is not None for one in found] == [False, True]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("debian", "pkg:oci/debian?repository_url=index.docker.io/library/debian"),
        ("debian", "docker.io/library/debian:latest"),
        ("docker:app:1.2", "app:1.2"),
        ("docker:app:1.2", "pkg:oci/app?tag=1.2"),
        ("oci:/tmp/layout:1.2", "sha256:" + "c" * 64),
        ("registry:app@sha256:" + "e" * 64, "pkg:oci/app@sha256:" + "e" * 64),
    ],
)
def test_names_of_images(reference: str, name: str) -> None:
    assert held(openvex(statement(name)), target=replace(TARGET, reference=reference))[0]


# -------------------------------------------------------------- CSAF


def csaf(
    tree: dict[str, Any], status: dict[str, list[str]], at: str = "2024-01-01T00:00:00Z", **more: Any
) -> dict[str, Any]:
    return {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "tracking": {"current_release_date": at},
        },
        "product_tree": tree,
        "vulnerabilities": [{"cve": "CVE-2024-1", "product_status": status, **more}],
    }


def product(id: str, **helper: str) -> dict[str, Any]:
    return {"name": id, "product_id": id, "product_identification_helper": helper}


def branch(category: str, name: str, inner: dict[str, Any]) -> dict[str, Any]:
    return {"category": category, "name": name, **inner}


def relation(part: str, whole: str, category: str = "default_component_of") -> dict[str, Any]:
    return {
        "category": category,
        "full_product_name": {"name": "both", "product_id": f"{whole}:{part}"},
        "product_reference": part,
        "relates_to_product_reference": whole,
    }


BASH_TREE = {"full_product_names": [product("p", purl="pkg:deb/debian/bash@5.2-1")]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"known_not_affected": ["p"]}, True),
        ({"fixed": ["p"]}, True),
        ({"first_fixed": ["p"]}, True),
        ({"known_affected": ["p"]}, False),
        ({"under_investigation": ["p"]}, False),
        ({"recommended": ["p"]}, False),
        ({"fixed": ["p"], "last_affected": ["p"]}, False),
        ({"fixed": ["gone"]}, False),
    ],
)
def test_statuses_of_csaf(status: dict[str, list[str]], expected: bool) -> None:
    assert held(csaf(BASH_TREE, status)) == (expected, False)


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ([branch("product_version", "5.2-1", {"product": product("p", purl="pkg:deb/debian/bash")})], True),
        ([branch("product_version", "5.2-2", {"product": product("p", purl="pkg:deb/debian/bash")})], False),
        # Red Hat's components without a version are named like that.
        ([branch("product_version", "bash", {"product": product("p", purl="pkg:deb/debian/bash")})], True),
        (
            [
                branch(
                    "product_version_range",
                    "vers:deb/>=5.0|<5.3",
                    {"product": product("p", purl="pkg:deb/debian/bash")},
                )
            ],
            True,
        ),
        (
            [
                branch(
                    "product_version_range",
                    "vers:deb/<5.0",
                    {"product": product("p", purl="pkg:deb/debian/bash")},
                )
            ],
            False,
        ),
        (
            [branch("product_version_range", "<5.3", {"product": product("p", purl="pkg:deb/debian/bash")})],
            False,
        ),
    ],
)
def test_versions_of_branches(branches: list[Any], expected: bool) -> None:
    tree = {"branches": [branch("vendor", "x", {"branches": branches})]}
    assert held(csaf(tree, {"fixed": ["p"]}))[0] is expected


@pytest.mark.parametrize(
    ("whole", "category", "expected"),
    [
        ({"purl": "pkg:oci/app"}, "default_component_of", True),
        ({"purl": "pkg:oci/other"}, "default_component_of", False),
        ({"cpe": "cpe:/o:debian:debian_linux:12"}, "installed_on", True),
        ({"cpe": "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*"}, "default_component_of", True),
        ({"cpe": "cpe:/o:debian:debian_linux:1"}, "default_component_of", False),
        ({"cpe": "cpe:/o:debian:debian_linux:11"}, "default_component_of", False),
        ({"cpe": "cpe:/o:debian:debian_linux"}, "default_component_of", False),
        ({"purl": "pkg:oci/app"}, "external_component_of", False),
    ],
)
def test_components_of_products(whole: dict[str, str], category: str, expected: bool) -> None:
    tree = {
        "full_product_names": [product("bash", purl="pkg:deb/debian/bash"), product("os", **whole)],
        "relationships": [relation("bash", "os", category)],
    }
    assert held(csaf(tree, {"known_not_affected": ["os:bash"]}))[0] is expected


def test_source_packages_of_red_hat() -> None:
    rpm = replace(
        BASH.package,
        name="bash-doc",
        type="rpm",
        purl="pkg:rpm/redhat/bash-doc@5.2-1?arch=x86_64",
        source=Source("bash", "0:5.2-1"),
    )
    tree = {
        "full_product_names": [
            product("bash", purl="pkg:rpm/redhat/bash?arch=src"),
            product("os", cpe="cpe:/o:redhat:enterprise_linux:9::baseos"),
        ],
        "relationships": [relation("bash", "os")],
    }
    read = parse(json.dumps(csaf(tree, {"known_not_affected": ["os:bash"]})).encode(), "v")
    for version, expected in (("9.4", True), ("8.9", False)):
        subject = Subject(distribution=Distribution("rhel", version))
        found = judge([replace(BASH, package=rpm)], [read], {"": subject}).findings
        assert (found[0].suppression is not None) is expected


def test_reasons_of_csaf_also_by_groups() -> None:
    tree = BASH_TREE | {"product_groups": [{"group_id": "g", "product_ids": ["p"]}]}
    document = csaf(
        tree,
        {"known_not_affected": ["p"]},
        flags=[{"label": "component_not_present", "group_ids": ["g"]}],
        threats=[{"category": "impact", "details": "not built", "product_ids": ["p"]}],
    )
    found = judged(document)[0][0]
    assert found
    assert (found.justification, found.reason) == ("component_not_present", "not built")


def test_products_that_nobody_can_name_are_told() -> None:
    tree = {"full_product_names": [product("p", cpe="cpe:/a:x:y:1")]}
    assert "is about 'p', which is named in no way that we know" in "".join(
        judged(csaf(tree, {"fixed": ["p"]}))[1]
    )


# --------------------------------------------------------- CycloneDX

SERIAL = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
LINK = "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#"
COMPONENTS = [{"bom-ref": "b", "type": "library", "name": "bash", "purl": "pkg:deb/debian/bash@5.2-1"}]


def cyclonedx(state: str = "not_affected", ref: str = "b", **more: Any) -> dict[str, Any]:
    affected = {"ref": ref, **({"versions": more.pop("versions")} if "versions" in more else {})}
    analysis = {"state": state, "justification": "code_not_reachable", "detail": "never called"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "vulnerabilities": [{"id": "CVE-2024-1", "analysis": analysis, "affects": [affected]}],
        "components": COMPONENTS,
        **more,
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("not_affected", "not_affected"),
        ("false_positive", "not_affected"),
        ("resolved", "fixed"),
        ("resolved_with_pedigree", "fixed"),
        ("exploitable", None),
        ("in_triage", None),
        ("other", None),
    ],
)
def test_states_of_cyclonedx(state: str, status: str | None) -> None:
    found = judged(cyclonedx(state))[0][0]
    assert (found and found.status) == status
    if found:
        assert (found.justification, found.reason) == ("code_not_reachable", "never called")


@pytest.mark.parametrize(
    ("versions", "state", "expected"),
    [
        ([{"version": "5.2-1"}], "not_affected", True),
        ([{"version": "5.2-2"}], "not_affected", False),
        ([{"range": "vers:deb/>=5.0|<6"}], "not_affected", True),
        ([{"range": "vers:deb/>=6"}], "not_affected", False),
        ([{"range": ">= 5"}], "not_affected", False),
        ([{"version": "5.2-1", "status": "unaffected"}], "exploitable", True),
        ([{"version": "5.2-1", "status": "unknown"}], "not_affected", False),
    ],
)
def test_versions_of_cyclonedx(versions: list[Any], state: str, expected: bool) -> None:
    assert held(cyclonedx(state, versions=versions))[0] is expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"type": "container", "name": "registry.example.com:5000/team/app", "version": DIGEST}, True),
        ({"type": "container", "name": "registry.example.com:5000/team/app:1.2"}, True),
        ({"type": "container", "name": "x", "purl": "pkg:oci/app"}, True),
        ({"type": "container", "name": "other:1.2"}, False),
        ({"type": "library", "name": "registry.example.com:5000/team/app:1.2"}, False),
    ],
)
def test_components_of_a_bom_are_parts_of_what_it_is_about(subject: dict[str, str], expected: bool) -> None:
    assert held(cyclonedx(metadata={"component": {"bom-ref": "root", **subject}}))[0] is expected
    assert held(cyclonedx(ref="root", metadata={"component": {"bom-ref": "root", **subject}}))[0] is expected


@pytest.mark.parametrize(
    ("ref", "serial", "bom", "expected"),
    [
        (LINK + "pkg:deb/debian/bash@5.2-1", "", f"{SERIAL}/1", True),
        (LINK + "pkg%3Adeb%2Fdebian%2Fbash%405.2-1", "", f"{SERIAL}/1", True),
        (LINK + "pkg:deb/debian/bash@5.2-1", "", f"{SERIAL}/2", False),
        (LINK + "pkg:deb/debian/bash@5.2-1", "", "", False),
        (LINK + "b", SERIAL, "", True),
        (LINK.rstrip("#"), "", f"{SERIAL}/1", True),
        ("pkg:deb/debian/bash", "", "", True),
        ("pkg:deb/debian/dash", "", "", False),
        ("gone", "", "", False),
    ],
)
def test_references_of_cyclonedx(ref: str, serial: str, bom: str, expected: bool) -> None:
    more = {"serialNumber": serial} if serial else {}
    assert held(cyclonedx(ref=ref, **more), bom=bom)[0] is expected


def test_a_list_that_states_nothing_is_no_trouble() -> None:
    document = cyclonedx()
    del document["vulnerabilities"][0]["analysis"]
    assert judged(document) == (
        [None, None],
        ["vex0.json: it states nothing about any finding here (0 statements)"],
    )


# ------------------------------------------------------------ hostile


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        b"\xff",
        b'{"@context": "https://openvex.dev/ns"}',
        b"[" * 100_000,
        b'{"bomFormat": 1}',
    ],
)
def test_what_is_no_vex_document(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"^v"):
        parse(data, "v")


_KEYS = [
    "@id",
    "name",
    "vulnerability",
    "products",
    "status",
    "timestamp",
    "branches",
    "product",
    "relationships",
]
_KEYS += [
    "vulnerabilities",
    "product_status",
    "fixed",
    "product_id",
    "flags",
    "affects",
    "ref",
    "analysis",
    "state",
]
_KEYS += [
    "components",
    "bom-ref",
    "purl",
    "identifiers",
    "subcomponents",
    "versions",
    "range",
    "metadata",
    "component",
]
_KEYS += ["product_identification_helper", "full_product_names", "document", "tracking", "cpe", "id", "cve"]
_VALUES = st.recursive(
    st.sampled_from(
        [
            "fixed",
            "resolved",
            "pkg:deb/debian/bash",
            "CVE-2024-1",
            "vers:deb/>1|<2|!=3",
            "0001-01-01T00:00:00+23:00",
        ]
    )
    | st.none()
    | st.integers()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=20,
)
_FORMATS = st.sampled_from(
    [
        {"@context": "https://openvex.dev/ns/v0.2.0"},
        {"document": {"csaf_version": "2.0"}},
        {"bomFormat": "CycloneDX"},
        {"predicateType": "https://openvex.dev/ns"},
    ]
)
_PLACES = ["statements", "vulnerabilities", "product_tree", "components", "metadata", "subject", "predicate"]


@given(_FORMATS, st.dictionaries(st.sampled_from(_PLACES), _VALUES, max_size=4))
def test_any_document_is_read_or_refused(kind: dict[str, Any], more: dict[str, Any]) -> None:
    with ignoring(UsageError):
        read = parse(json.dumps({**more, **kind}).encode(), "v")
        judge([BASH, GO], [read], subjects(TARGET), [NET])


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        parse(data, "v")
