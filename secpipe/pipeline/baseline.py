"""What a scan is compared with: the report of an earlier one, or what a scan of another image finds now.

A report tells what was known when it was written, so what was published since is new as well. An image is scanned with the
same advisories: then only what its successor brought is new.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from secpipe.errors import UndecidedError, UsageError
from secpipe.model.baseline import Mark, mark
from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.scan import ScanReport
from secpipe.pipeline.sbom import begins_an_object

_SUFFIXES = (".json", ".sarif")
_OTHERS = {
    "Results": "Trivy",
    "ArtifactName": "Trivy",
    "matches": "Grype",
    "vulnerabilities": "GitLab or another scanner",
    "results": "OSV-Scanner or another scanner",
}
_LISTS = frozenset(["bomFormat", "spdxVersion", "SPDXID", "predicate", "@context", "payload"])
_HINT = "give it what secpipe scan -f json or -f sarif writes, or name the image itself"


class Baseline(NamedTuple):
    """The findings to compare with; None when they could not be had, which the problems say. Warnings change no verdict."""

    marks: tuple[Mark, ...] | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def load(name: str, limits: Limits, scan: Callable[[str], ScanReport]) -> Baseline:
    """The baseline that a user names: a report's file, else a target, which `scan` is called with.

    Raises `UsageError` for a file that is no report of ours and for a target that is named wrongly, `LimitExceeded` for a
    report that is too large. What cannot be read is a problem.
    """
    if name == "-" or name.startswith(("-:", "-@", "docker-archive:-", "oci-archive:-", "sbom:-")):
        raise UsageError("a baseline cannot come from standard input", "write it to a file and name that")
    found = report(name, limits)
    if found is None:
        try:
            found = scan(name)
        except UndecidedError as error:
            message = f"the baseline cannot be read: {error.message}"
            return Baseline(
                None, (Problem("unreadable-baseline", name, message, error.hint, coverage=False),)
            )
    if isinstance(found, ScanReport):
        return Baseline(tuple(map(mark, found.findings)), (), tuple(_gaps(name, found)))
    return Baseline(found)


def report(name: str, limits: Limits) -> ScanReport | tuple[Mark, ...] | None:
    """The report in a file of that name, None when it names something else: an image, a list of packages.

    Of SARIF, which has not all of a report, there are the findings' marks.
    Raises `UsageError` for a file of JSON that is neither, `LimitExceeded` for one that is too large.
    """
    path = Path(name)
    if not begins_an_object(path):
        if path.suffix in _SUFFIXES and ":" not in name and not path.exists():
            raise UsageError(f"{name[:200]!r} does not exist", "check the path")
        if _is_array(path):
            raise UsageError(f"{name} is no report of a scan: it is an array, as a lint writes", _HINT)
        return None
    # Every scan loads this module, and few read a report.
    from secpipe.pipeline import convert
    from secpipe.report._reportjson import document, scan_report
    from secpipe.report._sarifread import marks

    found = document(convert.content(name, name, limits.report_bytes), name)
    if not isinstance(found, dict):
        raise UsageError(f"{name} is no report of a scan", _HINT)
    if "runs" in found:
        return marks(found, name)
    if not _LISTS.isdisjoint(found):
        return None
    if "schemaVersion" not in found:
        of = next((maker for key, maker in _OTHERS.items() if key in found), "")
        raise UsageError(
            f"{name} is no report of a scan by secpipe" + (f", but of {of}" if of else ""), _HINT
        )
    return scan_report(found, name)


def _is_array(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(64).lstrip().startswith(b"[")
    except (OSError, ValueError):
        return False


def _gaps(name: str, found: ScanReport) -> list[Problem]:
    if found.verdict != "undecided" and not any(not problem.coverage for problem in found.problems):
        return []
    codes = ", ".join(sorted({problem.code for problem in found.problems}))
    return [
        Problem(
            "incomplete-baseline",
            name,
            f"not everything could be examined in the baseline {name} ({codes}): what it missed counts as new",
            "see what a scan of it says",
        )
    ]
