"""Which findings of a scan an earlier one had, whatever became of versions, layers and names since (docs/gate.md)."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from secpipe.model.baseline import Mark, mark
from secpipe.model.scan import Finding
from secpipe.policy.gate import ENDED, FailOn, Gate
from secpipe.policy.terms import Term

_Keys = Callable[[Mark], Iterable[Hashable]]
# From the narrowest to the widest: a finding that moved, or whose vulnerability got another name, takes what is left over.
_PASSES: Sequence[_Keys] = (
    lambda one: [(one.package, one.names[0], one.path)],
    lambda one: [(one.package, one.names[0])],
    lambda one: [(one.package, name, one.path) for name in one.names],
    lambda one: [(one.package, name) for name in one.names],
)


def pairs(old: Sequence[Mark], new: Sequence[Mark]) -> list[int | None]:
    """For each of the new ones the position of the old one that it was; None where there is none.

    The vulnerability (by any of its names) and the package have to be the same. Each old one is taken once: a second
    copy of a package is another finding, and one that moved to another path is not. Platforms are compared when both
    sides have them.
    """
    told = any(one.platform for one in old) and any(one.platform for one in new)
    left = set(range(len(old)))
    found: list[int | None] = [None] * len(new)
    for keys in _PASSES:
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for position in sorted(left):
            for key in keys(old[position]):
                waiting[old[position].platform if told else "", key].append(position)
        for number, one in enumerate(new):
            if found[number] is not None:
                continue
            for key in keys(one):
                queue = waiting.get((one.platform if told else "", key), deque())
                while queue and queue[0] not in left:
                    queue.popleft()
                if queue:
                    left.remove(queue[0])
                    found[number] = queue.popleft()
                    break
    return found


def compared(findings: Sequence[Finding], known: Sequence[Mark]) -> tuple[Finding, ...]:
    """The findings, each of which knows whether it is new and whether it changed."""
    marks = [mark(finding) for finding in findings]
    return tuple(
        replace(
            finding, new=position is None, updated=position is not None and _changed(known[position], one)
        )
        for finding, one, position in zip(findings, marks, pairs(known, marks), strict=True)
    )


def _changed(old: Mark, new: Mark) -> bool:
    return (old.version, old.fixed_version, old.severity) != (new.version, new.fixed_version, new.severity)


def about_new(gate: Gate) -> Gate:
    """The gate of a scan with a baseline: every alternative is about what is new, unless one says so itself.

    What is about the image (`eol`) and `none` stay as they are.
    """
    if any(Term.NEW in one.terms for one in gate):
        return gate
    return tuple(
        one
        if one.severity is FailOn.NONE or one == ENDED
        else replace(one, terms=tuple(term for term in Term if term in {*one.terms, Term.NEW}))
        for one in gate
    )
