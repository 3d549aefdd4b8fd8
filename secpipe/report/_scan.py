"""What the formats of a scan share: the words for a finding, and an identity that an upgrade does not change."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secpipe.model.pattern import lazy
from secpipe.model.purl import bare
from secpipe.model.text import printable
from secpipe.report._text import instruction

if TYPE_CHECKING:
    from secpipe.model.package import LayerRef, Package
    from secpipe.model.scan import Finding, ScanReport, Suppression

_KINDS = frozenset(["registry", "docker", "podman", "oci", "oci-archive", "docker-archive", "dir", "sbom"])
_UNFIXED = {
    "will_not_fix": "the distribution will not fix it",
    "under_investigation": "whether it is affected is still being found out",
}
UNFIXED_SHORT = {"will_not_fix": "will not fix", "under_investigation": "unconfirmed"}
UNFIXED = frozenset(UNFIXED_SHORT.values())
_ARRIVALS = 5
_LINK = lazy(r"https?://[!-~]+")


def remedy(finding: Finding) -> str:
    """What to do about it, as a phrase."""
    if finding.fixed_version:
        return f"upgrade to {finding.fixed_version}"
    return _UNFIXED.get(finding.status, "no fixed version is known")


def fixed_in(finding: Finding, unknown: str = "-") -> str:
    """The fixed version, or in as few words why there is none."""
    return finding.fixed_version or UNFIXED_SHORT.get(finding.status, unknown)


def rated_by(finding: Finding) -> str:
    """Where its severity is from: `moderate in GHSA-…`; '' for nowhere."""
    source = finding.evidence.severity
    return printable(f"{source.says} in {source.advisory}") if source else ""


def sentence(finding: Finding) -> str:
    """All that one line can tell of a finding."""
    package = finding.package
    where = f" on {package.platform}" if package.platform else ""
    text = f"{package.name} {package.version}{where} is affected by {finding.id} ({finding.severity})"
    marks = "".join(f"; {mark}" for mark in marks_of(finding))
    about = f": {finding.summary}" if finding.summary else ""
    return printable(f"{text}: {remedy(finding)}{marks}{about}")


def marks_of(finding: Finding) -> list[str]:
    """What else is known of it: that it is exploited, how likely it will be, that it is new, suppressed and why."""
    marks = ["known to be exploited"] if finding.kev else []
    marks += [f"EPSS {likelihood(finding)}"] if finding.epss is not None else []
    marks += ["new"] if finding.new else []
    return [*marks, suppressed(finding)] if finding.suppression else marks


def baseline_state(finding: Finding) -> str:
    """What became of it since the baseline, in SARIF's words (2.1.0, 3.27.24); '' where there is none."""
    if finding.new is None:
        return ""
    return "new" if finding.new else "updated" if finding.updated else "unchanged"


def likelihood(finding: Finding) -> str:
    """How likely it is exploited within 30 days, by EPSS: `94%`, `<1%`; '' where nobody knows."""
    if finding.epss is None:
        return ""
    return f"{finding.epss:.0%}" if finding.epss >= 0.01 else "<1%"


def on_new_bases(report: ScanReport) -> Iterator[str]:
    """How many findings would be gone, stay and come on another base, and the worst of the last: a line each."""
    for base in report.new_bases:
        of = Counter(f.on_new_base for f in counting(report.findings) if f.package.platform == base.platform)
        where = f" ({base.platform})" if base.platform else ""
        yield (
            f"On {base.reference}{where}: {of['removed']} would be gone, {of['stays']} would stay, "
            f"{len(base.adds)} would come; of {of['']} nobody knows or they are the application's"
        )
        for one in base.adds[:_ARRIVALS]:
            yield f"  comes: {one.severity} {one.id} in {one.package} {one.version}"
        if len(base.adds) > _ARRIVALS:
            yield f"  … and {len(base.adds) - _ARRIVALS} more, none of them worse"


def suppressed(finding: Finding) -> str:
    """`suppressed by .secpipe-ignore.yaml until 2030-01-01: not used here`; '' for a finding that counts."""
    found = finding.suppression
    if found is None:
        return ""
    until = f" until {found.expires}" if found.expires else ""
    words = why(found)
    return f"suppressed by {found.source}{until}" + (f": {words}" if words else "")


def why(found: Suppression) -> str:
    """The status that a VEX document states, what a person wrote and VEX's word for it, as far as there are any."""
    status = found.status if found.kind == "vex" else None
    return ", ".join(part for part in (status, found.reason, found.justification) if part)


def made_by(layer: LayerRef) -> str:
    """The instruction that made a layer; its digest where the image does not tell."""
    return (instruction(layer.instruction) if layer.instruction else "") or layer.digest


def link(finding: Finding) -> str:
    """Its address, when it is one that a browser may be sent to; else ''."""
    return finding.url if _LINK.fullmatch(finding.url) else ""


def identities(report: ScanReport, repository: str) -> Iterator[str]:
    """A hash for each finding, in order: neither tag nor versions change it; those that are alike are numbered."""
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in report.findings:
        package = finding.package
        purl = bare(package.purl)
        platform = package.platform or report.target.platform
        words = (repository, platform, finding.id, purl, _unversioned(package))
        seen[words] += 1
        yield digest(*words, str(seen[words]))


def _unversioned(package: Package) -> str:
    """The package's path without its version: `usr/lib/python3/dist-packages/requests-2.30.0.dist-info/METADATA`."""
    if not package.version or package.version not in package.path:
        return package.path
    version = re.escape(package.version)
    return re.sub(rf"(?<![0-9A-Za-z.]){version}(?![0-9A-Za-z])", "*", package.path)


def digest(*words: str) -> str:
    """A hash of words: forty hexadecimal digits."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:40]


def counting(findings: Iterable[Finding]) -> list[Finding]:
    """Those that nobody has suppressed."""
    return [finding for finding in findings if finding.suppression is None]


def repository_of(reference: str) -> str:
    """The image's name without scheme, tag and digest: `oci:build/app:1.2` → `build/app`."""
    name = reference.partition("@")[0]
    scheme, colon, rest = name.partition(":")
    if colon and scheme in _KINDS:
        name = rest
    head, slash, last = name.rpartition("/")
    name = head + slash + last.partition(":")[0]
    return (
        "/".join(part for part in name.split("/") if part not in ("", ".", "..")).replace(":", "-") or "image"
    )
