"""What other programs' ignore files suppress, and what of them is told because it is not honoured."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress as ignoring
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.scan import Finding
from secpipe.policy import clair, grype, osvscanner, trivyyaml
from secpipe.policy.ignore import Ignores
from secpipe.policy.suppress import suppress
from tests.support.reports import finding, package

Parse = Callable[[bytes, str], Ignores]
TODAY = date(2027, 1, 31)
LIBSSL = finding(
    "CVE-2024-1", package("libssl3", "3.0.9-1", source="openssl"), aliases=("DEBIAN-CVE-2024-1",)
)
FLASK = finding(
    "CVE-2024-2",
    replace(
        package("Flask_Login", "0.6"),
        type="pypi",
        path="app/lib/Flask_Login-0.6.dist-info/METADATA",
        purl="pkg:pypi/flask-login@0.6",
        ecosystem="PyPI",
        source=None,
    ),
    fixed=None,
    aliases=("PYSEC-2024-2", "GHSA-aaaa-bbbb-cccc"),
)


def kept(
    parse: Parse, text: str, image: str = "registry.example.com:5000/team/app:1.2"
) -> tuple[list[str], list[str]]:
    """The findings that still count, and what is said, without the file's name and hints."""
    done = suppress([LIBSSL, FLASK], parse(text.encode(), "f"), image, TODAY)
    names = {LIBSSL.id: "libssl", FLASK.id: "flask"}
    return [names[f.id] for f in done.findings if f.suppression is None], [w.message for w in done.warnings]


BOTH = ["libssl", "flask"]
ENTRY = "vulnerabilities: [{id: CVE-2024-%s, %s}]"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (ENTRY % (1, "statement: no"), ["flask"]),
        (ENTRY % (2, "paths: ['app/**']"), ["libssl"]),
        (ENTRY % (2, "paths: ['opt/**', '**/METADATA']"), ["libssl"]),
        (ENTRY % (2, "paths: [Python]"), ["libssl"]),
        (ENTRY % (2, "paths: [app]"), BOTH),
        (ENTRY % (1, "paths: ['var/**']"), BOTH),
        (ENTRY % (1, "paths: ['**']"), ["flask"]),
        (ENTRY % (1, "paths: []"), ["flask"]),
        (ENTRY % (1, "purls: ['pkg:deb/debian/libssl3@3.0.9-1', 'pkg:npm/x']"), ["flask"]),
        (ENTRY % (1, "purls: ['pkg:deb/debian/libssl3@3.0.8']"), BOTH),
        (ENTRY % (1, "expired_at: 2027-02-01"), ["flask"]),
        (ENTRY % (1, "expired_at: 2027-01-31"), BOTH),
        (ENTRY % (1, "expired_at: 2027-02-01T01:00:00+02:00"), BOTH),
        ("vulnerabilities:\nmisconfigurations: [{id: DS-1}]", BOTH),
        ("", BOTH),
    ],
)
def test_trivys_yaml(text: str, left: list[str]) -> None:
    assert kept(trivyyaml.parse, text)[0] == left


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ENTRY % (1, "path: ['x']"),
            "f:1: vulnerabilities.path: unknown key path, did you mean paths?; this entry",
        ),
        (
            ENTRY % (1, "paths: x"),
            "f:1: vulnerabilities.paths: this is no list; this entry suppresses nothing",
        ),
        (ENTRY % (1, "paths: ['a{']"), "a{ has a brace that is not closed"),
        (ENTRY % (1, "purls: ['libssl3']"), "libssl3 does not begin with pkg:"),
        (ENTRY % (1, "expired_at: soon"), "soon is no date"),
        ("vulnerabilities: [{statement: x}, x]", "the entry has no id"),
        ("vulnerabilites: [{id: CVE-2024-1}]", "no section of a .trivyignore.yaml; nothing in it is heeded"),
    ],
)
def test_what_is_wrong_in_trivys_yaml_suppresses_nothing(text: str, told: str) -> None:
    left, said = kept(trivyyaml.parse, text)
    assert left == BOTH
    assert told in said[0]


