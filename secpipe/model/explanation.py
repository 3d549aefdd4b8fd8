"""Why a package is or is not affected by a vulnerability: what was held against what, and what each step came to."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from secpipe.model.advisory import EventKind
from secpipe.model.named import NamedTuple
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Target

Sign = Literal["<", "=", ">", "?"]
"""How the left version compares with the right one; `?` where one of them has no place in the order."""

Answer = Literal["affected", "not affected", "unknown", "not examined", "left to its distribution"]


class Step(NamedTuple):
    """One part of two versions: what it is called, the two texts ('' where a version has ended), how they compare."""

    part: str
    left: str
    right: str
    sign: Sign


class Comparison(NamedTuple):
    """Two versions, part by part up to the one that decides, and the sentence that says how parts compare."""

    left: str
    right: str
    sign: Sign
    steps: tuple[Step, ...]
    rule: str


class Bound(NamedTuple):
    """An event of a range and how the installed version compares with it: `>` also for the `0` before all versions."""

    kind: EventKind
    version: str
    sign: Sign


class RangeJudged(NamedTuple):
    """One range for one version: the bounds in the order in which they are gone through. `custom` is true of Go's own."""

    type: str
    custom: bool
    bounds: tuple[Bound, ...]
    answer: Answer


class RecordJudged(Struct, frozen=True):
    """One affected entry of one advisory, held against one package.

    `aliases` are all other names in the record. `listed` is the number of versions that it lists, `is_listed` whether
    the installed one is among them. `rules` are the sentences beyond the plain algorithm that decided. `comparisons`
    have the nearest bounds, below and above.
    """

    advisory: str
    aliases: tuple[str, ...]
    ecosystem: str
    name: str
    answer: Answer
    ranges: tuple[RangeJudged, ...] = ()
    listed: int = 0
    is_listed: bool = False
    interval: str = ""
    fixed: str | None = None
    rules: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    summary: str = ""
    url: str = ""


class PackageJudged(Struct, frozen=True):
    """One package: under which name and version its ecosystem's advisories know it, and what each of them says.

    `findings` are those of the scan, more than one where one advisory mends several flaws.
    """

    package: Package
    name: str
    version: str
    scheme: str
    rules: tuple[str, ...]
    records: tuple[RecordJudged, ...]
    answer: Answer
    findings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is affected and nobody has accepted that."""
        return self.answer == "affected" and not (self.findings and all(f.suppression for f in self.findings))


class Subject(NamedTuple):
    """A package as advisories name it."""

    ecosystem: str
    name: str


class Explanation(Struct, frozen=True):
    """What there is to say about one vulnerability, by any of its names, and one image.

    `names` are all that it is known by. `packages` are those that its advisories could be about, `told_of` what these
    advisories name in the ecosystems of the image, `elsewhere` in how many others they name packages.
    """

    kind: ClassVar[Literal["explain"]] = "explain"
    id: str
    names: tuple[str, ...]
    target: Target
    packages: tuple[PackageJudged, ...]
    told_of: tuple[Subject, ...]
    elsewhere: tuple[str, ...]
    problems: tuple[Problem, ...]
    answer: Answer
    exit_code: int
    reason: str
    warnings: tuple[Problem, ...] = ()
