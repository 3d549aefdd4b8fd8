"""Reports to show: one of each kind with something of everything in it."""

from __future__ import annotations

from secpipe.model.lint import LintFinding, LintReport, Rule
from secpipe.model.location import Region
from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.scan import Evidence, Finding, ScanReport, Target
from secpipe.model.severity import Level, Severity

BASE = LayerRef("sha256:" + "a" * 64, 0, "/bin/sh -c #(nop) ADD file:0a1b in / ")
APT = LayerRef("sha256:" + "b" * 64, 1, "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit")


def package(name: str, version: str, layer: LayerRef | None = BASE, source: str = "") -> Package:
    return Package(
        name,
        version,
        "deb",
        "var/lib/dpkg/status",
        Source(source or name, version),
        "amd64",
        f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12",
        "Debian:12",
        layer,
    )


def finding(
    id: str,
    package: Package,
    severity: Severity = Severity.HIGH,
    fixed: str | None = "9",
    score: float | None = None,
    aliases: tuple[str, ...] = (),
    summary: str = "",
) -> Finding:
    return Finding(
        id,
        aliases,
        package,
        fixed,
        severity,
        score,
        "fixed" if fixed else "affected",
        Evidence(aliases[0] if aliases else id, f"<{fixed}" if fixed else ">=0", "deb"),
        summary,
        f"https://osv.dev/vulnerability/{id}",
    )


def scan_report(*findings: Finding, problems: tuple[Problem, ...] = ()) -> ScanReport:
    return ScanReport(
        Target(
            "registry.example:5000/team/app:1.2",
            "sha256:" + "c" * 64,
            "linux/amd64",
            Distribution("debian", "12"),
        ),
        tuple(sorted({f.package for f in findings}, key=lambda p: p.purl)),
        tuple(sorted(findings, key=lambda f: f.sort_key)),
        problems,
        "failed" if findings else "clean",
        1 if findings else 0,
        "for the test",
    )


SCAN = scan_report(
    finding(
        "CVE-2023-5363", package("libssl3", "3.0.9-1", source="openssl"), fixed="3.0.11-1~deb12u2", score=7.5
    ),
    finding("CVE-2023-5363", package("openssl", "3.0.9-1", APT), fixed="3.0.11-1~deb12u2", score=7.5),
    finding(
        "CVE-2023-38545",
        package("curl", "7.88.1-10+deb12u1", APT),
        Severity.CRITICAL,
        "7.88.1-10+deb12u4",
        9.8,
        ("DSA-5523-1",),
        "SOCKS5 heap | buffer overflow",
    ),
    finding("DSA-0000-1", package("zlib1g", "1:1.2.13.dfsg-1"), Severity.UNKNOWN, None),
    problems=(Problem("no-advisories", "PyPI", "no advisories for PyPI", "secpipe db update PyPI"),),
)

LINT = LintReport(
    ("Dockerfile", "sub dir/Dockerfile.prod"),
    (
        LintFinding(
            "Dockerfile",
            Region(1, 6, 1, 12),
            "DL3006",
            Level.WARNING,
            "Tag the version of the image `debian`",
        ),
        LintFinding(
            "sub dir/Dockerfile.prod", Region(2, 1, 2, 4), "DL3002", Level.ERROR, "Last USER is root"
        ),
    ),
    {
        code: Rule(
            code,
            name,
            Level.WARNING,
            True,
            "Summary.",
            "Rationale.",
            "Remedy.",
            f"https://example.org/{code}",
        )
        for code, name in (("DL3002", "LastUserRoot"), ("DL3006", "TagImage"))
    },
    (Problem("unreadable-file", "gone", "cannot read gone", "check its permissions", coverage=False),),
    Level.INFO,
    1,
    {"Dockerfile": ("FROM debian", ""), "sub dir/Dockerfile.prod": ("FROM a:1", "USER root", "")},
)
