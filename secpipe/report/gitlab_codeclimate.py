"""GitLab's code quality report: an array of Code Climate issues, each with a fingerprint.

GitLab compares fingerprints to tell new issues from old ones and shows one issue a fingerprint. hadolint's is a hash of
the whole issue, its line number included, so that a line added at the top makes every issue below a new one. Ours is
made of the file, the rule and the text of the line, with a number for those that are alike; of a scan, of all that an
upgrade does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.report._codeclimate import issues, scan_issues
from secpipe.report._lint import placed_problems, relative
from secpipe.report._scan import digest, identities, repository_of
from secpipe.report._text import json_text

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.scan import ScanReport


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """A JSON array; `[]` when there is nothing to tell, which GitLab needs to see that issues are gone."""
    names = [(relative(f.file), f.code, _line(report, f)) for f in report.findings]
    names += [(relative(p.subject), p.code, p.message) for p in placed_problems(report)]
    seen: dict[tuple[str, str, str], int] = {}
    told = []
    for name, issue in zip(names, issues(report), strict=True):
        seen[name] = seen.get(name, 0) + 1
        told.append({**issue, "fingerprint": digest(*name, str(seen[name]))})
    return json_text(told)


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """The same of a scan, for what GitLab's container scanning report has no place for: images without a distribution."""
    repository = repository_of(report.target.reference)
    names = [
        *identities(report, repository),
        *(digest(repository, p.code, p.subject, p.message) for p in report.problems),
    ]
    return json_text(
        [{**issue, "fingerprint": name} for name, issue in zip(names, scan_issues(report), strict=True)]
    )


def _line(report: LintReport, finding: LintFinding) -> str:
    """What the finding stands on, blanks aside; its message where the file is not at hand."""
    lines = report.sources.get(finding.file, ())
    number = finding.region.line
    return "".join(lines[number - 1].split()) if number <= len(lines) else finding.message
