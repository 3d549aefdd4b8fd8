"""What became of a fleet, run by run, in one SQLite or PostgreSQL database.

`open_results(url)` is for the one who writes. The tables are in `_schema.sql`; `secpipe.fleet.ask` has questions about them.
"""

from __future__ import annotations

from secpipe.fleet.results.values import Run, tagged
from secpipe.fleet.results.write import Results, open_results

__all__ = ["Results", "Run", "open_results", "tagged"]
