"""Our own configuration: where it is found, what it may say, and how each mistake is told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.config import Loaded, lint_settings
from secpipe.config.own import LINT, SCAN
from secpipe.config.scan import scan_settings
from secpipe.config.settings import LintSettings
from secpipe.errors import UsageError
from secpipe.model.severity import Level
from secpipe.pipeline.patterns import Patterns

YAML = """\
lint:
  select: [default, SP]
  extend-select: DL3057
  ignore: [dl3008, SC2]
  levels:
    DL3003: error
    DL3057: info
  failure-threshold: warning
  no-fail: true
  trusted-registries: [docker.io, "*.example.com"]
  label-schema:
    maintainer: text
    created: rfc3339
  strict-labels: yes
  disable-ignore-pragma: false
  shellcheck: off
  jobs: 2
  exclude: [/vendor/, "*.old"]
  per-file-ignores:
    tests/: [DL3007, SP1]
  format: json
  no-cache: true
  no-color: true
"""
TOML = """\
[tool.other]
x = 1

[tool.secpipe.lint]
select = ["default", "SP"]
extend-select = ["DL3057"]
ignore = ["dl3008", "SC2"]
failure-threshold = "warning"
no-fail = true
trusted-registries = ["docker.io", "*.example.com"]
strict-labels = true
disable-ignore-pragma = false
shellcheck = false
jobs = 2
exclude = ["/vendor/", "*.old"]
format = "json"
no-cache = true
no-color = true
levels = { DL3003 = "error", DL3057 = "info" }

[tool.secpipe.lint.label-schema]
maintainer = "text"
created = "rfc3339"

[tool.secpipe.lint.per-file-ignores]
"tests/" = ["DL3007", "SP1"]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(environ: dict[str, str] | None = None, **options: Any) -> Loaded:
    return lint_settings(environ=environ or {}, **options)


def everything(folder: Path) -> LintSettings:
    return LintSettings(
        select=frozenset({"default", "SP"}),
        extend_select=frozenset({"DL3057"}),
        ignore=frozenset({"DL3008", "SC2"}),
        levels={"DL3003": Level.ERROR, "DL3057": Level.INFO},
        failure_threshold=Level.WARNING,
        no_fail=True,
        trusted_registries=("docker.io", "*.example.com"),
        label_schema={"maintainer": "text", "created": "rfc3339"},
        strict_labels=True,
        disable_ignore_pragma=False,
        shellcheck="off",
        jobs=2,
        exclude=(Patterns(str(folder), ("/vendor/", "*.old")),),
        per_file_ignores=((Patterns(str(folder), ("tests/",)), frozenset({"DL3007", "SP1"})),),
        format=("json",),
        no_cache=True,
        no_color=True,
    )


