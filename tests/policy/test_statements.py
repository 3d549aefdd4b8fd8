"""OpenVEX out of entries: what it states, what is left out, and that it is read back as it was meant."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.scan import Target
from secpipe.pipeline.vex import statement_of, subjects
from secpipe.policy.clair import parse as clair
from secpipe.policy.grype import parse as grype
from secpipe.policy.ignore import Entry, Ignores, parse
from secpipe.policy.statements import Scope, statements
from secpipe.policy.vex import judge
from secpipe.policy.vexdocument import parse as read
from tests.support.reports import finding, package

TODAY = date(2027, 1, 31)
IMAGE = "registry.example.com:5000/team/app@sha256:" + "c" * 64
ENTRY = Entry("CVE-2024-1", "f", 1, "not built in", "pkg:deb/debian/bash")


def stated(entry: Entry, *products: str, reference: str = "") -> Any:
    written = statements([entry], Scope(products, reference), TODAY)
    return (
        written.statements[0]
        if written.statements
        else written.warnings[0].message
        if written.warnings
        else None
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"status": "affected", "action_statement": "not built in"}),
        ({"status": "affected", "reason": ""}, {"status": "affected", "action_statement": "accepted in f"}),
        ({"status": "not_affected"}, {"status": "not_affected", "impact_statement": "not built in"}),
        (
            {"status": "not_affected", "justification": "component_not_present"},
            {
                "status": "not_affected",
                "justification": "component_not_present",
                "impact_statement": "not built in",
            },
        ),
        ({"status": "fixed"}, {"status": "fixed", "status_notes": "not built in"}),
        (
            {"status": "under_investigation"},
            {"status": "under_investigation", "status_notes": "not built in"},
        ),
    ],
)
def test_what_an_entry_states(changes: dict[str, Any], expected: dict[str, str]) -> None:
    products = [{"@id": "pkg:deb/debian/bash"}]
    assert stated(replace(ENTRY, **changes)) == {
        "vulnerability": {"name": "CVE-2024-1"},
        "products": products,
        **expected,
    }


def test_packages_are_parts_of_the_products() -> None:
    parts = [{"@id": "pkg:deb/debian/bash"}]
    assert stated(ENTRY, "pkg:oci/a", "pkg:oci/b")["products"] == [
        {"@id": "pkg:oci/a", "subcomponents": parts},
        {"@id": "pkg:oci/b", "subcomponents": parts},
    ]
    assert stated(replace(ENTRY, package=""), "pkg:oci/a")["products"] == [{"@id": "pkg:oci/a"}]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"expires": TODAY}, "it expired on 2027-01-31"),
        ({"id": "", "about": "fix-state fixed"}, "fix-state fixed is left out: it names no vulnerability"),
        ({"path": "opt/**"}, "VEX cannot say where"),
        ({"package": "bash"}, "its package has no package URL"),
        ({"package": ""}, "it names no package"),
        ({"image": "registry.example.com/*"}, "it is about some images"),
        ({"repository": "app"}, "it is about some images"),
    ],
)
def test_what_cannot_be_stated_is_left_out_and_told(changes: dict[str, Any], told: str) -> None:
    assert told in stated(replace(ENTRY, **changes))


def test_conditions_of_other_programs_cannot_be_stated() -> None:
    entry = grype(b"ignore: [{vulnerability: CVE-1, fix-state: fixed}]", "f").entries[0]
    assert "what else it asks for" in stated(entry, "pkg:oci/a")


def test_entries_about_images_count_for_theirs() -> None:
    entry = replace(ENTRY, image="registry.example.com/team/*")
    assert stated(entry, "pkg:oci/a", reference="registry.example.com/team/app:1")
    assert stated(entry, "pkg:oci/a", reference="registry.example.com/other/app:1") is None
    listed = clair(b"images: {team/app: {CVE-1: x}}", "f").entries[0]
    assert stated(listed, "pkg:oci/a", reference="team/app:1")
    assert stated(listed, "pkg:oci/a", reference="team/other:1") is None


def test_a_document_is_read_back_as_it_was_meant() -> None:
    text = (
        "- {id: CVE-2024-1, reason: not built, package: pkg:deb/debian/bash, status: not_affected}\n"
        "- {id: CVE-2024-2, reason: mitigated, justification: inline_mitigations_already_exist}\n"
        "- {id: CVE-2024-3, reason: accepted}\n"
    )
    written, warnings = statement_of(parse(text.encode(), "f"), IMAGE, [], "team@example.com", "1700000000")
    assert warnings == ()
    found = json.loads(written)
    assert found["timestamp"] == "2023-11-14T22:13:20Z"
    assert found["@id"].startswith("https://openvex.dev/docs/public/vex-")
    bash, dash = package("bash", "5.2-1"), package("dash", "1")
    findings = [finding(id, one) for id in ("CVE-2024-1", "CVE-2024-2", "CVE-2024-3") for one in (bash, dash)]
    target = Target(IMAGE, "sha256:" + "c" * 64, "linux/amd64")
    judged = judge(findings, [read(written.encode(), "v")], subjects(target)).findings
    assert [(f.id, f.package.name) for f in judged if f.suppression] == [
        ("CVE-2024-1", "bash"),
        ("CVE-2024-2", "bash"),
        ("CVE-2024-2", "dash"),
    ]
    other = replace(
        target, reference="registry.example.com/other@sha256:" + "d" * 64, digest="sha256:" + "d" * 64
    )
    assert not any(
        f.suppression for f in judge(findings, [read(written.encode(), "v")], subjects(other)).findings
    )
    assert statement_of(parse(text.encode(), "f"), IMAGE, [], "team@example.com", "1700000000")[0] == written


def test_without_a_digest_the_tag_says_which_image() -> None:
    entries = Ignores((replace(ENTRY, package=""),))
    written = json.loads(statement_of(entries, "app:1.2", [], "a")[0])
    assert written["statements"][0]["products"] == [
        {"@id": "pkg:oci/app?repository_url=docker.io/library/app&tag=1.2"}
    ]


@pytest.mark.parametrize(
    ("entries", "products", "message"),
    [
        ((), [], "there is nothing to state: no ignore file has an entry"),
        ((replace(ENTRY, path="x"),), [], "there is nothing to state: f:1: CVE-2024-1 is left out"),
        ((ENTRY,), ["app"], "--product app: does not begin with pkg:"),
    ],
)
def test_errors(entries: tuple[Entry, ...], products: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        statement_of(Ignores(entries), "", products, "a")
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("status: unaffected", "f:1: status: no such word: unaffected"),
        ("justification: because", "f:1: justification: no such word: because"),
        ("status: fixed, justification: component_not_present", "only what is not_affected has one"),
    ],
)
def test_words_that_vex_does_not_have(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(f"- {{id: a, reason: b, {text}}}".encode(), "f")
    assert told in raised.value.message
