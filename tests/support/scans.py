"""Reports of scans as hypothesis makes them: every field, hostile texts, the images of several platforms."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.scan import (
    Arrival,
    Evidence,
    ExploitationFeed,
    Finding,
    NewBase,
    RatedBy,
    ScanReport,
    Suppression,
    Target,
    TargetImage,
    Verdict,
)
from secpipe.model.severity import Severity
from tests.support.reports import SCAN, finding, package, scan_report

NASTY = (
    "</script><script>alert(1)</script>",
    "a\x1b[2Jb\x00\r\nc",
    "caf\udce9\ud800",
    "]]><!--",
    "=cmd|' /C calc'!A1",
    "| `x` | [a](javascript:alert(1)) <img src=x onerror=alert(1)> @team #1",
    "%0A::error::x",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2028\ufeff\uffff",
    "long " * 2_000,
)
"""Texts that one format or another would trip over."""


def _texts(least: int = 0) -> st.SearchStrategy[str]:
    anything = st.characters(exclude_categories=())  # lone surrogates as well
    return st.text(anything, min_size=least, max_size=20) | st.sampled_from(NASTY[:-1])


TEXTS, NAMES = _texts(), _texts(1)
_DIGESTS = st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}")
_LAYERS = st.builds(LayerRef, _DIGESTS, st.integers(0, 1000), st.none() | TEXTS) | st.builds(
    LayerRef, _DIGESTS, st.integers(0, 1000), TEXTS, NAMES, st.integers(1, 1000)
)
SUPPRESSIONS = st.builds(
    Suppression,
    st.sampled_from(["ignore", "vex"]),
    TEXTS,
    NAMES,
    TEXTS,
    st.sampled_from(["", "2027-01-31"]),
    st.sampled_from([None, "not_affected", "fixed"]),
    TEXTS,
)
_SYSTEMS = st.none() | st.builds(Distribution, TEXTS, TEXTS, TEXTS)


_BASES = st.builds(
    NewBase,
    NAMES,
    st.just("") | _DIGESTS,
    st.sampled_from(["", "linux/amd64"]),
    st.lists(
        st.builds(Arrival, NAMES, NAMES.map("pkg:".__add__), NAMES, TEXTS, st.sampled_from(Severity)),
        max_size=2,
    ).map(tuple),
)


VERDICTS: tuple[tuple[Verdict, int], ...] = (("clean", 0), ("failed", 1), ("undecided", 3))


@st.composite
def packages(draw: st.DrawFn, platform: str) -> Package:
    """A package whose type is that of its purl, as the inventory makes them."""
    type = draw(st.sampled_from(["deb", "apk", "rpm", "pypi", "maven"]))
    name = draw(NAMES)
    return Package(
        name,
        draw(TEXTS),
        type,
        draw(TEXTS),
        draw(st.none() | st.builds(Source, TEXTS, TEXTS)),
        draw(TEXTS),
        f"pkg:{type}/{name}",
        draw(st.none() | TEXTS),
        draw(st.none() | _LAYERS),
        platform,
        draw(TEXTS),
        draw(TEXTS),
        draw(TEXTS),
        origin=draw(st.sampled_from(["base", "app", ""])),
        evidence=draw(TEXTS),
    )


_FEEDS = st.builds(ExploitationFeed, st.sampled_from(["epss", "kev"]), TEXTS, _DIGESTS)


@st.composite
def findings(draw: st.DrawFn, package: Package) -> Finding:
    fixed = draw(st.none() | NAMES)
    return Finding(
        draw(NAMES),
        tuple(draw(st.lists(NAMES, max_size=2, unique=True))),
        package,
        fixed,
        draw(st.sampled_from(Severity)),
        draw(st.none() | st.floats(0, 10)),
        "fixed" if fixed else draw(st.sampled_from(["affected", "will_not_fix", "under_investigation"])),
        Evidence(
            *(draw(TEXTS), draw(TEXTS), draw(TEXTS)),
            draw(st.none() | st.builds(RatedBy, TEXTS, TEXTS)),
            draw(TEXTS),
        ),
        draw(TEXTS),
        draw(TEXTS),
        kev=draw(st.booleans()),
        epss=draw(st.none() | st.floats(0, 1)),
        suppression=draw(st.none() | SUPPRESSIONS),
        new=(new := draw(st.sampled_from([None, True, False]))),
        updated=new is False and draw(st.booleans()),
        on_new_base=draw(st.sampled_from(["", "removed", "stays"])),
    )


@st.composite
def scans(draw: st.DrawFn) -> ScanReport:
    """Any report that a scan could end with."""
    platforms = draw(st.sampled_from([(), ("linux/amd64", "linux/arm64/v8")]))
    found = [
        draw(packages(draw(st.sampled_from(platforms or ("",))))) for _ in range(draw(st.integers(0, 3)))
    ]
    problem = st.builds(
        Problem, st.sampled_from(["no-advisories", "unreadable-image"]), TEXTS, NAMES, TEXTS, st.booleans()
    )
    target = Target(
        draw(NAMES),
        draw(st.just("") | _DIGESTS),
        "all" if platforms else "linux/amd64",
        draw(_SYSTEMS),
        tuple(TargetImage(platform, draw(_DIGESTS), draw(_SYSTEMS)) for platform in platforms),
    )
    chosen = draw(st.lists(st.sampled_from(found), max_size=4)) if found else []
    verdict, exit_code = draw(st.sampled_from(VERDICTS))
    return ScanReport(
        target,
        tuple(found),
        tuple(sorted((draw(findings(one)) for one in chosen), key=lambda finding: finding.sort_key)),
        tuple(sorted(draw(st.lists(problem, max_size=2)))),
        verdict,
        exit_code,
        draw(TEXTS),
        tuple(sorted(draw(st.lists(problem, max_size=2)))),
        draw(TEXTS),
        tuple(draw(st.lists(_FEEDS, max_size=2))),
        new_bases=tuple(draw(st.lists(_BASES, max_size=2))),
    )


def hostile(text: str) -> ScanReport:
    """A report with the text wherever an image or an advisory may write one."""
    bad = replace(
        package(text, text),
        path=text,
        purl=f"pkg:deb/{text}",
        layer=LayerRef("sha256:" + "a" * 64, 0, text),
        source=Source(text, text),
    )
    found = replace(
        finding(text, bad, fixed=text, aliases=(text,), summary=text),
        url=text,
        evidence=Evidence(text, text, text),
    )
    report = scan_report(found, problems=(Problem("no-advisories", text, text, text),))
    system = Distribution(text, text, text)
    target = replace(report.target, reference=text, distribution=system)
    return replace(report, target=target, reason=text, baseline=text, database=text)


EMPTY = replace(scan_report(), reason="no known vulnerabilities")
ONLY_PROBLEMS = replace(
    scan_report(problems=(Problem("unreadable-image", "x", "it is damaged", "build it again", False),)),
    target=replace(EMPTY.target, digest="", distribution=None),
    verdict="undecided",
    exit_code=3,
)
_AMD, _ARM = "linux/amd64", "linux/arm64/v8"
PLATFORMS = replace(
    scan_report(
        *(
            replace(one, package=replace(one.package, platform=platform))
            for platform in (_AMD, _ARM)
            for one in SCAN.findings
        )
    ),
    target=replace(
        SCAN.target,
        digest="",
        platform="all",
        images=(
            TargetImage(_AMD, "sha256:" + "1" * 64, Distribution("debian", "12")),
            TargetImage(_ARM, "sha256:" + "2" * 64),
        ),
    ),
)
SHAPES = {"full": SCAN, "empty": EMPTY, "problems": ONLY_PROBLEMS, "platforms": PLATFORMS}
