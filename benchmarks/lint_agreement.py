"""How far `secpipe lint` and hadolint agree: `python benchmarks/lint_agreement.py DIR...`.

Lints every Dockerfile below the folders with both programs and compares sets of (file, first line of the instruction,
code): all rules of hadolint's, and ShellCheck's where it is installed, of which hadolint tells one per RUN only. Files in
which only one of them sees a syntax error are told apart, because a syntax error silences all of hadolint's other rules.
hadolint is looked up on PATH, or given by $HADOLINT.
Differences that are meant are in docs/differences-from-hadolint.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.source import decode
from secpipe.lint.options import Options
from secpipe.lint.rules import known_codes
from secpipe.pipeline.dockerfiles import find
from secpipe.pipeline.lint import LintOptions, lint

SYNTAX = "DL1000"
BATCH = 50

Findings = dict[str, set[tuple[int, str]]]
"""By file: first line of the instruction and code."""


@dataclass(slots=True)
class Agreement:
    """The findings that both have, that only we have, that only hadolint has; (file, line, code)."""

    both: list[tuple[str, int, str]] = field(default_factory=list)
    ours: list[tuple[str, int, str]] = field(default_factory=list)
    theirs: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How many of hadolint's findings we have, 0 to 1."""
        found = len(self.both) + len(self.theirs)
        return len(self.both) / found if found else 1.0


def our_findings(files: Sequence[str]) -> Findings:
    """What secpipe says, at the first line of each instruction; files that are not text are missing."""
    report = lint(files, LintOptions(Options(select=frozenset({"hadolint"}))))
    findings: Findings = {file: set() for file in report.files}
    starts: dict[str, list[int]] = {}
    for finding in report.findings:
        file = finding.file
        if file not in starts:
            dockerfile = parse(decode(Path(file).read_bytes(), file))
            starts[file] = [dockerfile.source.region(i.start, i.start).line for i in dockerfile.instructions]
        index = bisect_right(starts[file], finding.region.line) - 1
        line = starts[file][index] if index >= 0 else finding.region.line
        findings[file].add((line, finding.code))
    return findings


def their_findings(files: Sequence[str], program: str) -> Findings:
    """What hadolint says; files that make it crash are missing."""
    findings: Findings = {}
    batches = [files[i : i + BATCH] for i in range(0, len(files), BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(lambda batch: dict(_hadolint(batch, program)), batches):
            findings.update(part)
    return findings


def _hadolint(files: Sequence[str], program: str) -> Iterator[tuple[str, set[tuple[int, str]]]]:
    done = subprocess.run([program, "-f", "json", "--no-fail", *files], capture_output=True)
    try:
        entries = json.loads(done.stdout)
    except json.JSONDecodeError:
        # One file that makes it crash costs all others their report, so halve until it is alone.
        if len(files) > 1:
            yield from _hadolint(files[: len(files) // 2], program)
            yield from _hadolint(files[len(files) // 2 :], program)
        return
    found: Findings = {file: set() for file in files}
    for entry in entries:
        found[entry["file"]].add((entry["line"], entry["code"]))
    yield from found.items()


def compare(ours: Findings, theirs: Findings, codes: Sequence[str]) -> dict[str, Agreement]:
    """Rule by rule, over the files that both could read."""
    result = {code: Agreement() for code in codes}
    for file in sorted(ours.keys() & theirs.keys()):
        mine, other = ours[file], theirs[file]
        for line, code in sorted(mine | other):
            if code not in result:
                continue
            agreement = result[code]
            if (line, code) not in other:
                agreement.ours.append((file, line, code))
            elif (line, code) not in mine:
                agreement.theirs.append((file, line, code))
            else:
                agreement.both.append((file, line, code))
    return result


def has_syntax_error(findings: set[tuple[int, str]]) -> bool:
    """Whether a syntax error is among the findings."""
    return any(code == SYNTAX for _, code in findings)


def main() -> None:
    """Compare, and print a table and what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dirs", nargs="+", metavar="DIR")
    parser.add_argument("--rule", help="list the differences of this rule only")
    parser.add_argument("--limit", type=int, default=20, help="differences to list per rule and side")
    args = parser.parse_args()

    files, _ = find(args.dirs)
    ours = our_findings(files)
    theirs = their_findings(files, os.environ.get("HADOLINT", "hadolint"))
    refused = {file for file in theirs if has_syntax_error(theirs[file])}
    only_ours = sorted(f for f in ours.keys() & theirs.keys() - refused if has_syntax_error(ours[f]))
    accepted = {file: found for file, found in theirs.items() if file not in refused}
    said = {code for found in (*ours.values(), *theirs.values()) for _, code in found}
    codes = sorted({code for code in known_codes() if code.startswith("DL")} | said - {SYNTAX})
    result = compare(ours, accepted, [code for code in codes if code != SYNTAX])

    print(f"{len(files)} files; {len(accepted)} that hadolint can parse are compared")
    both_refuse = sum(has_syntax_error(ours.get(file, set())) for file in refused)
    print(
        f"syntax errors: both {both_refuse}, only hadolint {len(refused) - both_refuse}, only secpipe {len(only_ours)}"
    )
    print(f"hadolint crashed on {len(ours.keys() - theirs.keys())}\n")
    print(f"{'rule':8}{'both':>8}{'secpipe':>9}{'hadolint':>10}{'agreed':>9}")
    totals = {family: Agreement() for family in ("DL", "SC", "all")}
    for code, agreement in result.items():
        print(_row(code, agreement))
        for family in (code[:2], "all"):
            totals[family].both += agreement.both
            totals[family].ours += agreement.ours
            totals[family].theirs += agreement.theirs
    for family, total in totals.items():
        print(_row(family, total))
    for code, agreement in result.items():
        if args.rule in (None, code):
            _list(f"{code} only hadolint", agreement.theirs, args.limit)
            _list(f"{code} only secpipe", agreement.ours, args.limit)
    if args.rule in (None, SYNTAX):
        clean = [(f, 0, SYNTAX) for f in sorted(refused) if not has_syntax_error(ours.get(f, set()))]
        _list(f"{SYNTAX} only hadolint", clean, args.limit)
        _list(f"{SYNTAX} only secpipe", [(f, 0, SYNTAX) for f in only_ours], args.limit)


def _row(name: str, agreement: Agreement) -> str:
    counts = f"{len(agreement.both):8}{len(agreement.ours):9}{len(agreement.theirs):10}"
    return f"{name:8}{counts}{agreement.share:9.2%}"


def _list(title: str, places: Sequence[tuple[str, int, str]], limit: int) -> None:
    if places:
        print(f"\n{title}: {len(places)}")
        for file, line, _ in places[:limit]:
            print(f"  {file}:{line}")
        if len(places) > limit:
            print(f"  and {len(places) - limit} more")


if __name__ == "__main__":
    main()
