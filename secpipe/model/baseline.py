"""A finding as far as one of another scan is compared with it."""

from __future__ import annotations

from secpipe.model.named import NamedTuple
from secpipe.model.purl import bare
from secpipe.model.scan import Finding
from secpipe.model.severity import Severity


class Mark(NamedTuple):
    """What makes a finding the same as an earlier one, and what may have changed of it since.

    `names` are all of the vulnerability's, its id first. `package` is the package URL without version, qualifiers and
    subpath: architecture, layer and versions make no other finding of it. `platform` is '' for a report of one image.
    """

    names: tuple[str, ...]
    package: str
    path: str = ""
    platform: str = ""
    version: str = ""
    fixed_version: str | None = None
    severity: Severity = Severity.UNKNOWN


def mark(finding: Finding) -> Mark:
    """That of a finding."""
    package = finding.package
    return Mark(
        (finding.id, *finding.aliases),
        bare(package.purl),
        package.path,
        package.platform,
        package.version,
        finding.fixed_version,
        finding.severity,
    )
