"""What stages pass on: down to those based on them, up to those that they are based on, across by COPY."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.source import source
from secpipe.lint import stages

CHAIN = parse(source("FROM a AS x\nFROM x AS y\nFROM Y\nFROM b\nFROM x\n", "f"))


def test_those_based_on_a_stage_have_what_it_has() -> None:
    assert stages.inheriting(CHAIN, {1}) == {1, 2}
    assert stages.inheriting(CHAIN, {0}) == {0, 1, 2, 4}


def test_a_stage_leads_to_those_based_on_it() -> None:
    assert stages.leading_to(CHAIN, {2}) == {0, 1, 2}
    assert stages.leading_to(CHAIN, {3}) == {3}


def test_a_stage_serves_only_when_all_that_is_based_on_it_does() -> None:
    assert stages.serving_only(CHAIN, {2}) == {1, 2}
    assert stages.serving_only(CHAIN, {2, 4}) == {0, 1, 2, 4}
    assert stages.serving_only(CHAIN, {4}) == {4}
    assert stages.serving_only(CHAIN, {1}) == {1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("COPY --from=one a b", {0}),
        ("COPY --from=ONE a b", {0}),
        ("COPY --from=1 a b", {1}),
        ("COPY --from=alpine:3.20 a b", set()),
        ("COPY --from=$X a b", set()),
        ("COPY --from=9 a b", set()),
        ("COPY a b", set()),
        ("RUN --mount=from=two,target=/x --mount=type=cache,from=0,target=/y a", {0, 1}),
        ("FROM c AS one\nFROM d\nCOPY --from=one a b", {2}),
    ],
)
def test_stages_that_files_are_taken_from(line: str, expected: set[int]) -> None:
    text = f"FROM a AS One\nFROM b AS two\nFROM c\n{line}\n".replace("FROM c\nFROM c AS", "FROM c AS")
    assert stages.copied_from(parse(source(text, "f"))) == expected
