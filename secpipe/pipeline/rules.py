"""`rules`: what there is to say about a rule, from its file and from what its check does with the examples there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.source import decode
from secpipe.errors import UsageError
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.examples import examples
from secpipe.lint.rules import document, known_codes, nearest, rule
from secpipe.model.lint import LintFinding, Rule
from secpipe.model.location import Region
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_SHELLCHECK = lazy(r"SC\d{4}")
_PREFIX = lazy(r"[A-Z]+\d*")

Fixable = Literal["safe", "unsafe", "no"]


class Example(NamedTuple):
    """A Dockerfile that breaks the rule, the words that do, and what it should be (None when that is not said)."""

    dockerfile: str
    regions: tuple[Region, ...]
    fixed: str | None


class Page(NamedTuple):
    """A rule and its documentation. A rule of ShellCheck's has no examples here."""

    rule: Rule
    fixable: Fixable
    references: tuple[str, ...] = ()
    settings: dict[str, Any] | None = None
    """What the examples are linted with besides the defaults, as the configuration spells it."""
    bad: Example | None = None
    good: str | None = None


def page(code: str) -> Page:
    """The page of one rule, whose code must be known."""
    if _SHELLCHECK.fullmatch(code):
        return Page(rule(code), "no")
    found = document(code)
    shown = examples(code)
    bad = shown.bad[0]
    return Page(
        rule(code),
        fixable(code),
        tuple(found.get("references", ())),
        found["examples"].get("options"),
        Example(bad.dockerfile, tuple(f.region for f in _findings(code, bad.dockerfile)), bad.fixed),
        shown.good[0],
    )


def chosen(words: Iterable[str]) -> tuple[list[str], bool]:
    """The codes that are meant, sorted, and whether each was named in full; a word may be a code or its beginning.

    No word means every rule. Raises `UsageError` for one that begins no code.
    """
    codes: set[str] = set()
    exact = True
    for word in words:
        wanted = word.strip().upper()
        if wanted in known_codes() or _SHELLCHECK.fullmatch(wanted):
            codes.add(wanted)
            continue
        exact = False
        begun = [code for code in known_codes() if code.startswith(wanted)] if wanted else []
        if not begun:
            raise UsageError(f"no rule has the code {word!r}", _hint(wanted))
        codes.update(begun)
    return sorted(codes or known_codes()), exact and bool(codes)


def _hint(wanted: str) -> str:
    if wanted.startswith("SC") and _PREFIX.fullmatch(wanted):
        return "name one of ShellCheck's in full, such as SC2086; https://www.shellcheck.net/wiki/ lists them"
    near = nearest(wanted)
    return f"did you mean {near}?" if near else "`secpipe rules` lists them all"


def fixable(code: str) -> Fixable:
    """Whether findings in the examples come with a fix; safe when one of them is."""
    best: Fixable = "no"
    for bad in examples(code).bad:
        for finding in _findings(code, bad.dockerfile):
            if finding.fix and finding.fix.safe:
                return "safe"
            if finding.fix:
                best = "unsafe"
    return best


def _findings(code: str, text: str) -> list[LintFinding]:
    dockerfile = parse(decode(text.encode(), "Dockerfile"))
    options = examples(code).options._replace(select=frozenset({code}), extend_select=frozenset())
    found = lint_dockerfile(dockerfile, pragmas(dockerfile), options)
    return [finding for finding in found if finding.code == code]
