"""Writes what was found out about some images, all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from secpipe.fleet.codec import clean
from secpipe.fleet.results.contents import Contents, Listed
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import Ids
from secpipe.fleet.results.images import Images
from secpipe.fleet.results.judgements import Judgements
from secpipe.fleet.results.sightings import Sightings
from secpipe.fleet.results.values import Run
from secpipe.fleet.values import FleetImage, FleetResult, ImageKey
from secpipe.model.scan import Finding

_UNASKED = "no-advisories"
"""The code of what says that there are no advisories for an ecosystem: then nobody has withdrawn those of before."""


class Batch:
    """What is known of the database by the one who writes it."""

    def __init__(self, database: Database) -> None:
        self.advisories = Ids[str](database, "advisories", "digest", ())
        self.images = Images(database)
        self.sightings = Sightings(database)
        self._contents = Contents(database)
        self._judgements = Judgements(database)

    def write(self, run: Run, results: Sequence[FleetResult], images: Sequence[FleetImage]) -> None:
        """The results, one an image, and the names that led to these images and others that are there already."""
        packages = self._contents.packages([result.inventory for result in results])
        advisories, _ = self.advisories.of({result.report.database: () for result in results})
        fresh = [pair for pair in zip(results, packages, strict=True) if not pair[0].known]
        ids, new = self._put(run, fresh, advisories)
        ids |= self.images.judge(run, [result for result in results if result.known], advisories)
        numbers = [ids[result.image.key] for result in results]
        self._judge(run, results, packages)
        suppressed = {
            number: self._suppressed(run, result) for number, result in zip(numbers, results, strict=True)
        }
        self.images.gaps(dict(zip(numbers, results, strict=True)), new)
        self.images.suppressed(run, suppressed)
        self._lead(run, images, ids)

    def _put(
        self, run: Run, fresh: Sequence[tuple[FleetResult, Listed]], advisories: Mapping[str, int]
    ) -> tuple[dict[ImageKey, int], set[int]]:
        """What images consist of that the history has not, or had of other catalogers; their ids, and which are new."""
        results = [result for result, _ in fresh]
        contents = self._contents.contents(
            [result.inventory for result in results], [listed.ids for _, listed in fresh]
        )
        chains = self._contents.chains([result.image for result in results])
        ids, new = self.images.write(run, results, chains, advisories)
        numbers = [ids[result.image.key] for result in results]
        self._contents.put(dict(zip(numbers, contents, strict=True)), new)
        return ids, new

    def _judge(self, run: Run, results: Sequence[FleetResult], packages: Sequence[Listed]) -> None:
        """What was found in packages that the run has not judged yet."""
        pairs = zip(results, packages, strict=True)
        for advisories, some in groupby(pairs, lambda pair: pair[0].report.database):
            found: dict[int, dict[str, Finding]] = {}
            for result, listed in some:
                unasked = {p.subject for p in result.report.problems if p.code == _UNASKED}
                asked = (
                    number
                    for number, package in zip(listed.ids, result.inventory.packages, strict=True)
                    if number in listed.matched and package.ecosystem not in unasked
                )
                fresh = self._judgements.pending(run.number, advisories, asked).difference(found)
                found.update({number: {} for number in fresh})
                if not fresh:
                    continue
                for finding in result.report.findings:
                    number = self._contents.matched(finding.package)
                    if number in fresh:
                        found[number].setdefault(clean(finding.id), finding)
            self._judgements.write(run.number, found)

    def _suppressed(self, run: Run, result: FleetResult) -> dict[tuple[int, int], Finding]:
        findings = [finding for finding in result.report.findings if finding.suppression is not None]
        names = self._judgements.names(run.number, findings) if findings else {}
        return {
            (number, names[clean(finding.id)]): finding
            for finding in findings
            if (number := self._contents.matched(finding.package)) is not None
        }

    def _lead(self, run: Run, images: Sequence[FleetImage], ids: dict[ImageKey, int]) -> None:
        """The names that led to images."""
        others = [image.key for image in images if image.key not in ids]
        known = {**self.images.ids(others), **ids} if others else ids
        self.sightings.write(
            run.number,
            [(name, known[one.key], one.key) for one in images for name in one.names],
        )

    def trim(self) -> None:
        """Keep no more in memory than is good."""
        for known in self._parts():
            known.trim()

    def forget(self) -> None:
        """After a transaction that failed: nothing is certain."""
        for known in self._parts():
            known.forget()

    def _parts(self) -> tuple[Any, ...]:
        return self.advisories, self.images, self.sightings, self._contents, self._judgements
