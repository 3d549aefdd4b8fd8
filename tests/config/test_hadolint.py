"""hadolint's file and variables are read as hadolint reads them, and what it passes over is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from secpipe.config import Loaded, lint_settings
from secpipe.config.hadolint import KEYS
from secpipe.config.settings import LintSettings
from secpipe.errors import UsageError
from secpipe.model.severity import Level
from secpipe.pipeline.lint import lint
from tests.support.hadolint import HADOLINT, needs_hadolint

YAML = """\
failure-threshold: none
format: json
formats: [tty, json]
ignored: [DL3000, SC1010]
label-schema: {author: text, contact: email}
no-color: true
no-fail: true
verbose: on
override:
  error: [DL3001, DL3002]
  warning: [DL3042, DL3002]
  info: [DL3033]
  style: [DL3015]
strict-labels: true
disable-ignore-pragma: true
trustedRegistries: [docker.io, "*.gcr.io"]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work/.git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def load(environ: dict[str, str] | None = None, **options: Any) -> Loaded:
    return lint_settings(environ=environ or {}, **options)


def test_every_key(here: Path) -> None:
    (here / ".hadolint.yaml").write_text(YAML)
    assert all(f"{key}:" in YAML for key in KEYS)
    assert load() == Loaded(
        LintSettings(
            failure_threshold=Level.IGNORE,
            format=("json", "tty"),
            ignore=frozenset({"DL3000", "SC1010"}),
            label_schema={"author": "text", "contact": "email"},
            no_color=True,
            no_fail=True,
            verbose=True,
            levels={
                "DL3001": Level.ERROR,
                "DL3002": Level.ERROR,
                "DL3042": Level.WARNING,
                "DL3033": Level.INFO,
                "DL3015": Level.STYLE,
            },
            strict_labels=True,
            disable_ignore_pragma=True,
            trusted_registries=("docker.io", "*.gcr.io"),
        ),
        Path(".hadolint.yaml"),
    )


def test_every_variable() -> None:
    environ = {
        "HADOLINT_NOFAIL": "YES",
        "HADOLINT_VERBOSE": "y",
        "HADOLINT_STRICT_LABELS": "on",
        "HADOLINT_DISABLE_IGNORE_PRAGMA": "1",
        "HADOLINT_FORMAT": "json",
        "HADOLINT_FAILURE_THRESHOLD": "error",
        "HADOLINT_OVERRIDE_ERROR": "DL3001,DL3002",
        "HADOLINT_OVERRIDE_WARNING": "DL3042, DL3002",
        "HADOLINT_OVERRIDE_INFO": "DL3033",
        "HADOLINT_OVERRIDE_STYLE": "DL3015",
        "HADOLINT_IGNORE": "DL3000,SC1010",
        "HADOLINT_TRUSTED_REGISTRIES": "docker.io,*.gcr.io",
        "HADOLINT_REQUIRE_LABELS": "author:text,contact:email",
        "HADOLINT_VERSION": "2.12.0",
    }
    assert load(environ) == Loaded(
        LintSettings(
            no_fail=True,
            verbose=True,
            strict_labels=True,
            disable_ignore_pragma=True,
            format=("json",),
            failure_threshold=Level.ERROR,
            levels={
                "DL3001": Level.ERROR,
                "DL3002": Level.ERROR,
                "DL3042": Level.WARNING,
                "DL3033": Level.INFO,
                "DL3015": Level.STYLE,
            },
            ignore=frozenset({"DL3000", "SC1010"}),
            trusted_registries=("docker.io", "*.gcr.io"),
            label_schema={"author": "text", "contact": "email"},
        )
    )


@pytest.mark.parametrize("word", ["0", "no", "N", "off", "False"])
def test_a_variable_can_say_no(word: str) -> None:
    assert load({"HADOLINT_NOFAIL": word}) == Loaded(LintSettings(no_fail=False))
    (said,) = load({"HADOLINT_NOFAIL": "perhaps"}).warnings
    assert said.startswith("HADOLINT_NOFAIL: 'perhaps' is taken as false")


def test_what_hadolint_passes_over_is_told(here: Path) -> None:
    (here / ".hadolint.yaml").write_text(
        "ignore: [DL3003]\nignored: [DL3003, DL30O8]\noverride:\n  fatal: [DL3001]\n  info: [DL308]\nzz: 1\n"
    )
    loaded = load({"HADOLINT_IGNORE": "DL99"})
    assert loaded.settings == LintSettings(ignore=frozenset({"DL3003"}))
    assert loaded.warnings == (
        "HADOLINT_IGNORE: DL99 is no rule (did you mean DL3009?)",
        ".hadolint.yaml:1: hadolint has no key ignore (did you mean ignored?)",
        ".hadolint.yaml:6: hadolint has no key zz",
        ".hadolint.yaml:2: ignored: DL30O8 is no rule (did you mean DL3008?)",
        ".hadolint.yaml:4: hadolint has no key override.fatal",
        ".hadolint.yaml:5: override.info: DL308 is no rule (did you mean DL3008?)",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ignored: {a: b}\n", "1: ignored: a mapping instead of a list"),
        ("no-fail: perhaps\n", "1: no-fail: 'perhaps' instead of true or false"),
        ("label-schema: {a: words}\n", "1: label-schema.a: 'words' is no type of a label"),
        ("ignored: [\n", "2:1: no valid YAML"),
        ("- x\n", "1: a list instead of a mapping"),
    ],
)
def test_a_file_that_hadolint_cannot_parse_is_an_error(here: Path, text: str, message: str) -> None:
    (here / ".hadolint.yaml").write_text(text)
    with pytest.raises(UsageError) as error:
        load()
    assert error.value.message.startswith(f".hadolint.yaml:{message}")


