"""What could not be examined. A problem is data: it never stops the rest and never goes unsaid."""

from __future__ import annotations

from secpipe.model.named import NamedTuple


class Problem(NamedTuple):
    """One reason why a verdict is not complete.

    `code` is a stable kebab-case word (`unknown-distribution`, `no-advisories`, `empty-inventory`,
    `unreadable-database` …), `subject` what it concerns (a path, an ecosystem, a file), `message` what
    happened, `hint` what to do next. `coverage` tells a gap in what was examined, which `--allow-incomplete`
    accepts, from a failure, which it does not.
    """

    code: str
    subject: str
    message: str
    hint: str = ""
    coverage: bool = True
