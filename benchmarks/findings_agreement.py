"""How far `secpipe scan` and trivy agree on real package databases: `python benchmarks/findings_agreement.py DATA_DIR`.

DATA_DIR has `osv/<Ecosystem>/all.zip`, `roots/<name>/` (root filesystems) and `expected/<name>.json` with what trivy finds
in that root on those advisories: `{"findings": [[id, package, installed, fixed], …]}`. Each root is catalogued and matched;
findings are compared by identifier, package and installed version, and then by the fixed version. A difference is
explained by a rule of `explain_*` or it is not explained; docs/agreement.md tells the rules with examples.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace

from secpipe.advisories.build import build
from secpipe.advisories.store import Store
from secpipe.catalog import file_view, inventory
from secpipe.match.candidates import Candidate
from secpipe.match.ecosystem import ecosystem
from secpipe.match.identity import subject
from secpipe.match.matcher import match, missing
from secpipe.match.ranges import LISTED, key_of
from secpipe.model.advisory import Event, Range
from secpipe.model.image import Descriptor, Image, Layer, Platform
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding

ECOSYSTEMS = ("Alpine", "Debian", "PyPI")
"""Those that the roots have packages of, and the peer was given."""

Key = tuple[str, str, str]
"""Identifier, package, installed version."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What secpipe says about one root."""

    packages: tuple[Package, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    missing: tuple[str, ...]
    """Ecosystems without advisories."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one of the two says and the other does not, in words, and the reason; none when there is none to give."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The findings of one root: by both, by one of the two, by both with another fixed version."""

    name: str
    ours: Ours
    agreed: tuple[Key, ...]
    only_ours: tuple[Difference, ...]
    only_peer: tuple[Difference, ...]
    fixes: tuple[Difference, ...]

    @property
    def unexplained(self) -> list[str]:
        """The differences without a reason."""
        return [d.what for d in (*self.only_ours, *self.only_peer, *self.fixes) if not d.reason]


def root_image(root: Path) -> Image:
    """A root filesystem as an image of one layer."""
    buffer = io.BytesIO()
    with tarfile.TarFile(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            archive.add(path, str(path.relative_to(root)), recursive=False)
    data = buffer.getvalue()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    descriptor = Descriptor("application/vnd.oci.image.layer.v1.tar", digest, len(data))
    layer = Layer(0, descriptor, digest, None, lambda: iter([data]))
    return Image(root.name, "", Platform("linux", "amd64"), (layer,))


def examine(root: Path, store: Store) -> Ours:
    """Catalogue and match one root."""
    image = root_image(root)
    found = inventory(file_view(image, Limits()), image)
    packages = tuple(replace(p, ecosystem=ecosystem(found.distribution, p.type)) for p in found.packages)
    matched = match(packages, store)
    return Ours(
        packages, matched.findings, (*found.problems, *matched.problems), tuple(missing(packages, store))
    )


def compare(name: str, ours: Ours, expected: Path, store: Store) -> Comparison:
    """Hold our findings against the file of the peer's."""
    peer: dict[Key, set[str]] = {}
    for identifier, package, installed, fixed in json.loads(expected.read_bytes())["findings"]:
        peer.setdefault((identifier, package, installed), set()).add(fixed)
    own = {(f.id, f.package.name, f.package.version): f for f in ours.findings}
    both = sorted(own.keys() & peer.keys())
    agreed = [own[key] for key in both]
    extra = [own[key] for key in sorted(own.keys() - peer.keys())]
    return Comparison(
        name,
        ours,
        tuple(both),
        tuple(Difference(" ".join(_key(f)), explain_ours(f, agreed, peer, store)) for f in extra),
        tuple(
            Difference(" ".join(key), explain_peer(key, ours, store))
            for key in sorted(peer.keys() - own.keys())
        ),
        tuple(
            Difference(
                f"{' '.join(key)}: {own[key].fixed_version}, trivy {fixed!r}",
                explain_fix(own[key], fixed, store),
            )
            for key in both
            for fixed in sorted(peer[key])
            if fixed != (own[key].fixed_version or "")
        ),
    )


def explain_ours(finding: Finding, agreed: list[Finding], peer: dict[Key, set[str]], store: Store) -> str:
    """Why only we have a finding."""
    package = finding.package
    told = _told(finding.id, package, store)
    if finding.evidence.range == LISTED:
        return "listed: the peer was given ranges, not the lists of versions"
    if key_of(package.version, finding.evidence.scheme) is None:
        return "unordered: every version is affected, and the peer drops a version that it cannot order"
    if malformed(finding.id) and (finding.id.removeprefix("ALPINE-"), package.name, package.version) in peer:
        return MALFORMED
    names = {finding.evidence.advisory, *finding.aliases}
    for other in agreed:
        if other.package == package and names & {other.evidence.advisory, *other.aliases}:
            return "update: the peer was given the first CVE of each record only"
    if len(told) > 1:
        return TWICE
    if finding.evidence.scheme == "pep440" and any(not _PLAIN.fullmatch(e.version) for e in _events(told)):
        return "bounds: the peer drops a range with a bound that is not spelt as PEP 440 would have it"
    if finding.evidence.scheme == "apk" and re.search(r"\.0[0-9]", finding.evidence.range + package.version):
        return "zeros: apk-tools 3 orders a component with a leading zero as text, the peer as a number"
    return ""


def explain_peer(key: Key, ours: Ours, store: Store) -> str:
    """Why only the peer has a finding."""
    identifier, name, version = key
    if any(
        malformed(f.id) and f.id == f"ALPINE-{identifier}" and f.package.name == name for f in ours.findings
    ):
        return MALFORMED
    for package in ours.packages:
        if (package.name, package.version) != (name, version):
            continue
        for told in _told(identifier, package, store):
            if any(_closed_twice(item) for item in told.affected.ranges):
                return "closed: the schema ends an interval at the first of two ends, the peer was given one for each"
    return ""


def explain_fix(finding: Finding, fixed: str, store: Store) -> str:
    """Why the fixed versions differ."""
    if finding.fixed_version is None or finding.fixed_version in fixed.split(", "):
        return "branches: the peer lists the fixes of all branches, we that of the installed one"
    if len(_told(finding.id, finding.package, store)) > 1:
        return TWICE
    return ""


TWICE = "twice: the flaw is told under several fixes, of which the peer keeps one"
MALFORMED = "malformed: the peer takes any CVE-… for an identifier, we only CVE-YEAR-NUMBER"
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?")


def malformed(identifier: str) -> bool:
    """Whether the CVE in an identifier of Alpine's is none: a placeholder, or one with a part of its own."""
    return identifier.startswith("ALPINE-CVE-") and not re.fullmatch(
        r"ALPINE-CVE-[0-9]{4}-[0-9]+", identifier
    )


def _told(identifier: str, package: Package, store: Store) -> list[Candidate]:
    """The entries of the database that tell of the flaw for the package."""
    found = store.lookup(package.ecosystem or "", subject(package)[0])
    return [m for m in found if identifier in (m.advisory.id, *m.advisory.aliases, *m.advisory.upstream)]


def _events(told: list[Candidate]) -> Iterator[Event]:
    for one in told:
        for item in one.affected.ranges:
            yield from item.events


def _closed_twice(item: Range) -> bool:
    orderly = [event for event in item.events if key_of(event.version, "pep440") is not None]
    ordered = sorted(orderly, key=lambda event: key_of(event.version, "pep440"))
    return any("introduced" not in (a.kind, b.kind) for a, b in pairwise(ordered))


def _key(finding: Finding) -> Key:
    return (finding.id, finding.package.name, finding.package.version)


def comparisons(data: Path, database: Path) -> Iterator[Comparison]:
    """Compile the advisories into `database` and compare root by root."""
    build([path for name in ECOSYSTEMS if (path := data / "osv" / name).is_dir()], database)
    with Store.open(database) as store:
        for root in sorted((data / "roots").iterdir()):
            yield compare(root.name, examine(root, store), data / "expected" / f"{root.name}.json", store)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true", help="list every difference")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for result in comparisons(arguments.data, Path(folder, "advisories")):
            counts = f"{len(result.agreed)} agreed, {len(result.only_ours)} only ours, {len(result.only_peer)} only trivy"
            print(
                f"{result.name}: {counts}, {len(result.fixes)} other fixed versions, {len(result.ours.problems)} problems"
            )
            tell(result, arguments.verbose)


def tell(result: Comparison, verbose: bool) -> None:
    """The differences: each that has no reason, and the reasons of the others with their number, or all of them."""
    for name in result.ours.missing:
        print(f"  no advisories for {name}")
    marked = [
        (m, d)
        for m, ds in (("+", result.only_ours), ("-", result.only_peer), ("~", result.fixes))
        for d in ds
    ]
    for (mark, reason), count in sorted(Counter((mark, d.reason) for mark, d in marked).items()):
        print(f"  {mark} {count} {reason or 'NOT EXPLAINED'}")
    for mark, difference in marked:
        if verbose or not difference.reason:
            print(f"    {mark} {difference.what} ({difference.reason.partition(':')[0] or 'not explained'})")
    for problem in result.ours.problems:
        print("  ?", problem.message)


if __name__ == "__main__":
    main()