@pytest.mark.parametrize("text", ["", "---\n", "ignored:\noverride:\n  error:\n"])
def test_an_empty_file_says_nothing(here: Path, text: str) -> None:
    (here / ".hadolint.yaml").write_text(text)
    assert load().settings == LintSettings()


def test_places(here: Path) -> None:
    home = here.parent / "home"
    places = [
        here / ".hadolint.yaml",
        here / ".hadolint.yml",
        home / "xdg/hadolint.yaml",
        home / "xdg/hadolint.yml",
        home / ".hadolint/hadolint.yaml",
        home / ".hadolint/config.yml",
        home / ".hadolint.yaml",
    ]
    environ = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "xdg")}
    for number, place in reversed(list(enumerate(places))):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"ignored: [SC100{number}]\n")
        assert load(environ).settings.ignore == {f"SC100{number}"}
    (here.parent / ".hadolint.yaml").write_text("ignored: [DL3003]\n")
    (home / ".config").mkdir()
    (home / ".config/hadolint.yaml").write_text("ignored: [SC2000]\n")
    (here / ".hadolint.yaml").unlink()
    (here / ".hadolint.yml").unlink()
    assert load({"HOME": str(home)}).settings.ignore == {"SC2000"}
    assert load({}).settings == LintSettings()


def test_ours_comes_first(here: Path) -> None:
    (here / ".hadolint.yaml").write_text("ignored: [DL3003]\n")
    assert load().settings.ignore == {"DL3003"}
    (here / ".secpipe.yaml").write_text("lint: {ignore: DL3008}\n")
    assert load().settings.ignore == {"DL3008"}
    assert load(search_files=False).settings == LintSettings()


@pytest.mark.parametrize(
    ("name", "text", "codes"),
    [
        ("hadolint.yaml", "ignored: [DL3003]", {"DL3003"}),
        (".hadolint.ci.yaml", "ignored: [DL3003]", {"DL3003"}),
        ("x.yaml", "ignored: [DL3003]", {"DL3003"}),
        ("x.yaml", "lint: {ignore: [DL3003]}", {"DL3003"}),
        ("secpipe.yaml", "lint: {ignore: [DL3003]}", {"DL3003"}),
        ("secpipe.toml", "[lint]\nignore = ['DL3003']", {"DL3003"}),
        ("x.toml", "[tool.secpipe.lint]\nignore = ['DL3003']", {"DL3003"}),
        ("x.yaml", "", set()),
    ],
)
def test_a_named_file_is_told_apart(here: Path, name: str, text: str, codes: set[str]) -> None:
    (here / name).write_text(text)
    assert load(file=Path(name)).settings.ignore == codes


def test_sources_come_together(here: Path) -> None:
    (here / ".hadolint.yaml").write_text(
        "ignored: [DL3003]\nfailure-threshold: info\noverride: {error: [DL3008, DL3009]}\n"
    )
    environ = {
        "HADOLINT_IGNORE": "DL3002",
        "HADOLINT_FAILURE_THRESHOLD": "error",
        "HADOLINT_NOFAIL": "1",
        "SECPIPE_LINT_IGNORE": "DL3007",
        "SECPIPE_LINT_LEVELS": "DL3008=info",
    }
    assert load(environ).settings == LintSettings(
        ignore=frozenset({"DL3002", "DL3003", "DL3007"}),
        failure_threshold=Level.INFO,
        no_fail=True,
        levels={"DL3008": Level.INFO, "DL3009": Level.ERROR},
    )


def test_select_replaces_what_was_selected() -> None:
    lower = LintSettings(select=frozenset({"all"}), extend_select=frozenset({"SP"}), format=("json",))
    upper = LintSettings(select=frozenset({"DL3008"}), format=("tty",))
    assert upper.over(lower) == upper
    more = LintSettings(extend_select=frozenset({"DL3057"}))
    assert more.over(lower) == LintSettings(
        select=frozenset({"all"}), extend_select=frozenset({"SP", "DL3057"}), format=("json",)
    )


@needs_hadolint
@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("ignored: [DL3003]\noverride: {error: [DL3009], style: [DL3008, DL3009]}\n", {}),
        ("ignored: [DL3003]\n", {"HADOLINT_IGNORE": "DL3006", "HADOLINT_OVERRIDE_INFO": "DL3008"}),
        ("label-schema: {who: email, what: text}\nstrict-labels: true\n", {}),
        ("trustedRegistries: [quay.io]\ndisable-ignore-pragma: true\n", {}),
        (
            "disable-ignore-pragma: true\noverride: {info: [DL1001, DL3057]}\n",
            {"HADOLINT_REQUIRE_LABELS": "a:text"},
        ),
    ],
)
def test_hadolint_says_the_same(here: Path, text: str, environ: dict[str, str]) -> None:
    (here / ".hadolint.yaml").write_text(text)
    (here / "Dockerfile").write_text(
        "FROM debian\nLABEL who=me other=x\n# hadolint ignore=DL3008\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends curl\nRUN cd /x && true\nUSER 1000\n"
    )
    done = subprocess.run(
        [str(HADOLINT), "-f", "json", "Dockerfile"],
        capture_output=True,
        text=True,
        env=environ,
    )
    settings = LintSettings(select=frozenset({"hadolint"}), shellcheck="off").over(load(environ).settings)
    ours = {(f.code, str(f.level)) for f in lint(["Dockerfile"], settings.options()).findings}
    assert ours == {(each["code"], each["level"]) for each in json.loads(done.stdout)}
