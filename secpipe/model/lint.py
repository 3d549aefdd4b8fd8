"""What a lint says: rules, findings and the report over all files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from secpipe.model.location import Region
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.severity import Level


def rule_url(code: str) -> str:
    """Where a rule is documented: in our own pages, ShellCheck's in its wiki."""
    if code.startswith("SC"):
        return f"https://www.shellcheck.net/wiki/{code}"
    return f"https://github.com/secpipe/secpipe/blob/main/docs/rules/{code}.md"


class Rule(NamedTuple):
    """A rule's metadata, as its file under rules/ gives it."""

    code: str
    name: str
    level: Level
    enabled: bool
    """Whether it is on by itself."""
    summary: str
    rationale: str
    remedy: str
    url: str


class Edit(NamedTuple):
    """Text put in place of a stretch of the file: `start` and `end` are offsets into its decoded text, `region` the same."""

    start: int
    end: int
    region: Region
    text: str


class Fix(NamedTuple):
    """What removes a finding: edits that do not overlap, in order; `safe` as `secpipe.lint.check.Fix` says."""

    edits: tuple[Edit, ...]
    safe: bool = True


class LintFinding(NamedTuple):
    """One complaint, standing on the offending word."""

    file: str
    region: Region
    code: str
    level: Level
    message: str
    fix: Fix | None = None

    @property
    def sort_key(self) -> tuple[str, int, int, int, int, str, str]:
        """By file and place: the order of every report."""
        r = self.region
        return (self.file, r.line, r.column, r.end_line, r.end_column, self.code, self.message)


class Sources(Mapping[str, tuple[str, ...]]):
    """The lines of files, split when they are asked for: few reports show any. A CR before a line's end is no part of it."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lines: dict[str, tuple[str, ...]] = {}

    def __getitem__(self, file: str) -> tuple[str, ...]:
        if file not in self._lines:
            lines = self._texts[file].split("\n")
            self._lines[file] = tuple([line.removesuffix("\r") for line in lines])
        return self._lines[file]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


_NO_SOURCES: Mapping[str, tuple[str, ...]] = {}


class LintReport(NamedTuple):
    """The findings in all files, sorted; the rules that fired; what could not be linted."""

    files: tuple[str, ...]
    findings: tuple[LintFinding, ...]
    rules: Mapping[str, Rule]
    problems: tuple[Problem, ...]
    threshold: Level
    exit_code: int
    sources: Mapping[str, tuple[str, ...]] = _NO_SOURCES
    """The decoded lines of each file that has findings, for snippets."""

    @property
    def kind(self) -> Literal["lint"]:
        """Which function of a format shows it."""
        return "lint"
