"""For people: the packages of an image, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._console import Part, gaps, heading, layer_of, shown
from secpipe.report._tables import Rows, styled

if TYPE_CHECKING:
    from secpipe.model.sbom import Bom


def sbom(bom: Bom, *, color: bool = False, width: int | None = None) -> str:
    """Title, table, what could not be examined."""
    return shown(_parts(bom), color=color, width=width)


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
