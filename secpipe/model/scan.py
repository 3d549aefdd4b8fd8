"""What a scan says: findings with their evidence, and the report of one image."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from secpipe.model.package import Distribution, LayerRef, Package
from secpipe.model.problem import Problem
from secpipe.model.severity import Severity

Status = Literal["fixed", "affected", "will_not_fix", "under_investigation"]
"""`fixed`: a fixed version exists; `affected`: none is known; `will_not_fix`: none will come, as the distribution says;
`under_investigation`: nobody has confirmed the flaw in the package yet."""

Verdict = Literal["clean", "failed", "undecided"]


class RatedBy(Struct, frozen=True):
    """Who rated a flaw: the record, and what stands there, a CVSS vector or a word (`moderate`)."""

    advisory: str
    says: str


class Evidence(Struct, frozen=True):
    """Why a package counts as affected: the record, the range or listed version that holds it, the version scheme."""

    advisory: str
    range: str
    scheme: str
    severity: RatedBy | None = None
    """where the finding's severity is from; None where there is none"""
    statement: str = ""
    """the word of the advisory's source that the finding's status follows from: `end-of-life`"""


VexStatus = Literal["not_affected", "affected", "fixed", "under_investigation"]
"""What a VEX document says of a product; the words are OpenVEX's. Only `not_affected` and `fixed` suppress."""


class Suppression(Struct, frozen=True):
    """Why a finding does not count at the gate, and who says so. It stays in every report.

    `kind` tells an entry of an ignore file from a statement in a VEX document. `reason` is what a person wrote down,
    '' where the format has no place for it; `source` the file, as named; `expires` an ISO date (YYYY-MM-DD), '' for
    never. `status` and `justification` (one of VEX's words, `vulnerable_code_not_present`) are those of VEX.
    """

    kind: Literal["ignore", "vex"]
    reason: str
    source: str
    owner: str = ""
    expires: str = ""
    status: VexStatus | None = None
    justification: str = ""


class Finding(Struct, frozen=True):
    """One vulnerability in one package. `id` is the CVE where there is one, `aliases` every other name of it."""

    id: str
    aliases: tuple[str, ...]
    package: Package
    fixed_version: str | None
    severity: Severity
    score: float | None
    status: Status
    evidence: Evidence
    summary: str = ""
    url: str = ""
    suppression: Suppression | None = None
    """set where it was decided that it does not count; None where it does"""
    new: bool | None = None
    """whether the baseline lacks it; None without a baseline"""
    kev: bool = False
    """whether CISA's catalogue of known exploited vulnerabilities has it"""
    epss: float | None = None
    """the probability (0-1) that it is exploited within 30 days, by FIRST's EPSS; None where that tells nothing"""

    updated: bool = False
    """whether the baseline has it with another version of the package, another fixed version or another severity"""

    on_new_base: Literal["removed", "stays", ""] = ""
    """what would become of it on another base image; '' where nobody knows or asked"""

    @property
    def layer(self) -> LayerRef | None:
        return self.package.layer

    @property
    def cves(self) -> tuple[str, ...]:
        """The CVEs among its names, in upper case."""
        names = (name.upper() for name in (self.id, *self.aliases))
        return tuple(dict.fromkeys(name for name in names if name.startswith("CVE-")))

    @property
    def sort_key(self) -> tuple[int, str, str, str, str]:
        """Worst first, then by name: the order of every report."""
        return (-self.severity, self.package.name, self.package.version, self.id, self.package.path)


class TargetImage(Struct, frozen=True):
    """One of several images that were scanned together."""

    platform: str
    digest: str
    distribution: Distribution | None = None


class Target(Struct, frozen=True):
    """What was scanned: the reference as given, the manifest's digest (empty for a bare archive), the platform.

    With the platform `all` there is no digest, and the distribution is the one that all the `images` have, if they do.
    """

    reference: str
    digest: str
    platform: str
    distribution: Distribution | None = None
    images: tuple[TargetImage, ...] = ()


class ExploitationFeed(Struct, frozen=True):
    """What `kev` or `epss` of the findings is from: `released` by its publisher then (RFC 3339, '' for unknown)."""

    name: str
    released: str
    digest: str


class Arrival(Struct, frozen=True):
    """A finding that another base image would bring: the package's URL, name and version are those that it has there."""

    id: str
    purl: str
    package: str
    version: str
    severity: Severity


class NewBase(Struct, frozen=True):
    """A base image that the target was not built from, as it would change its findings; `platform` as of packages."""

    reference: str
    digest: str
    platform: str = ""
    adds: tuple[Arrival, ...] = ()


class ScanReport(Struct, frozen=True):
    """One image, or those of all platforms: inventory, findings (sorted), problems (sorted) and what follows from them."""

    kind: ClassVar[Literal["scan"]] = "scan"
    target: Target
    packages: tuple[Package, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    verdict: Verdict
    exit_code: int
    reason: str
    """The verdict in one sentence for a person."""
    warnings: tuple[Problem, ...] = ()
    """what somebody should look after, such as suppressions that expired (sorted); they change no verdict"""
    baseline: str = ""
    """what the findings were compared with, as it was named; '' for nothing"""
    feeds: tuple[ExploitationFeed, ...] = ()
    """what is known of exploitation was known then"""
    database: str = ""
    """the digest of the advisories that the packages were held against; '' where there were none at all"""
    dockerfile: str = ""
    """the file on whose lines findings stand, as it was named or found; '' for none"""
    new_bases: tuple[NewBase, ...] = ()
    """of each image, what another base would change"""
