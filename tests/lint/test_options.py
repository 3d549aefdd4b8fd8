"""What is wanted of which rule."""

from __future__ import annotations

import pytest

from secpipe.lint.options import Options
from secpipe.model.severity import Level
from tests.lint.support import findings


def level(code: str, *, enabled: bool = True, **options: object) -> Level:
    sets = {
        name: frozenset(value.split()) if isinstance(value, str) else value for name, value in options.items()
    }
    return Options(**sets).level(code, Level.WARNING, enabled=enabled)  # type: ignore[arg-type]  # named as there


@pytest.mark.parametrize(
    ("code", "enabled", "options", "expected"),
    [
        ("DL3008", True, {}, Level.WARNING),
        ("DL3057", False, {}, Level.IGNORE),
        ("SP1001", True, {}, Level.WARNING),
        ("SP1001", True, {"select": "hadolint"}, Level.IGNORE),
        ("DL3008", True, {"select": "hadolint"}, Level.WARNING),
        ("SC2086", True, {"select": "hadolint"}, Level.WARNING),
        ("DL3057", False, {"select": "hadolint"}, Level.IGNORE),
        ("DL3057", False, {"select": "all"}, Level.WARNING),
        ("DL3057", False, {"select": "DL30"}, Level.IGNORE),
        ("DL3057", False, {"select": "DL3057"}, Level.WARNING),
        ("DL3057", False, {"extend_select": "DL3057"}, Level.WARNING),
        ("DL3008", True, {"select": "DL30"}, Level.WARNING),
        ("DL3008", True, {"select": "DL4 SP"}, Level.IGNORE),
        ("SP1001", True, {"select": "hadolint", "extend_select": "SP"}, Level.WARNING),
        ("DL3008", True, {"ignore": "DL3008"}, Level.IGNORE),
        ("DL3008", True, {"ignore": "DL3"}, Level.IGNORE),
        ("DL3008", True, {"ignore": "DL3008", "select": "DL3008"}, Level.IGNORE),
        ("DL3008", True, {"levels": {"DL3008": Level.STYLE}}, Level.STYLE),
        ("DL3057", False, {"levels": {"DL3057": Level.ERROR}}, Level.ERROR),
        ("DL3008", True, {"levels": {"DL3008": Level.STYLE}, "ignore": "DL3008"}, Level.IGNORE),
        ("DL1000", True, {"select": "DL3008"}, Level.WARNING),
        ("DL1000", True, {"ignore": "DL1000"}, Level.IGNORE),
    ],
)
def test_the_level_of_a_rule(code: str, enabled: bool, options: dict[str, object], expected: Level) -> None:
    assert level(code, enabled=enabled, **options) is expected


def test_what_cannot_be_wanted_is_told_from_the_code() -> None:
    assert Options().may_want("DL3057")
    assert not Options(ignore=frozenset({"DL"})).may_want("DL3057")


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, True),
        ({"select": "hadolint"}, True),
        ({"select": "DL"}, False),
        ({"select": "DL SC2086"}, True),
        ({"select": "S"}, True),
        ({"ignore": "SC"}, False),
        ({"ignore": "SC2086"}, True),
    ],
)
def test_whether_a_family_of_rules_is_wanted_at_all(options: dict[str, str], wanted: bool) -> None:
    sets = {name: frozenset(value.split()) for name, value in options.items()}
    assert Options(**sets).may_want_any("SC") is wanted  # type: ignore[arg-type]  # named as there


def test_findings_have_the_level_that_was_asked_for() -> None:
    (finding,) = findings("FROM debian\n", "DL3006", Options(levels={"DL3006": Level.STYLE}))
    assert finding.level is Level.STYLE


def test_a_rule_that_is_off_for_one_lint_is_on_for_another() -> None:
    text = "FROM debian:12\nFROM debian:12\n"
    for _ in range(2):
        assert findings(text, "DL3057") == []
        assert findings(text, "DL3057", Options(levels={"DL3057": Level.INFO}))
        assert findings(text, "DL3057", Options(extend_select=frozenset({"DL3057"})))
