"""Reports of a fleet: one with something of everything in it, and any that hypothesis thinks of."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.model.fleetreport import (
    Asked,
    BaseImage,
    Carried,
    Carrier,
    Change,
    Changes,
    Fixes,
    FleetImageRef,
    FleetPackage,
    FleetReport,
    FleetRun,
    ImageGap,
    Located,
    Mended,
    NameGap,
    Overview,
    PackageFix,
    Place,
    Worst,
    WorstImage,
)
from secpipe.model.severity import Severity
from tests.support.fleet import sha256
from tests.support.scans import NASTY, TEXTS

_DONE = FleetRun(
    1, "2026-11-19T06:00:00Z", "2026-11-19T06:01:01Z", "completed", sha256("advisories 1"), "0.1.0", 61.5
)
_RUNS = (
    _DONE,
    replace(
        _DONE,
        number=2,
        started="2026-11-20T06:00:00Z",
        finished="2026-11-20T06:01:01Z",
        advisories=sha256("advisories 2"),
    ),
    replace(_DONE, number=3, started="2026-11-21T06:00:00Z", finished="", status="running"),
)
_SHOP = FleetImageRef(
    sha256("shop"), "linux/amd64", ("registry.example/team/shop:1.4", "registry.example/team/shop:latest")
)
_API = FleetImageRef(sha256("api"), "linux/arm64/v8", ("registry.example/team/api-gateway:2026.11.1",))
_SSL = FleetPackage(
    "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12",
    "deb",
    "libssl3",
    "3.0.9-1",
    "Debian:12",
    "openssl",
)
_LODASH = FleetPackage("pkg:npm/lodash@4.17.20", "npm", "lodash", "4.17.20", "npm")
_BASE = BaseImage(
    "registry.example/base/debian:12", sha256("debian"), 1, 2, ((Severity.CRITICAL, 2), (Severity.LOW, 40)), 2
)
FLEET = FleetReport(
    _RUNS[1],
    _RUNS[2],
    1,
    Overview(
        4,
        2,
        312,
        (("failed", 1), ("undecided", 1)),
        ((Severity.CRITICAL, 2), (Severity.HIGH, 3), (Severity.LOW, 41)),
        1,
        (
            NameGap(
                "registry.example/team/old:1",
                "",
                "",
                "unreachable-registry",
                "registry.example did not answer within 60 seconds",
                "try again later",
                3,
                2,
            ),
        ),
        (
            ImageGap(
                "no-advisories", 1, 1, "the database has no advisories for Hex", "run: secpipe db update Hex"
            ),
        ),
    ),
    Located("openssl<3.0.11", (Place(_SSL, (_API, _SHOP)),), (Place(_LODASH, (_SHOP,)),)),
    Asked(
        "dsa-5532-1",
        (
            Carried(
                "CVE-2023-5363",
                ("DSA-5532-1", "DEBIAN-CVE-2023-5363"),
                "Incorrect cipher key and IV length processing",
                "https://osv.dev/vulnerability/CVE-2023-5363",
                True,
                0.0123,
                (
                    Carrier(_SHOP, _SSL, "3.0.11-1~deb12u2", "fixed", Severity.CRITICAL, "", (1, 2)),
                    Carrier(
                        _API, _SSL, None, "will_not_fix", Severity.CRITICAL, "ignore.yaml: not used", (2,)
                    ),
                ),
                (Mended("registry.example/team/old:1", 1, 2),),
            ),
        ),
    ),
    Changes(
        _RUNS[0],
        (
            Change(
                "CVE-2026-1",
                Severity.CRITICAL,
                ("libssl3 3.0.9-1", "openssl 3.0.9-1"),
                "advisory",
                _SHOP.names,
                ("3.1",),
            ),
            Change("CVE-2026-2", Severity.LOW, ("lodash 4.17.20",), "name", _API.names),
        ),
        (Change("CVE-2020-9", Severity.HIGH, ("zlib1g 1:1.2.11",), "image", (*_SHOP.names, *_API.names)),),
    ),
    Worst(
        (
            WorstImage(_SHOP, "debian 12", "failed", ((Severity.CRITICAL, 2), (Severity.LOW, 41))),
            WorstImage(_API, "", "undecided", ()),
        ),
        (_BASE, replace(_BASE, reference="", layers=3, layer=sha256("node"))),
    ),
    Fixes(
        (PackageFix("openssl", "Debian:12", "3.0.11-1~deb12u2", 4, 2, ((Severity.CRITICAL, 4),)),), (_BASE,)
    ),
    _RUNS,
    "2026-11-20T06:00:00Z",
)
EMPTY = FleetReport(None, None, 0, Overview(0, 0, 0, (), (), 0, (), ()))
UNANSWERED = replace(
    EMPTY,
    located=Located("x", (), ()),
    asked=Asked("CVE-1", ()),
    changes=Changes(None, (), ()),
    worst=Worst((), ()),
    fixes=Fixes((), ()),
)


def hostile(text: str) -> FleetReport:
    """A report with the text wherever an image, a registry or an advisory may write one."""
    image = FleetImageRef(text, text, (text, text))
    package = FleetPackage(text, text, text, text, text, text)
    run = replace(_RUNS[0], advisories=text, version=text)
    return FleetReport(
        run,
        replace(_RUNS[2], advisories=text),
        1,
        Overview(
            *(1, 1, 1, (("failed", 1),), ((Severity.HIGH, 1),), 0),
            (NameGap(text, text, text, text, text, text, 1, 1),),
            (ImageGap(text, 1, 1, text, text),),
        ),
        Located(text, (Place(package, (image,)),), (Place(package, (image,)),)),
        Asked(
            text,
            (
                Carried(
                    *(text, (text,), text, text, False, None),
                    (Carrier(image, package, text, "fixed", Severity.LOW, text, (1, 1)),),
                    (Mended(text, 1, 3),),
                ),
            ),
        ),
        Changes(run, (Change(text, Severity.LOW, (text,), "image", (text,), (text,)),), ()),
        Worst(
            (WorstImage(image, text, "failed", ((Severity.LOW, 1),)),),
            (replace(_BASE, reference=text, layer=text),),
        ),
        Fixes((PackageFix(text, text, text, 1, 1, ((Severity.LOW, 1),)),), (replace(_BASE, reference=text),)),
        _RUNS,
        "2026-11-20T06:00:00Z",
    )


REPORTS = (TEXTS | st.sampled_from(NASTY)).map(hostile)
SHAPES = {"full": FLEET, "empty": EMPTY, "unanswered": UNANSWERED}