RULE = "ignore: [{%s}]"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (RULE % "vulnerability: CVE-2024-1, reason: no", ["flask"]),
        (RULE % "vulnerability: GHSA-aaaa-bbbb-cccc", ["libssl"]),
        (RULE % "vulnerability: CVE-2024-2", ["libssl"]),
        (RULE % "vulnerability: PYSEC-2024-9, include-aliases: true", BOTH),
        (RULE % "vulnerability: PYSEC-2024-2, include-aliases: true", ["libssl"]),
        (RULE % "fix-state: fixed", ["flask"]),
        (RULE % "fix-state: not-fixed", ["libssl"]),
        (RULE % "fix-state: wont-fix", BOTH),
        (RULE % "package: {name: libssl3}", ["flask"]),
        (RULE % "package: {name: 'libssl.*'}", ["flask"]),
        (RULE % "package: {name: libssl}", BOTH),
        (RULE % "package: {upstream-name: open.+}", ["flask"]),
        (RULE % "package: {version: '0.6', type: python}", ["libssl"]),
        (RULE % "package: {version: '0.6', type: deb}", BOTH),
        (RULE % "package: {language: python}", ["libssl"]),
        (RULE % "package: {location: '/app/**'}", ["libssl"]),
        (RULE % "package: {location: 'app/**'}", BOTH),
        (RULE % "package: {location: '/var/lib/dpkg/**'}", ["flask"]),
        (RULE % "vulnerability: CVE-2024-1, fix-state: not-fixed", BOTH),
        (RULE % "vex-status: not_affected, vex-justification: component_not_present", BOTH),
        ("output: [json]\nlog: {level: debug}\nonly-fixed: false", BOTH),
    ],
)
def test_grypes_rules(text: str, left: list[str]) -> None:
    kept_, said = kept(grype.parse, text)
    assert kept_ == left
    assert not [line for line in said if "suppresses nothing" in line and "no finding" not in line]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RULE % "vulnerabilty: CVE-2024-1", "unknown key vulnerabilty, did you mean vulnerability?"),
        (RULE % "package: {nam: libssl3}", "unknown key nam"),
        (RULE % "vulnerability: CVE-2024-1, fix-state: unknown", "nothing here tells what is unknown"),
        (RULE % "vulnerability: CVE-2024-1, namespace: 'debian:12'", "Grype's own"),
        (RULE % "vulnerability: CVE-2024-1, match-type: cpe-match", "Grype's own"),
        (RULE % "vulnerability: CVE-2024-1, vex-status: affected", "VEX takes back no suppression"),
        (RULE % "package: {type: binary}", "no package here is of the type binary"),
        (RULE % "package: {name: '(?=x)'}", "has a group of an unknown kind"),
        (RULE % "package: {location: '[x'}", "has a class that is not closed"),
        (RULE % "reason: none", "says nothing of what it is about"),
        ("only-fixed: true", "f:1: only-fixed: this is not heeded; only the rules below `ignore` are"),
        ("fail-on-severity: high", "fail-on-severity: this is not heeded"),
    ],
)
def test_what_grypes_file_says_in_vain(text: str, told: str) -> None:
    left, said = kept(grype.parse, text)
    assert left == BOTH
    assert told in said[0]


VULN, OVERRIDE = "[[IgnoredVulns]]\n", "[[PackageOverrides]]\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (VULN + 'id = "GHSA-aaaa-bbbb-cccc"\nreason = "no"', ["libssl"]),
        (VULN + 'id = "CVE-2024-1"\nignoreUntil = 2027-02-01', ["flask"]),
        (VULN + 'id = "CVE-2024-1"\nignoreUntil = 2027-01-31', BOTH),
        (VULN + 'id = "CVE-2024-1"\nignoreUntil = 2027-02-01T00:30:00+01:00', BOTH),
        (VULN + 'id = "CVE-2024-1"\nignoreUntil = 2020-01-01\n' + VULN + 'id = "CVE-2024-1"', BOTH),
        (OVERRIDE + "ignore = true", []),
        (OVERRIDE + 'name = "openssl"\nvulnerability.ignore = true', ["flask"]),
        (OVERRIDE + 'name = "libssl3"\nignore = true', BOTH),
        (OVERRIDE + 'name = "flask-login"\nversion = "0.6"\necosystem = "pypi"\nignore = true', ["libssl"]),
        (OVERRIDE + 'name = "flask.*"\nnameIsRegex = true\nignore = true', ["libssl"]),
        (OVERRIDE + 'ecosystem = "Debian:12"\nignore = true', ["flask"]),
        (OVERRIDE + 'ecosystem = "Debian"\nignore = true\neffectiveUntil = 2027-02-01', ["flask"]),
        (OVERRIDE + 'ecosystem = "Debian"\nlicense.ignore = true', BOTH),
        # The first that is about a package decides, even when it has ended.
        (
            OVERRIDE
            + 'name = "openssl"\nignore = true\neffectiveUntil = 2020-01-01\n'
            + OVERRIDE
            + "ignore = true",
            ["libssl"],
        ),
        ("ScanGoModVersion = true", BOTH),
        ("", BOTH),
    ],
)
def test_osv_scanners_file(text: str, left: list[str]) -> None:
    assert kept(osvscanner.parse, text)[0] == left


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "\n" + VULN + 'id = "CVE-2024-1"\nexpires = 2030-01-01',
            "f:4: IgnoredVulns.expires: unknown key expires",
        ),
        (VULN + 'reason = "x"', "f:1: IgnoredVulns: the entry has no id"),
        (OVERRIDE + 'group = "dev"\nignore = true', "packages in an image are of no group"),
        (OVERRIDE + 'name = "("\nnameIsRegex = true\nignore = true', "has a parenthesis that is not closed"),
        (OVERRIDE + 'ignore = "yes"', "neither true nor false"),
        ('IgnoreVulns = ["CVE-2024-1"]', "f:1: IgnoreVulns: unknown key; nothing in it is heeded"),
    ],
)
def test_what_osv_scanners_file_says_in_vain(text: str, told: str) -> None:
    left, said = kept(osvscanner.parse, text)
    assert left == BOTH
    assert told in said[0]


