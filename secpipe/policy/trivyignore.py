"""`.trivyignore` as Trivy reads it (v0.6x): an identifier a line, `#` comments, `exp:YYYY-MM-DD` behind an identifier.

Trivy also lists misconfigurations, secrets and licences there; what is no vulnerability's name is never called unused.
"""

from __future__ import annotations

import re

from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.policy.ignore import MAX_TEXT, Entry, Ignores, day, decoded

_VULNERABILITY = lazy(
    r"(CVE|GHSA|GO|PYSEC|RUSTSEC|OSV|MAL|DSA|DLA|DTSA|USN|RHSA|RHBA|RHEA|ALSA|RLSA|ELSA|ALAS\w*|TEMP|CGA|BIT|HSEC|RSEC)-\w",
    re.IGNORECASE | re.ASCII,
)


def parse(data: bytes, source: str) -> Ignores:
    """The entries of the file, and a problem for every line whose date cannot be read: that one suppresses nothing.

    Raises `UsageError` when the file is too large or no UTF-8.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for number, line in enumerate(decoded(data, source).split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        place = f"{source}:{number}"
        dates = [word.removeprefix("exp:") for word in words[1:] if word.startswith("exp:")]
        until = day(dates[0]) if dates else None
        if (dates and until is None) or len(words[0]) > MAX_TEXT:
            what = printable(" ".join(words)[:80])
            problems.append(
                Problem(
                    "unreadable-ignore", place, f"{place}: {what}: cannot be read", "write ID exp:YYYY-MM-DD"
                )
            )
            continue
        known = bool(_VULNERABILITY.match(words[0]))
        entries.append(Entry(words[0], source, number, expires=until, told=known))
    return Ignores(tuple(entries), tuple(problems))
