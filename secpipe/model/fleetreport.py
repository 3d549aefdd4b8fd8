"""What is known of a fleet, as answers to questions: each that was asked has a part of the report."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from secpipe.model.scan import Verdict
from secpipe.model.severity import Severity

Counts = tuple[tuple[Severity, int], ...]
"""How many findings of each severity, worst first, without those that there are none of."""
Cause = Literal["advisory", "image", "name"]
"""Why something is new or gone: advisories say so (no longer), a name leads to another image, or is new (gone) itself."""


class FleetRun(Struct, frozen=True):
    """One look at the fleet. Times are RFC 3339 in UTC, `finished` '' for one that did not; `advisories` a digest."""

    number: int
    started: str
    finished: str
    status: Literal["running", "completed", "abandoned"]
    advisories: str
    version: str
    seconds: float


class ImageGap(Struct, frozen=True):
    """A reason why something could not be examined, as its first image tells it, and in how many images there is one.

    `undecided` of these have no verdict; where anything else failed, the verdict stands."""

    code: str
    images: int
    undecided: int
    message: str
    hint: str


class NameGap(Struct, frozen=True):
    """A name that led to no image when it was last looked up, or to one that could not be read; `platform` is ''
    for the former."""

    reference: str
    digest: str
    platform: str
    code: str
    message: str
    hint: str
    run: int
    last_seen: int
    """the last run in which it led to an image, which counts until it leads to another one; 0 for never"""


class Overview(Struct, frozen=True):
    """The fleet as it is known now. `suppressed` findings are not among the others."""

    names: int
    images: int
    packages: int
    verdicts: tuple[tuple[Verdict, int], ...]
    findings: Counts
    suppressed: int
    unresolved: tuple[NameGap, ...]
    gaps: tuple[ImageGap, ...]


class FleetImageRef(Struct, frozen=True):
    """An image of the fleet with the names that lead to it, sorted."""

    digest: str
    platform: str
    names: tuple[str, ...]


class FleetPackage(Struct, frozen=True):
    """A package. `source` is its source package, where that has another name; '' for none."""

    purl: str
    type: str
    name: str
    version: str
    ecosystem: str
    source: str = ""


class Place(Struct, frozen=True):
    """A package and the images that have it."""

    package: FleetPackage
    images: tuple[FleetImageRef, ...]


class Located(Struct, frozen=True):
    """Where packages are that fit what was asked; `unordered` are those whose version cannot be compared."""

    query: str
    places: tuple[Place, ...]
    unordered: tuple[Place, ...]


class Carrier(Struct, frozen=True):
    """An image with a vulnerability, in one of its packages, and since when it is known of each of the names."""

    image: FleetImageRef
    package: FleetPackage
    fixed_version: str | None
    status: str
    severity: Severity
    suppressed: str
    """who says that it does not count, and why; '' where it does"""
    since: tuple[int, ...]
    """the run since which that is known, of each name"""


class Mended(Struct, frozen=True):
    """A name that led to an image with a vulnerability, and does not since the run `until`."""

    reference: str
    since: int
    until: int


class Carried(Struct, frozen=True):
    """A vulnerability, who has it and who had it; `id` as the findings call it."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    url: str
    kev: bool
    epss: float | None
    carriers: tuple[Carrier, ...]
    mended: tuple[Mended, ...]


class Asked(Struct, frozen=True):
    """Which vulnerability was asked for, and those that are known by that name."""

    query: str
    found: tuple[Carried, ...]


class Change(Struct, frozen=True):
    """A vulnerability that names have now and had not, or the other way round. `packages` as `name version`."""

    id: str
    severity: Severity
    packages: tuple[str, ...]
    cause: Cause
    names: tuple[str, ...]
    fixed_versions: tuple[str, ...] = ()


class Changes(Struct, frozen=True):
    """What became of the findings after that run; suppressed ones are left out."""

    since: FleetRun | None
    new: tuple[Change, ...]
    fixed: tuple[Change, ...]


class WorstImage(Struct, frozen=True):
    """An image with its findings."""

    image: FleetImageRef
    distribution: str
    verdict: Verdict
    findings: Counts


class BaseImage(Struct, frozen=True):
    """Layers that images share from the bottom up. `reference` is an image of the fleet that is just these layers, '' for
    none; `layer` the digest of the topmost. `findings` are those of all images in packages that these layers brought."""

    reference: str
    layer: str
    layers: int
    images: int
    findings: Counts
    fixable: int


class Worst(Struct, frozen=True):
    """Images and bases with the most findings, worst first."""

    images: tuple[WorstImage, ...]
    bases: tuple[BaseImage, ...]


class PackageFix(Struct, frozen=True):
    """What an update of a package would remove: so many findings, in so many images. `package` is the source package where
    advisories are about these; `version` the lowest that has all of these fixes, by its own scheme."""

    package: str
    ecosystem: str
    version: str
    findings: int
    images: int
    severities: Counts


class Fixes(Struct, frozen=True):
    """What to do first. `bases` tell how much a rebuild on a base with all fixes would remove (`fixable`)."""

    packages: tuple[PackageFix, ...]
    bases: tuple[BaseImage, ...]


class FleetReport(Struct, frozen=True):
    """The runs that what is known comes from, the overview, and an answer to each question that was asked.

    `completed` is the last run that came to its end, `running` one after it that did not; `judged` images of the fleet were
    judged by the newest of them. `advisories_since` is when the first run by the same advisories began, '' where there is no
    run."""

    kind: ClassVar[Literal["fleet"]] = "fleet"
    completed: FleetRun | None
    running: FleetRun | None
    judged: int
    overview: Overview
    located: Located | None = None
    asked: Asked | None = None
    changes: Changes | None = None
    worst: Worst | None = None
    fixes: Fixes | None = None
    runs: tuple[FleetRun, ...] = ()
    """those that the answers speak of, by number"""
    advisories_since: str = ""
