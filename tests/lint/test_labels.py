"""Labels with variables, and that no label makes a rule fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.ast import Instruction
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import Pragmas
from secpipe.dockerfile.source import source
from secpipe.lint.labels import labels, misfits
from secpipe.lint.options import LABEL_TYPES, Options
from secpipe.lint.scope import Context
from tests.lint.support import findings

SCHEMA = {kind[0]: kind for kind in LABEL_TYPES}
TYPED = frozenset(f"DL30{number}" for number in range(48, 59))


def context_of(text: str, options: Options | None = None) -> tuple[Instruction, Context]:
    """The last instruction of a file with one stage, and what holds there."""
    dockerfile = parse(source(text, "f"))
    context = Context(dockerfile, Pragmas(), options or Options())
    context.enter(dockerfile.stages[0])
    for instruction in dockerfile.instructions[:-1]:
        context.take(instruction)
    return dockerfile.instructions[-1], context


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LABEL a=b c", [("a", "b")]),
        ("LABEL a=b c=", [("a", "b"), ("c", "")]),
        ("LABEL a it's", [("a", "it's")]),
        ("ENV b=c\nLABEL a=$b-${b} $b=a", [("a", "c-c"), ("c", "a")]),
        ("ARG b\nLABEL a=$b $b=a", [("a", None), (None, "a")]),
        ("LABEL a=${b:-c}", [("a", None)]),
    ],
)
def test_what_labels_are_set(text: str, expected: list[tuple[str | None, str | None]]) -> None:
    found = labels(*context_of(f"FROM a:1\n{text}\n"))
    assert [(label.name, label.value) for label in found] == expected


def test_only_known_values_of_the_kind_are_looked_at() -> None:
    options = Options(label_schema={"a": "url", "b": "email", "c": "url"})
    text = "FROM a:1\nARG x\nLABEL a=1 b=2 c=$x $x=3 d=4\n"
    (found,) = misfits(*context_of(text, options), "url")
    assert isinstance(found, tuple)
    assert found[1] == "`a` needs a whole URL: `1` is none"


@given(st.lists(st.tuples(st.sampled_from([*SCHEMA, "$x", "", "A"]), st.text(max_size=20)), max_size=5))
def test_any_label_is_judged(pairs: list[tuple[str, str]]) -> None:
    text = "FROM a:1\nENV x=y\n" + "".join(f"LABEL {key}={value}\n" for key, value in pairs)
    options = Options(extend_select=TYPED, label_schema=SCHEMA, strict_labels=True)
    for finding in findings(text, options=options):
        assert finding.message
        assert finding.region.line >= 1