@pytest.mark.parametrize(
    ("name", "text"), [(".secpipe.yaml", YAML), (".secpipe.yml", YAML), ("pyproject.toml", TOML)]
)
def test_every_key(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    assert load() == Loaded(everything(here), Path(name))
    assert all(f"{key}:" in YAML for key in LINT)


def test_the_readme_shows_every_key(here: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (block,) = (
        text for text in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if text.startswith("lint:")
    )
    (here / ".secpipe.yaml").write_text(block)
    assert load().settings.failure_threshold is Level.WARNING
    assert re.findall(r"^  ([a-z-]+):", block, re.MULTILINE) == [*LINT, *SCAN]
    assert scan_settings(here / ".secpipe.yaml", environ={}).max_db_age == 7


def test_every_variable(here: Path) -> None:
    environ = {
        "SECPIPE_LINT_SELECT": "default,SP",
        "SECPIPE_LINT_EXTEND_SELECT": "DL3057",
        "SECPIPE_LINT_IGNORE": "dl3008, SC2",
        "SECPIPE_LINT_LEVELS": "DL3003=error,DL3057=info",
        "SECPIPE_LINT_FAILURE_THRESHOLD": "warning",
        "SECPIPE_LINT_NO_FAIL": "1",
        "SECPIPE_LINT_TRUSTED_REGISTRIES": "docker.io,*.example.com",
        "SECPIPE_LINT_LABEL_SCHEMA": "maintainer:text,created=rfc3339",
        "SECPIPE_LINT_STRICT_LABELS": "yes",
        "SECPIPE_LINT_DISABLE_IGNORE_PRAGMA": "off",
        "SECPIPE_LINT_SHELLCHECK": "off",
        "SECPIPE_LINT_JOBS": "2",
        "SECPIPE_LINT_EXCLUDE": "/vendor/,*.old",
        "SECPIPE_LINT_PER_FILE_IGNORES": "tests/=DL3007,tests/=SP1",
        "SECPIPE_LINT_FORMAT": "json",
        "SECPIPE_LINT_NO_CACHE": "1",
        "SECPIPE_LINT_NO_COLOR": "on",
    }
    assert len(environ) == len(LINT)
    assert load(environ).settings == everything(here)
    assert load({"SECPIPE_SHELLCHECK": "off", "SECPIPE_LINT_IGNORE": ""}).settings == LintSettings(
        shellcheck="off"
    )


def test_the_nearest_file_counts(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a/b").mkdir(parents=True)
    (here / ".secpipe.yaml").write_text("lint: {jobs: 1}")
    (here / "a/pyproject.toml").write_text("[tool.secpipe.lint]\njobs = 2")
    (here / "a/b/pyproject.toml").write_text("[tool.secpipes.lint]\njobs = 3")
    monkeypatch.chdir(here / "a/b")
    assert (load().settings.jobs, load().file) == (2, Path("../pyproject.toml"))
    (here / "a/.secpipe.yaml").write_text("lint: {jobs: 4, exclude: x}")
    assert load().settings == LintSettings(jobs=4, exclude=(Patterns(str(here / "a"), ("x",)),))
    assert load(folder=here).settings.jobs == 1
    assert load(search_files=False).file is None


@pytest.mark.parametrize(
    "text",
    [
        "[tool.secpipe.lint]\njobs = 2",
        "[ tool . secpipe . lint ]\njobs = 2",
        "['tool'.\"secpipe\"]\nlint.jobs = 2",
        "[tool]\nother = 1\nsecpipe.lint = {jobs = 2}",
        '  [ "tool" ]\nsecpipe.lint.jobs = 2',
        "tool.secpipe.lint.jobs = 2",
        "'tool' = {\"secpipe\" = {lint = {jobs = 2}}}",
        '["\\u0074ool"."s\\U00000065cpipe".lint]\njobs = 2',
        "[tool.secpipe]\r\nlint.jobs = 2\r\n",
    ],
)
def test_the_table_is_found_however_it_is_written(here: Path, text: str) -> None:
    (here / "pyproject.toml").write_text(text, newline="")
    assert load().settings.jobs == 2


def test_a_pyproject_that_only_depends_on_us_is_not_ours(here: Path) -> None:
    (here / "pyproject.toml").write_text("[dependency-groups]\ndev = ['secpipe']\n[tool.x]\ny = 1\n[broken")
    assert load().file is None


def test_the_search_ends_at_the_repository_and_at_home(here: Path) -> None:
    (here / "repo/.git").mkdir(parents=True)
    (here / "home/work").mkdir(parents=True)
    (here / ".git").rmdir()
    (here / ".secpipe.yaml").write_text("lint: {jobs: 1}")
    assert load(folder=here / "repo").file is None
    assert load({"HOME": str(here / "home")}, folder=here / "home/work").file is None
    assert load({"HOME": str(here)}, folder=here / "home/work").settings.jobs == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "lint:\n", "lint:\n  ignore:\n"])
def test_a_file_may_say_nothing(here: Path, text: str) -> None:
    (here / ".secpipe.yaml").write_text(text)
    assert load() == Loaded(LintSettings(), Path(".secpipe.yaml"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("lint:\n  ignroe: []\n", "2: unknown key lint.ignroe", "did you mean ignore?"),
        ("lint:\n  zzz: []\n", "2: unknown key lint.zzz", "the keys are disable-ignore-pragma, exclude"),
        ("\nlin: {}\n", "2: unknown key lin", "did you mean lint?"),
        ("ignore: [DL3008]\n", "1: unknown key ignore", "it belongs into lint: lint.ignore"),
        (
            "lint:\n  ignore:\n    - DL3003\n    - DL30O8\n",
            "4: lint.ignore: DL30O8 is no rule",
            "did you mean DL3008?",
        ),
        (
            "lint:\n  select: [hadolnt]\n",
            "2: lint.select: 'hadolnt' is no rule and no preset",
            "did you mean hadolint?",
        ),
        ("lint:\n  ignore: [all]\n", "2: lint.ignore: ALL is no rule", "codes look like"),
        (
            "lint:\n  levels: {DL3O03: info}\n",
            "2: lint.levels.DL3O03: DL3O03 is no rule",
            "did you mean DL3003?",
        ),
        ("lint:\n  levels: {DL30: info}\n", "2: lint.levels.DL30: DL30 is no rule", "did you mean"),
        (
            "lint:\n  levels: {DL3003: eror}\n",
            "2: lint.levels.DL3003: 'eror' is no level",
            "did you mean error?",
        ),
        ("lint:\n  levels: [DL3003]\n", "2: lint.levels: a list instead of a mapping", "give a mapping"),
        (
            "lint:\n  no-fail: perhaps\n",
            "2: lint.no-fail: 'perhaps' instead of true or false",
            "give true or false",
        ),
        ("lint:\n  select: []\n", "2: lint.select: this selects no rule", "name a rule"),
        ("lint:\n  format: xml\n", "2: lint.format: unknown format 'xml' for lint", "use one of"),
        ("lint:\n  jobs: 0\n", "2: lint.jobs: '0' instead of a whole number", "give a whole number"),
        ("lint:\n  jobs: true\n", "2: lint.jobs: 'true' instead of a whole number", "give a whole number"),
        ("lint:\n  ignore: {DL3003: 1}\n", "2: lint.ignore: a mapping instead of a list", "give a list"),
        ("lint:\n  ignore: [[DL3003]]\n", "2: lint.ignore: a list instead of one value", "give one value"),
        ("lint:\n  format: ''\n", "2: lint.format: an empty value", "give a value"),
        (
            "lint:\n  label-schema: {a: uri}\n",
            "2: lint.label-schema.a: 'uri' is no type of a label",
            "did you mean url?",
        ),
        (
            "lint:\n  failure-threshold: fatal\n",
            "2: lint.failure-threshold: 'fatal' is no level",
            "use one of error",
        ),
        ("lint:\n  jobs: 1\n  jobs: 2\n", "3: lint.jobs: this key stands here twice", "remove one"),
        ("- lint\n", "1: a list instead of a mapping", "give a mapping"),
        ("lint: x\n", "1: lint: 'x' instead of a mapping", "give a mapping"),
        ("lint: [\n", "2:1: no valid YAML: ", "mend the file"),
        ("lint: &a [*b]\n", "1:11: no valid YAML: found undefined alias", "mend the file"),
        ("a: 1\n---\nb: 2\n", "2:1: no valid YAML: ", "mend the file"),
        ("? [x]\n: 1\n", "1: a key that is no text", "mend the file"),
        ("lint: &a\n  ignore: *a\n", "", ""),
        ("x: " + "[" * 400 + "]" * 400, "1: nested too deeply", "mend the file"),
        ("[" * 200000, "1: nested too deeply", "mend the file"),
        ("- " * 100000, "1: nested too deeply", "mend the file"),
        ("lint: \x00", "", "mend the file"),
    ],
)
def test_mistakes(here: Path, text: str, message: str, hint: str) -> None:
    (here / ".secpipe.yaml").write_text(text)
    with pytest.raises(UsageError) as error:
        load()
    assert error.value.message.startswith(f".secpipe.yaml:{message}")
    assert error.value.hint.startswith(hint)
    assert error.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.secpipe.lint]\njobs = 1\nignroe = []\n", "3: unknown key lint.ignroe"),
        ("[tool.secpipe]\nlint = 3\n", "2: lint: '3' instead of a mapping"),
        ("tool.secpipe.lint.jobs = 0\n", " lint.jobs: '0' instead of"),
        ("[tool.secpipe.lint]\njobs =\n", "2:7: no valid TOML: Invalid value"),
        ("[tool.secpipe.lint\n", "1:19: no valid TOML: "),
        ("[tool.secpipe]\na" + ".a" * 100000 + " = 1\n", " a key of more than 500 parts"),
        ("[tool.secpipe]\na" + ".a" * 400 + " = 1\n", "1: nested too deeply"),
        ("[tool.secpipe]\na = " + "[" * 80 + "]" * 80, "2: nested too deeply"),
        ("[tool.secpipe.lint]\nignore = ['DL3003', 'DL3O08']\n", "2: lint.ignore: DL3O08 is no rule"),
        ("[tool.secpipe]\na = " + "{a = " * 5000, " no valid TOML: "),
        ("[tool.secpipe.lint.levels]\n\nDL3003 = 'x'\n", "3: lint.levels.DL3003: 'x' is no level"),
    ],
)
def test_mistakes_in_toml(here: Path, text: str, message: str) -> None:
    (here / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError) as error:
        load()
    assert error.value.message.startswith(f"pyproject.toml:{message}")
    assert error.value.hint


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        (
            "SECPIPE_LINT_IGNROE",
            "DL3008",
            "SECPIPE_LINT_IGNROE: no such setting",
            "did you mean SECPIPE_LINT_IGNORE?",
        ),
        (
            "SECPIPE_LINT_EXTENDSELECT",
            "x",
            "SECPIPE_LINT_EXTENDSELECT: no",
            "did you mean SECPIPE_LINT_EXTEND_SELECT?",
        ),
        ("SECPIPE_LINT_IGNORE", "DL30O8", "SECPIPE_LINT_IGNORE: DL30O8 is no rule", "did you mean DL3008?"),
        ("SECPIPE_LINT_LEVELS", "DL3008", "SECPIPE_LINT_LEVELS: 'DL3008' is no pair", "write pairs"),
        ("SECPIPE_LINT_LEVELS", "DL3008=info,DL3008=error", "SECPIPE_LINT_LEVELS: a list instead of", "give"),
        ("SECPIPE_SHELLCHECK", "of", "SECPIPE_SHELLCHECK: 'of' is no use of ShellCheck", "did you mean off?"),
    ],
)
def test_mistakes_in_variables(name: str, value: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load({name: value})
    assert error.value.message.startswith(message)
    assert error.value.hint.startswith(hint)


def test_what_cannot_be_read_is_told(here: Path) -> None:
    (here / ".secpipe.yaml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        load()
    (here / ".secpipe.yaml").unlink()
    os.mkfifo(here / ".secpipe.yaml")
    with pytest.raises(UsageError, match=r"^\.secpipe\.yaml: the configuration is no file$"):
        load()
    (here / ".secpipe.yaml").unlink()
    (here / ".secpipe.yaml").write_bytes(b"lint:\n  format: \xff\n")
    with pytest.raises(UsageError, match=r"^\.secpipe\.yaml:2: the configuration is no UTF-8$"):
        load()
    (here / ".secpipe.yaml").write_bytes(b" " * (1 << 21))
    with pytest.raises(UsageError, match="more than 1048576 bytes"):
        load()
    with pytest.raises(UsageError, match=r"^missing\.yaml: the configuration cannot be read: no such file"):
        load(file=Path("missing.yaml"))
    (here / "pyproject.toml").write_text("[tool.x]\n")
    with pytest.raises(UsageError, match=r"^pyproject\.toml: no table \[tool\.secpipe\]$"):
        load(file=Path("pyproject.toml"))


def test_many_aliases_cost_nothing(here: Path) -> None:
    lines = [
        "a: &a [x, x]",
        *(f"b{n}: &b{n} [{', '.join([f'*{last}'] * 9)}]" for n, last in enumerate(["a"])),
    ]
    lines += [f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 7)]
    (here / ".secpipe.yaml").write_text("\n".join(lines))
    with pytest.raises(UsageError, match="unknown key a"):
        load()


def settings_or_error(name: str) -> None:
    said = None
    try:
        load(file=Path(name)).settings.options()
    except UsageError as error:
        said = error
    assert said is None or (said.message.startswith(name) and said.hint)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), st.sampled_from([".secpipe.yaml", "pyproject.toml", ".hadolint.yaml"]))
def test_any_bytes_give_settings_or_an_error(here: Path, data: bytes, name: str) -> None:
    (here / name).write_bytes(data + (b"\n#secpipe" if name.endswith("toml") else b""))
    settings_or_error(name)


words = st.sampled_from(
    [*LINT, "lint", "ignored", "override", "DL3008", "on", "1", "true", "~", "error", "x"]
)
trees = st.recursive(
    words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(trees, st.sampled_from(["own.yaml", ".hadolint.yaml"]))
def test_any_tree_gives_settings_or_an_error(here: Path, tree: object, name: str) -> None:
    (here / name).write_text(f"lint: {tree!r}" if name == "own.yaml" else repr(tree))
    settings_or_error(name)
