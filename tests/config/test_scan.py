"""The settings of a scan: `scan:` in a file of ours, `SECPIPE_SCAN_*`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.config.own import SCAN
from secpipe.config.scan import ScanSettings, _keys, scan_settings
from secpipe.errors import UsageError

WHOLE = """\
lint: {ignore: [DL3008]}
scan:
  fail-on:
    - critical
    - [high, fixable]
  overrides:
    - package: openssl
      path: usr/**
      fail-on: medium,fixable
    - {image: "registry.example.com/legacy/*", fail-on: [none]}
  baseline: reports/main.json
  base: debian:12
  allow-incomplete: true
  max-db-age: 0
"""


def read(folder: Path, text: str | None, environ: Mapping[str, str] | None = None) -> ScanSettings:
    (folder / ".git").mkdir(exist_ok=True)
    if text is not None:
        (folder / ".secpipe.yaml").write_text(text)
    return scan_settings(folder=folder, environ=environ or {})


def words(found: ScanSettings) -> str:
    return " | ".join(map(str, found.fail_on or ()))


def test_all_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = read(tmp_path, WHOLE)
    assert words(found) == "critical | high and fixable"
    assert [(str(o.gate[0]), o.package, o.path, o.image) for o in found.overrides] == [
        ("medium and fixable", "openssl", "usr/**", ""),
        ("none", "", "", "registry.example.com/legacy/*"),
    ]
    assert found[2:] == ("reports/main.json", "debian:12", True, 0)
    assert found.fail_on
    assert {one.source for one in found.fail_on} == {".secpipe.yaml:3"}
    assert tuple(_keys()) == SCAN


def test_a_report_is_beside_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    read(tmp_path, WHOLE)
    assert scan_settings(environ={}).baseline == "../reports/main.json"
    (tmp_path / ".secpipe.yaml").write_text("scan: {baseline: 'app:1.2'}")
    assert scan_settings(environ={}).baseline == "app:1.2"


def test_pyproject_is_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.secpipe.scan]\nfail-on = ['high']\n[[tool.secpipe.scan.overrides]]\npackage = 'a'\nfail-on = 'low'\n"
    )
    found = read(tmp_path, None)
    assert (words(found), found.overrides[0].package) == ("high", "a")


def test_hadolints_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / ".hadolint.yaml").write_text("ignored: [DL3008]")
    assert read(tmp_path, None) == ScanSettings()
    assert scan_settings(tmp_path / ".hadolint.yaml", environ={}) == ScanSettings()
    assert scan_settings(folder=tmp_path, search_files=False, environ={}) == ScanSettings()


def test_overrides_alone_leave_the_default(tmp_path: Path) -> None:
    assert words(read(tmp_path, "scan: {overrides: [{package: a, fail-on: none}]}")) == "any"


def test_the_environment_wins_with_a_gate_of_its_own(tmp_path: Path) -> None:
    environ = {"SECPIPE_SCAN_FAIL_ON": "critical  high,fixable", "SECPIPE_SCAN_MAX_DB_AGE": "3"}
    found = read(tmp_path, WHOLE, environ)
    assert (words(found), found.overrides) == ("critical | high and fixable", ())
    assert found.fail_on
    assert found.fail_on[0].source == "SECPIPE_SCAN_FAIL_ON"
    assert (found.base, found.max_db_age) == ("debian:12", 3)
    assert len(read(tmp_path, WHOLE, {"SECPIPE_SCAN_BASE": "a"}).overrides) == 2


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("scan: {fail-on: [hihg]}", ".secpipe.yaml:1: hihg: no such value", "did you mean high?"),
        ("scan:\n  fail-on: [any, none]", ".secpipe.yaml:2: none: nothing can stand beside it", "leave out"),
        ("scan: {fail-on: []}", ".secpipe.yaml:1: scan.fail-on: an empty gate", "write none"),
        ("scan: {fail-on: {a: b}}", ".secpipe.yaml:1: scan.fail-on: a mapping instead of a list", "give"),
        ("scan: {failon: high}", ".secpipe.yaml:1: unknown key scan.failon", "did you mean fail-on?"),
        ("fail-on: high", ".secpipe.yaml:1: unknown key fail-on", "it belongs into scan: scan.fail-on"),
        ("scam: {}", ".secpipe.yaml:1: unknown key scam", "did you mean scan?"),
        ("scan: {max-db-age: -1}", ".secpipe.yaml:1: scan.max-db-age: '-1' instead", "whole number"),
        ("scan: {overrides: [{package: a}]}", "no fail-on", "{package: openssl"),
        ("scan: {overrides: [{fail-on: low}]}", "no package, path or image", "{package: openssl"),
        ("scan: {overrides: [{pakage: a, fail-on: low}]}", "unknown key", "did you mean package?"),
        (
            "scan: {overrides: [{package: 'pkg:deb/debian/a@1', fail-on: low}]}",
            "more than a package",
            "without",
        ),
        ("scan: {overrides: [{package: 'pkg:deb/debian/a?arch=all', fail-on: low}]}", "more than", "without"),
        ("scan: {overrides: [{package: a, fail-on: eol}]}", "eol by itself is about an image", "high,eol"),
    ],
)
def test_what_is_wrong_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    assert message in error.value.message
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("FAIL_ON", "hihg", "SECPIPE_SCAN_FAIL_ON: hihg: no such value", "did you mean high?"),
        ("FIAL_ON", "high", "SECPIPE_SCAN_FIAL_ON: no such setting", "did you mean SECPIPE_SCAN_FAIL_ON"),
        ("OVERRIDES", "a", "SECPIPE_SCAN_OVERRIDES: no such setting", "SECPIPE_SCAN_"),
        ("ALLOW_INCOMPLETE", "maybe", "SECPIPE_SCAN_ALLOW_INCOMPLETE: 'maybe' instead", "true or false"),
    ],
)
def test_a_variable_that_is_wrong_is_an_error(
    tmp_path: Path, name: str, value: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, None, {f"SECPIPE_SCAN_{name}": value})
    assert error.value.message.startswith(message)
    assert hint in error.value.hint


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["high", "none", "fixable,new", "", "a:b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["package", "path", "image", "fail-on", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*SCAN, "y"]), _VALUES, max_size=4))
def test_any_section_is_read_or_refused(tmp_path: Path, section: object) -> None:
    import json

    with suppress(UsageError):
        read(tmp_path, json.dumps({"scan": section}))