def test_a_second_entry_for_one_vulnerability_is_told() -> None:
    said = kept(osvscanner.parse, VULN + 'id = "CVE-2024-1"\n' + VULN + 'id = "CVE-2024-1"')[1]
    assert said == [
        "f:3: IgnoredVulns: a second entry for CVE-2024-1, of which only the first counts; this entry suppresses nothing"
    ]


LISTS = """
generalwhitelist: #Approve CVE for any image
  CVE-2024-1: XML
  CVE-2024-1: OpenText
  CVE-2017-6055: XML
images:
  registry.example.com:5000/team/app:
    CVE-2024-2: Java
    CVE-2017-5230: Java
  ubuntu: {CVE-2017-5230: Java}
"""


def test_clair_scanners_lists() -> None:
    left, said = kept(clair.parse, LISTS)
    assert left == []
    assert said == ["f:9: CVE-2017-5230 suppresses nothing: no finding is like that"]
    assert kept(clair.parse, LISTS, "docker:registry.example.com:5000/team/app@sha256:0")[0] == []
    assert kept(clair.parse, LISTS, "registry.example.com/team/app:1")[0] == ["flask"]
    found = suppress([LIBSSL], clair.parse(LISTS.encode(), "f"), "x", TODAY).findings[0].suppression
    assert found
    assert found.reason == "OpenText"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("generalWhitelist: {CVE-2024-1: x}", "unknown key; nothing in it is heeded"),
        ("generalwhitelist: {CVE-2024-1: [x]}", "this is no text"),
        ("generalwhitelist:\nimages:\n  ubuntu:", ""),
    ],
)
def test_what_clair_scanners_lists_say_in_vain(text: str, told: str) -> None:
    left, said = kept(clair.parse, text)
    assert left == BOTH
    assert told in "".join(said)


ALL: list[Parse] = [trivyyaml.parse, grype.parse, osvscanner.parse, clair.parse]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (trivyyaml.parse, "- id: x"),
        (trivyyaml.parse, "vulnerabilities: {id: x}"),
        (grype.parse, "ignore: x"),
        (grype.parse, "a: [b"),
        (grype.parse, "ignore: []\nignore: []"),
        (osvscanner.parse, "a = ["),
        (osvscanner.parse, 'IgnoredVulns = "x"'),
        (clair.parse, "generalwhitelist: [x]"),
        (clair.parse, "[]"),
    ],
)
def test_what_is_no_such_file_is_an_error(parse: Parse, text: str) -> None:
    with pytest.raises(UsageError, match=r"^f"):
        parse(text.encode(), "f")


_WORDS = "vulnerabilities ignore images generalwhitelist id package paths x { } [ * &x [[IgnoredVulns]] [[PackageOverrides]]"
_PARTS = st.sampled_from([*_WORDS.split(), ": ", " = ", "\n", "- "])


@pytest.mark.parametrize("parse", ALL)
@given(st.binary(max_size=200) | st.lists(_PARTS, max_size=30).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_are_entries_or_an_error_of_ours(parse: Parse, data: bytes) -> None:
    findings: list[Finding] = [LIBSSL, FLASK]
    with ignoring(UsageError):
        suppress(findings, parse(data, "f"), "image", TODAY)
