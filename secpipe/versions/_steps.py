"""How two versions compare, step by step, from the parts that their keys are made of."""

from __future__ import annotations

from itertools import zip_longest

from secpipe.model.explanation import Comparison, Sign, Step
from secpipe.versions import InvalidVersion, Part, Scheme, scheme

_ENDED: Part = ("", "", "")


def compare(left: str, right: str, scheme_name: str) -> Comparison:
    """The parts of both versions up to the first that differs; no parts where one version has no place in the order."""
    found = scheme(scheme_name)
    try:
        steps = _steps(found, left, right)
    except InvalidVersion as error:
        return Comparison(left, right, "?", (), str(error))
    return Comparison(left, right, steps[-1].sign if steps else "=", steps, found.ORDER)


def _steps(found: Scheme, left: str, right: str) -> tuple[Step, ...]:
    a, b = found.key(left), found.key(right)
    sign: Sign = "<" if a < b else ">" if b < a else "="
    nothing: frozenset[str] = getattr(found, "NOTHING", frozenset())
    steps: list[Step] = []
    for one, other in zip_longest(found.parts(left), found.parts(right), fillvalue=_ENDED):
        if same := one[2] == other[2] or (_ENDED in (one, other) and {one[2], other[2]} & nothing):
            if one[1] or other[1]:
                steps.append(Step(_label(one, other), one[1], other[1], "="))
        else:
            steps.append(Step(_label(one, other), one[1], other[1], sign))
        if not same:
            break
    return tuple(steps)


def _label(one: Part, other: Part) -> str:
    """What the step is about: where one version has ended, what the other one goes on with."""
    if one[0] == other[0] or not other[1]:
        return one[0] if one[1] or one[0] == other[0] else other[0]
    return other[0] if not one[1] else f"{one[0]} or {other[0]}"
