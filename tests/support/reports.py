"""Reports to show: one of each kind with something of everything in it."""

from __future__ import annotations

from secpipe.model.lint import Edit, Fix, LintFinding, LintReport, Rule
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

_UPDATE = "RUN apt-get update \\"
_LEFT_OUT = Region(3, 18, 3, 18)

LINT = LintReport(
    ("Dockerfile", "clean/Dockerfile", "sub dir/Dockerfile.prod"),
    (
        LintFinding(
            "Dockerfile",
            Region(1, 6, 1, 12),
            "DL3006",
            Level.WARNING,
            "Tag the version of the image `debian`",
        ),
        LintFinding(
            "Dockerfile",
            Region(2, 5, 3, 18),
            "DL3009",
            Level.INFO,
            'Remove the lists: <none> & "none" of 100%, please',
            Fix((Edit(51, 51, _LEFT_OUT, " && rm -rf /var/lib/apt/lists/*"),)),
        ),
        LintFinding(
            "Dockerfile",
            Region(3, 12, 3, 14),
            "DL3048",
            Level.STYLE,
            "A label of `日本`",
            Fix((Edit(45, 47, Region(3, 12, 3, 14), "jp"),), safe=False),
        ),
        LintFinding(
            "sub dir/Dockerfile.prod", Region(2, 1, 2, 5), "DL3002", Level.ERROR, "Last USER is root"
        ),
        LintFinding("sub dir/Dockerfile.prod", Region(2, 6, 2, 10), "SC2086", Level.INFO, "Quote: this, too"),
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
        for code, name in (
            ("DL3002", "last-user-root"),
            ("DL3006", "tagged-image"),
            ("DL3009", "removed-lists"),
            ("DL3048", "label-key"),
            ("SC2086", "shellcheck-sc2086"),
        )
    },
    (
        Problem("no-shellcheck", "ShellCheck", "ShellCheck is not installed", "install it"),
        Problem("unknown-rule", "clean/Dockerfile", "clean/Dockerfile:1:17: no rule DL9999", "remove it"),
        Problem(
            "unreadable-file",
            "gone, away",
            "gone, away: cannot be read",
            "check its permissions",
            coverage=False,
        ),
    ),
    Level.INFO,
    1,
    {
        "Dockerfile": ("FROM debian", _UPDATE, "\t&& 𝔸 echo 日本 end", ""),
        "sub dir/Dockerfile.prod": ("FROM a:1", "USER root", ""),
    },
)
