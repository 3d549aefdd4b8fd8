"""What does not count at the gate, for people: who accepted it, until when and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._console import Part
from secpipe.report._scan import why
from secpipe.report._tables import Rows, styled

if TYPE_CHECKING:
    from secpipe.model.scan import Finding


def suppressed(findings: Iterable[Finding]) -> Iterator[Part]:
    """A table of the findings that are suppressed and their number; nothing without any."""
    rows = Rows("Suppressed", "Vulnerability", "Package", "Installed", "Until", "Reason")
    for f in findings:
        if (by := f.suppression) is None:
            continue
        owner = f" ({by.owner})" if by.owner else ""
        reason = why(by) or by.source
        cells = (f.id, f.package.name, f.package.version, by.expires or "-", reason + owner)
        rows.add(styled(str(f.severity)), *(styled(printable(cell)) for cell in cells))
    if rows:
        yield rows
        yield f"{len(rows)} suppressed"
        yield ""
