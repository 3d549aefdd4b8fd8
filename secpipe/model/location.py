"""Places in a text file."""

from __future__ import annotations

from secpipe.model.named import NamedTuple


class Region(NamedTuple):
    """A stretch of a file. Lines and columns count from 1, columns in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
