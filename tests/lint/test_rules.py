"""The rule files: complete, valid, found, and loaded only when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secpipe.errors import SecpipeError
from secpipe.lint import rules
from secpipe.lint.engine import checked_codes, checks_of
from secpipe.model.severity import Level

LEVELS = {
    f"DL{number}": level
    for level, numbers in {
        Level.ERROR: "1000 3000 3004 3011 3012 3020 3021 3023 3024 3026 3043 3044 3061 4000 4004",
        Level.WARNING: "3002 3003 3006 3007 3008 3013 3014 3016 3018 3022 3025 3027 3028 3029 3030 3032 3033 3034 "
        "3035 3036 3037 3038 3040 3041 3042 3045 3046 3051 3052 3053 3054 3055 3056 3058 3062 3063 "
        "3064 3065 3067 4001 4003 4005 4006",
        Level.INFO: "1001 3001 3009 3010 3015 3019 3047 3049 3050 3057 3059 3060 3066",
        Level.STYLE: "3048",
    }.items()
    for number in numbers.split()
}
"""hadolint's, which people's thresholds rely on; it keeps DL1001 and DL3057 to itself until they are given a level."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of rule files in place of the real one."""
    monkeypatch.setattr(rules, "directory", lambda: tmp_path)
    rules.document.cache_clear()
    rules.headline.cache_clear()
    rules.rule.cache_clear()
    return tmp_path


def write(folder: Path, content: object) -> None:
    import yaml

    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (folder / "DL9000.yaml").write_text(text)


def contents(**changes: Any) -> dict[str, Any]:
    texts = {field: field for field in ("summary", "rationale", "remedy")}
    bad = [{"dockerfile": "FROM a\n", "at": ["1:1-1:2"]}]
    examples = {"good": ["FROM a:1\n"], "bad": bad}
    return {"code": "DL9000", "name": "some-rule", "level": "info", **texts, "examples": examples, **changes}


@pytest.mark.parametrize("code", [code for code in rules.known_codes() if code in LEVELS])
def test_levels_are_those_that_people_know(code: str) -> None:
    assert rules.rule(code).level is LEVELS[code]


def test_each_rule_has_a_check_and_each_check_a_rule() -> None:
    assert rules.known_codes() == checked_codes()
    assert all(checks_of(code) for code in checked_codes())


def test_names_are_unique() -> None:
    names = [rules.rule(code).name for code in rules.known_codes()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("code", rules.known_codes())
def test_texts_fit_where_reports_put_them(code: str) -> None:
    found = rules.rule(code)
    assert len(found.summary) <= 100
    assert "\n" not in found.summary + found.rationale + found.remedy
    assert len(found.rationale) <= 1000
    assert found.url.startswith("https://")
    assert found.url.endswith(f"/docs/rules/{code}.md")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("DL30O8", "DL3008"),
        ("DL308", "DL3008"),
        ("DL3080", "DL3008"),
        ("dl3006", "DL3006"),
        ("DL-4006", "DL4006"),
        ("hello", None),
    ],
)
def test_the_nearest_code_of_a_misspelt_one(wrong: str, right: str | None) -> None:
    assert rules.nearest(wrong) == right


@pytest.mark.parametrize("code", rules.known_codes())
def test_the_headline_is_what_the_file_says(code: str) -> None:
    text = (rules.directory() / f"{code}.yaml").read_text()
    assert dict(rules._HEADLINE.findall(text)).keys() - {"enabled"} == {"level", "summary"}
    rule = rules.rule(code)
    assert rules.headline(code) == rules.Headline(rule.level, rule.summary, rule.enabled)


def test_a_headline_that_is_not_plain_is_read_as_yaml(folder: Path) -> None:
    write(folder, contents(summary="a: b"))
    assert rules.headline("DL9000") == rules.Headline(Level.INFO, "a: b", True)


def test_a_rule_that_is_off_says_so_in_its_headline(folder: Path) -> None:
    write(folder, contents(enabled=False))
    assert not rules.headline("DL9000").enabled
    assert not rules.rule("DL9000").enabled


def test_a_summary_that_goes_on_in_the_next_line_is_read_whole(folder: Path) -> None:
    write(
        folder,
        "summary: one\n  two\ncode: DL9000\nname: n\nlevel: info\nrationale: r\nremedy: m\n"
        "examples: {good: [FROM a], bad: [{dockerfile: x, at: []}]}\n",
    )
    assert rules.headline("DL9000") == rules.Headline(Level.INFO, "one two", True)


def test_rules_by_code_are_sorted_and_once() -> None:
    found = rules.Rules(["DL3008", "DL3003", "DL3008"])
    assert list(found) == ["DL3003", "DL3008"]
    assert len(found) == 2
    assert found["DL3008"] is rules.rule("DL3008")
    assert "DL3009" not in found


@pytest.mark.parametrize("code", ["DL3008", "DL3059", "DL3067", "DL4005", "SC2086"])
def test_codes_that_comments_may_name(code: str) -> None:
    assert rules.is_known(code)


@pytest.mark.parametrize("code", ["DL3017", "DL3068", "DL9999", "SC20860", "dl3008", ""])
def test_codes_that_are_no_rules(code: str) -> None:
    assert not rules.is_known(code)


def test_a_rule_file_is_read_into_a_rule(folder: Path) -> None:
    write(folder, contents(summary="two\nlines"))
    assert rules.rule("DL9000").summary == "two lines"
    assert rules.rule("DL9000").level is Level.INFO


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("[", "cannot be used"),
        ("[]", "not a mapping"),
        (contents(code="DL9001"), "its code is"),
        (contents(name="Some Rule"), "kebab-case"),
        (contents(level="fatal"), "unknown level"),
        (contents(enabled="no"), "neither true nor false"),
        (contents(summary=""), "no text for 'summary'"),
        (contents(remedy=["a"]), "no text for 'remedy'"),
        (contents(sumary="x"), "unknown field 'sumary'"),
        (contents(references="https://example.org"), "'references' is not a list"),
        (contents(examples={"good": []}), "needs 'good' and 'bad'"),
        (contents(examples={"good": [], "bad": [{}]}), "'good' is not a list"),
        (contents(examples={"good": ["FROM a"], "bad": []}), "'bad' is not a list"),
        (
            contents(examples={"good": ["FROM a"], "bad": [{"dockerfile": "x"}]}),
            "needs 'dockerfile' and 'at'",
        ),
        (contents(examples={"good": ["FROM a"], "bad": [{"dockerfile": "x", "at": 1}]}), "'at' a list"),
    ],
)
def test_a_broken_rule_file_says_what_is_wrong(folder: Path, content: object, fault: str) -> None:
    write(folder, content)
    with pytest.raises(SecpipeError, match=fault) as caught:
        rules.rule("DL9000")
    assert "DL9000.yaml" in caught.value.message


def test_a_missing_rule_file_is_told(folder: Path) -> None:
    for look in (rules.rule, rules.headline):
        with pytest.raises(SecpipeError, match=r"DL9000\.yaml cannot be used"):
            look("DL9000")
