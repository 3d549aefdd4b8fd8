"""Who is in the fleet: names of all sources, merged, and what is wrong with each."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import InvalidReference, UsageError
from secpipe.fleet import names
from secpipe.fleet.names import Asked, _reference, asked, named
from secpipe.fleet.names._values import Found
from secpipe.fleet.values import Named
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.oci import reference

DIGEST = "sha256:" + "ab" * 32


def test_kinds_are_found_by_their_names() -> None:
    assert {"image", "lines"} <= set(names.kinds())
    with pytest.raises(LookupError, match="no kind of source named '_files'"):
        named([Asked("_files", "x")])


def test_names_are_merged_in_their_canonical_form(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpine\nregistry.example/app:1\n")
    (tmp_path / "b.txt").write_text(f"docker.io/library/alpine:latest\nregistry.example/app:1@{DIGEST}\n")
    found, problems = named(asked(["index.docker.io/alpine"], [tmp_path / "b.txt", tmp_path / "a.txt"]))
    assert found == [
        Named(
            "docker.io/library/alpine:latest",
            (f"{tmp_path}/a.txt:1", f"{tmp_path}/b.txt:1", "command line"),
        ),
        Named("registry.example/app:1", (f"{tmp_path}/a.txt:2",)),
        Named(f"registry.example/app:1@{DIGEST}", (f"{tmp_path}/b.txt:2",)),
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("oci:layout", "oci: is a kind of target", "docker.io/library/oci:layout"),
        ("oci:./layout", "oci: is another kind of target", "secpipe scan"),
        ("docker:24-dind", "docker: is a kind", "write docker.io/library/docker:24-dind"),
        ("registry:2", "registry: is a kind", "write docker.io/library/registry:2"),
        ("registry:2.*", "registry: is another kind", "write docker.io/library/registry:2.*"),
        ("docker:>=24 <26", "docker: is another kind", "write docker.io/library/docker:>=24 <26"),
        ("registry.example/app:", "'' is no tag", "quote a range"),
        ("sbom:bom.json", "sbom: is a kind", "secpipe scan"),
        ("./layout", "it is a path", "secpipe scan"),
        ("/images/app.tar", "it is a path", "secpipe scan"),
        ("-", "it is a path", "secpipe scan"),
        ("C:\\images\\app.tar", "it is a path", "secpipe scan"),
        ("Alpine", "upper-case", "alpine"),
        ("registry.example/app:${TAG}", "no tag", "variables"),
        ("{{ .Values.image }}", "white space", "variables"),
        ("two words", "white space", "copy"),
        (f"{'a' * 64}", "could be an image id", "NAME@sha256:"),
    ],
)
def test_what_is_no_image_of_a_registry(text: str, message: str, hint: str) -> None:
    found, (problem,) = named(asked([text, "alpine"]))
    assert [each.reference for each in found] == ["docker.io/library/alpine:latest"]
    assert message in problem.message
    assert hint in problem.hint
    assert problem.subject == "command line"
    assert problem.coverage


def test_a_kind_that_says_registry_is_left_out() -> None:
    found, problems = named(asked(["registry:registry.example/app:1", "registry:team/app"]))
    assert [each.reference for each in found] == ["docker.io/team/app:latest", "registry.example/app:1"]
    assert not problems


def test_patterns_are_handed_on() -> None:
    for text in ("registry.example/*", "app:^1", "registry:registry.example/app:>=1 <2"):
        assert _reference.written(text, "x") == Asked("catalog", text.removeprefix("registry:"), "x")


def test_files_of_the_folder_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet is the same wherever it is scanned from."""
    (tmp_path / "alpine").mkdir()
    (tmp_path / "alpine/oci-layout").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert named(asked(["alpine"])) == ([Named("docker.io/library/alpine:latest", ("command line",))], [])


def test_standard_input_is_read_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        asked(files=[Path("-")], kubernetes=[Path("-")])
    assert [each.kind for each in asked(["-"], [Path("-")])] == ["image", "lines"]


def test_bounds(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("".join(f"registry.example/app:{number}\n" for number in range(5)))
    found, (problem,) = named(asked(files=[path]), Limits(fleet_names=4))
    assert [each.reference[-1] for each in found] == ["0", "1", "2", "3"]
    assert (problem.code, problem.coverage) == ("too-many-names", True)
    assert "fleet-names" in problem.hint
    assert named(asked(files=[path]), Limits(fleet_names=5))[1] == []
    path.write_text("A\n" * 7)
    found, problems = named(asked(files=[path]), Limits(fleet_problems=2))
    assert len(problems) == 3
    assert "5 more of this kind (the limit fleet-problems is 2)" in problems[-1].message + problems[0].message
    path.write_text("alpine\n" * 10)
    found, (problem,) = named(asked(files=[path]), Limits(fleet_bytes=69))
    assert (found, problem.code) == ([], "file-too-large")
    assert len(named(asked(files=[path]), Limits(fleet_bytes=70))[0][0].by) == 10


PARTS = st.sampled_from(
    [
        "app",
        "a-b",
        "a--b",
        "a__b",
        "registry.example",
        "registry.example:5000",
        "registry.example:0",
        "docker.io",
        "index.docker.io",
        "10.0.0.1",
        "localhost",
        "library",
        "team",
        "1.2",
        "latest",
        ":",
        "/",
        ".",
        "@",
        "sha256",
        "A",
        "_",
        "-",
        "1.Example",
    ]
)


@given(st.lists(PARTS, max_size=9).map("".join) | st.text("ab.-_:/0", max_size=20))
def test_the_short_way_is_the_long_one(text: str) -> None:
    expected: str | None
    try:
        expected = str(reference.parse(text))
    except InvalidReference:
        expected = None
    found = _reference.canonical(text, "x")
    assert (found.reference if isinstance(found, Found) else None) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_name_a_pattern_or_a_problem(text: str) -> None:
    found = _reference.written(text, "x")
    if isinstance(found, Problem):
        assert found.message.isprintable() or not text.isprintable()
