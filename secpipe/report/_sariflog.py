"""What the SARIF of a lint and of a scan share: the log around the results, their places, and how many there may be.

GitHub takes 25,000 results a run and keeps 5,000 of them, which are not always the worst: here the worst 5,000 are
chosen, and a notification tells what is left out. The limits are GitHub's for code scanning, as of 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from secpipe import __version__
from secpipe.model.location import Region
from secpipe.model.problem import Problem
from secpipe.model.text import printable, wellformed
from secpipe.report._text import json_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/secpipe/secpipe"
MAX_RESULTS = 5_000
MAX_TEXT = 1_000

T = TypeVar("T")


def worst(findings: Sequence[T], rank: Callable[[T], Any]) -> list[T]:
    """The findings that there is room for, in their order: those of the lowest rank, and of the same the first."""
    if len(findings) <= MAX_RESULTS:
        return list(findings)
    ordered = sorted(range(len(findings)), key=lambda position: rank(findings[position]))
    return [findings[position] for position in sorted(ordered[:MAX_RESULTS])]


def left_out(total: int, counts: Mapping[str, int]) -> str:
    """What there was no room for, by its kinds; '' when all is there."""
    if total <= MAX_RESULTS:
        return ""
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    return f"SARIF has the worst {MAX_RESULTS:,} of {total:,} findings, as many as GitHub keeps: {told} are left out"


def log(
    category: str,
    rules: list[dict[str, Any]],
    results: list[dict[str, Any]],
    notifications: list[dict[str, Any]],
    exit_code: int,
    properties: Mapping[str, str] | None = None,
) -> str:
    """One run, as JSON; `properties` are what SARIF has no field for."""
    run = {
        "tool": {
            "driver": {
                "name": "secpipe",
                "semanticVersion": __version__,
                "version": __version__,
                "informationUri": HOME,
                "rules": rules,
            }
        },
        "automationDetails": {"id": category},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": exit_code in (0, 1),
                "exitCode": exit_code,
                "toolExecutionNotifications": notifications,
            }
        ],
        "results": results,
        **({"properties": dict(properties)} if properties else {}),
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def notifications(problems: Iterable[Problem], cut: str, files: Iterable[str] = ()) -> list[dict[str, Any]]:
    """What could not be examined or has no room. A problem that is about one of the files is told of it."""
    told = [_notification(problem, problem.subject in files) for problem in problems]
    if cut:
        told.append({"descriptor": {"id": "results-left-out"}, "level": "warning", "message": {"text": cut}})
    return told


def _notification(problem: Problem, of_file: bool) -> dict[str, Any]:
    text = f"{problem.message}: {problem.hint}" if problem.hint else problem.message
    place = {"physicalLocation": {"artifactLocation": artifact(problem.subject)}}
    return {
        "descriptor": {"id": problem.code},
        "level": "warning" if problem.coverage else "error",
        "message": {"text": printable(text)},
        **({"locations": [place]} if of_file else {}),
    }


def region(found: Region) -> dict[str, Any]:
    """All four fields, which GitHub wants."""
    return {
        "startLine": found.line,
        "startColumn": found.column,
        "endLine": found.end_line,
        "endColumn": found.end_column,
    }


def artifact(file: str) -> dict[str, str]:
    """A file below the working directory as a relative URI, any other as it is."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return {"uri": path.as_uri()}
    return {"uri": uri(path.as_posix())}


def uri(path: str) -> str:
    """A relative URI reference (RFC 3986): the first segment must not look like a scheme, so `:` is escaped."""
    text = re.sub("[\ud800-\udc7f\udd00-\udfff]", lambda found: wellformed(found[0]), path)
    return quote(text, safe="/", errors="surrogateescape")


def clip(text: str) -> str:
    """A text as long as GitHub shows one."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
