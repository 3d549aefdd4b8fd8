"""Which findings of a scan an earlier one had, whatever became of versions, layers and names since (docs/gate.md)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from secpipe.model.baseline import Mark, mark
from secpipe.model.scan import Finding
from secpipe.policy.gate import ENDED, FailOn, Gate
from secpipe.policy.overrides import Gates
from secpipe.policy.pairing import paired
from secpipe.policy.terms import Term

_Sided = tuple[Mark, bool]
"""One of the old, or of the new."""


def pairs(old: Sequence[Mark], new: Sequence[Mark]) -> list[int | None]:
    """For each of the new ones the position of the old one that it was; None where there is none.

    The vulnerability and the package have to be the same. A vulnerability is when the id of one is a name of the other: a
    name that both merely have may be that of an update, which mends several. Each old one is taken once: a second copy
    of a package is another finding, and one that moved to another path is not. Platforms are compared when both sides
    have them.
    """
    told = any(one.platform for one in old) and any(one.platform for one in new)

    def where(one: Mark) -> tuple[str, str]:
        return (one.platform if told else "", one.package)

    def called(one: _Sided) -> list[tuple[str, str]]:
        """Keys that two have in common when the id of either is a name of the other."""
        its, is_old = one
        told_by_old = its.names[:1] if is_old else its.names
        told_by_new = its.names if is_old else its.names[:1]
        return [("old", name) for name in told_by_old] + [("new", name) for name in told_by_new]

    # A finding that moved, or whose vulnerability got another name, takes what is left over.
    return paired(
        [(one, True) for one in old],
        [(one, False) for one in new],
        (
            lambda one: [(where(one[0]), one[0].names[0], one[0].path)],
            lambda one: [(where(one[0]), one[0].names[0])],
            lambda one: [(where(one[0]), key, one[0].path) for key in called(one)],
            lambda one: [(where(one[0]), key) for key in called(one)],
        ),
    )


def compared(findings: Sequence[Finding], known: Sequence[Mark]) -> tuple[Finding, ...]:
    """The findings, each of which knows whether it is new and whether it changed."""
    marks = [mark(finding) for finding in findings]
    return tuple(
        replace(finding, new=position is None, updated=position is not None and changed(known[position], one))
        for finding, one, position in zip(findings, marks, pairs(known, marks), strict=True)
    )


def changed(old: Mark, new: Mark) -> bool:
    """Whether the installed version, the fixed version or the severity of a finding is another."""
    return (old.version, old.fixed_version, old.severity) != (new.version, new.fixed_version, new.severity)


def about_new(gates: Gates) -> Gates:
    """The gates of a scan with a baseline: every alternative is about what is new, unless one says so itself.

    What is about the image (`eol`) and `none` stay as they are.
    """
    if any(Term.NEW in one.terms for one in gates.conditions):
        return gates
    overrides = tuple(replace(one, gate=_about_new(one.gate)) for one in gates.overrides)
    return Gates(_about_new(gates.gate), overrides)


def _about_new(gate: Gate) -> Gate:
    return tuple(
        one
        if one.severity is FailOn.NONE or one == ENDED
        else replace(one, terms=tuple(term for term in Term if term in {*one.terms, Term.NEW}))
        for one in gate
    )
