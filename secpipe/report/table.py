"""For people: the packages of an image, one a line; and what is known of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._console import Part, gaps, heading, layer_of, shown
from secpipe.report._tables import Rows, styled

if TYPE_CHECKING:
    from secpipe.model.fleetreport import FleetReport
    from secpipe.model.sbom import Bom


def sbom(bom: Bom, *, color: bool = False, width: int | None = None) -> str:
    """Title, table, what could not be examined."""
    return shown(_parts(bom), color=color, width=width)


def fleet(report: FleetReport, *, color: bool = False, width: int | None = None) -> str:
    """What is known of the fleet, and a table for each question."""
    return shown(_fleet_parts(report), color=color, width=width)


def _fleet_parts(report: FleetReport) -> Iterator[Part]:
    from secpipe.report._fleet import heading as lines
    from secpipe.report._fleet import sections

    yield from map(printable, lines(report))
    for section in sections(report):
        yield ""
        yield styled(printable(section.title), "bold")
        yield from map(printable, section.notes)
        if section.rows:
            yield ""
            rows = Rows(*section.columns)
            for row in section.rows:
                rows.add(*(styled(printable(word)) for word in row))
            yield rows


def _parts(bom: Bom) -> Iterator[Part]:
    yield from heading(bom.target, bom.packages)
    if bom.packages:
        rows = Rows("Type", "Package", "Version", "Source", "Layer")
        for package in bom.packages:
            source = package.source
            words = (
                package.type,
                package.name,
                package.version or "-",
                source.name if source and source.name != package.name else "-",
                layer_of(package),
            )
            rows.add(*(styled(printable(word)) for word in words))
        yield rows
        yield ""
    yield from gaps(bom.problems)
