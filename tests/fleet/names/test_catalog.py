"""Patterns of images: what registries have of them, and those that do not say what they have."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.fleet.names import Access, asked, catalog, named, whole
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.oci import listing
from tests.oci.archives import ONE
from tests.oci.server import Reply, Seen, Server, serving
from tests.support.registry import PASSWORD, USERNAME, Registries, push

TAGS = ["1.0.0", "1.2.0", "1.2.1-alpine", "2.0.0-rc.1", "2.0.0", "latest"]
MANY = 130
ANYBODY, ALL = Access(), Limits()


@pytest.fixture(scope="module")
def pushed(registries: Registries) -> Registries:
    """The registry with two teams' repositories, and one of many."""
    for tag in TAGS:
        push(registries.anonymous, "cat/shop/web", tag, ONE)
    push(registries.anonymous, "cat/shop/db", "latest", ONE)
    push(registries.anonymous, "cat/tools", "v1.1", ONE)
    folder = registries.storage / "docker/registry/v2/repositories/cat"
    for number in range(MANY):
        shutil.copytree(folder / "tools", folder / f"many/r{number:03}")
    shutil.rmtree(folder / "many/r000/_manifests/tags")
    return registries


@pytest.fixture
def server() -> object:
    with serving() as running:
        yield running


def found(
    address: str, *patterns: str, access: Access = ANYBODY, limits: Limits = ALL
) -> tuple[list[str], list[Problem]]:
    images, problems = named(asked([f"{address}/{pattern}" for pattern in patterns]), limits, access)
    return [each.reference.removeprefix(f"{address}/") for each in images], problems


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("cat/shop/web:*", [f"cat/shop/web:{tag}" for tag in sorted(TAGS)]),
        ("cat/shop/web:1.*", ["cat/shop/web:1.0.0", "cat/shop/web:1.2.0", "cat/shop/web:1.2.1-alpine"]),
        ("cat/shop/web:>=1.2 <3", ["cat/shop/web:1.2.0", "cat/shop/web:2.0.0"]),
        ("cat/shop/web:^1-alpine", ["cat/shop/web:1.2.1-alpine"]),
        ("cat/shop/*:latest", ["cat/shop/db:latest", "cat/shop/web:latest"]),
        ("cat/*s:~1.1", ["cat/tools:v1.1"]),
        ("cat/shop/*", ["cat/shop/db:latest", *(f"cat/shop/web:{tag}" for tag in sorted(TAGS))]),
    ],
)
def test_what_the_real_registry_has(pushed: Registries, pattern: str, expected: list[str]) -> None:
    assert found(pushed.anonymous, pattern) == (expected, [])


@pytest.mark.parametrize("size", [1000, 40])
def test_pages_of_the_real_registry(pushed: Registries, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """One repository has no tags any more, which is no problem of a pattern."""
    monkeypatch.setattr(listing, "_PAGE", size)
    images, problems = found(pushed.anonymous, "cat/many/*")
    assert images == [f"cat/many/r{number:03}:v1.1" for number in range(1, MANY)]
    assert not problems
    assert [each.code for each in found(pushed.anonymous, "cat/many/r000:*")[1]] == ["unreadable-list"]


@pytest.mark.parametrize("kind", ["token", "basic"])
def test_credentials(pushed: Registries, kind: str, tmp_path: Path) -> None:
    address = getattr(pushed, kind)
    images, (problem,) = found(address, "cat/shop/*:latest")
    assert (images, problem.code, problem.coverage) == ([], "no-catalog", False)
    assert "docker login" in problem.hint
    assert "name the repositories" in problem.hint
    expected = ["cat/shop/db:latest", "cat/shop/web:latest"]
    auth = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    assert found(address, "cat/shop/*:latest", access=Access(authfile=tmp_path / "auth.json")) == (
        expected,
        [],
    )


def test_newest(pushed: Registries) -> None:
    images, problems = found(pushed.anonymous, "cat/shop/web:*", access=Access(newest=2))
    assert images == ["cat/shop/web:2.0.0", "cat/shop/web:2.0.0-rc.1"]
    assert not problems
    images, _ = found(pushed.anonymous, "cat/shop/*:^1", "cat/shop/*:latest", access=Access(newest=1))
    assert images == ["cat/shop/db:latest", "cat/shop/web:1.2.0", "cat/shop/web:latest"]


def test_no_repository_is_left_out_in_silence(pushed: Registries) -> None:
    """As one of which no tag is a version would be."""
    images, (problem,) = found(pushed.anonymous, "cat/shop/*", access=Access(newest=1))
    assert images == ["cat/shop/web:2.0.0"]
    assert (problem.code, problem.coverage) == ("no-version", True)
    assert "cat/shop/db has 1 tag that" in problem.message
    assert problem.hint.endswith("cat/shop/db:latest")
    images, problems = found(pushed.anonymous, "cat/shop/*:^2", access=Access(newest=1))
    assert (images, problems) == (["cat/shop/web:2.0.0"], [])


def test_who_names_what(pushed: Registries, tmp_path: Path) -> None:
    lines = tmp_path / "images"
    lines.write_text(f"{pushed.anonymous}/cat/tools:v1.1\n{pushed.anonymous}/cat/tool*:*\n")
    (image,), problems = named(asked([f"{pushed.anonymous}/cat/tools:~1.1"], [lines]))
    assert image.by == (f"{lines}:1", f"{lines}:2", f"{pushed.anonymous}/cat/tools:~1.1")
    assert not problems


def test_what_means_nothing(pushed: Registries) -> None:
    _, problems = found(pushed.anonymous, "cat/nothing*", "cat/tools:^7", "cat/none:*", "cat/tools:*")
    assert [(each.code, each.subject.removeprefix(f"{pushed.anonymous}/")) for each in problems] == [
        ("nothing-matches", "cat/nothing*"),
        ("nothing-matches", "cat/tools:^7"),
        ("unreadable-list", pushed.anonymous),
    ]


def test_the_bound_on_names_ends_the_asking(pushed: Registries) -> None:
    images, problems = found(pushed.anonymous, "cat/many/*", limits=Limits(fleet_names=5))
    assert len(images) == 5
    assert [each.code for each in problems] == ["too-many-names"]


def answering(server: Server, pages: dict[str, Reply]) -> None:
    def answer(seen: Seen) -> Reply:
        return Reply() if seen.path == "/v2/" else pages.get(seen.path, Reply(404))

    server.answer = answer


def reply(member: str, *names: str, link: str = "") -> Reply:
    return Reply(200, json.dumps({member: names}).encode(), [("Link", link)] if link else [])


def test_one_list_serves_all_patterns(server: Server) -> None:
    answering(
        server,
        {
            "/v2/_catalog?n=1000": reply("repositories", "a/one", "a/two", "b"),
            "/v2/a/one/tags/list?n=1000": reply("tags", "1", "2"),
            "/v2/a/two/tags/list?n=1000": reply("tags", "1"),
        },
    )
    images, problems = found(server.address, "a/*:1", "*/one:*", "a/one:2")
    assert images == ["a/one:1", "a/one:2", "a/two:1"]
    assert not problems
    assert sorted(server.paths()) == [
        "/v2/_catalog?n=1000",
        "/v2/a/one/tags/list?n=1000",
        "/v2/a/two/tags/list?n=1000",
    ]


def test_repositories_share_connections(server: Server) -> None:
    names = [f"app{number}" for number in range(50)]
    answering(server, {f"/v2/{name}/tags/list?n=1000": reply("tags", "1") for name in names})
    images, problems = found(server.address, *(f"{name}:*" for name in names))
    assert len(images) == 50
    assert not problems
    # Those that ask at the very beginning each ask which scheme it is.
    assert [seen.path for seen in server.seen].count("/v2/") <= 8


def test_what_is_wrong_with_a_list_is_told_and_the_rest_goes_on(server: Server) -> None:
    answering(
        server,
        {
            "/v2/_catalog?n=1000": reply(
                "repositories", "a/one", "A", "a/two", link="<http://127.0.0.1:1/>; rel=next"
            ),
            "/v2/a/one/tags/list?n=1000": Reply(403),
            "/v2/a/two/tags/list?n=1000": reply("tags", "1", "b d"),
        },
    )
    images, problems = found(server.address, "a/*")
    assert images == ["a/two:1"]
    messages = " ".join(each.message for each in problems)
    assert len(problems) == 4
    for part in ("not followed", "can be no name: 'A'", "denies access to a/one", "can be no name: 'b d'"):
        assert part in messages
    assert {each.subject for each in problems} == {server.address}


@pytest.mark.parametrize("listed", [b'{"repositories": []}', b'{"repositories": null}'])
def test_an_empty_catalog_says_nothing_about_who_left(server: Server, listed: bytes) -> None:
    answering(server, {"/v2/_catalog?n=1000": Reply(200, listed)})
    images, (problem,) = found(server.address, "*", "a/*")
    assert (images, problem.code, problem.coverage) == ([], "no-images", True)
    assert not whole([problem])


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("*", "which registry"),
        ("app*", "which registry"),
        ("*.example/app", "which registry"),
        ("reg*.example/app:*", "which registry"),
        ("registry.example/App*", "lower-case"),
        ("registry.example/App:*", "upper-case"),
        ("registry.example/a b*", "lower-case"),
        ("registry.example/app:>=x", "no version"),
        ("registry.example/app:1 *", "white space"),
        ("registry.example:99999/app:*", "port"),
        ("registry.example/app:*@sha256:" + "0" * 64, "digest"),
    ],
)
def test_what_is_no_pattern(pattern: str, why: str) -> None:
    images, (problem,) = named(asked([pattern]))
    assert (images, problem.code, problem.subject) == ([], "invalid-pattern", pattern)
    assert why in problem.message


@given(st.text(max_size=40) | st.text("a/:*.<>=^~|1-@ ", max_size=25))
def test_any_text(text: str) -> None:
    pattern = catalog._parsed(text, "x")
    assert isinstance(pattern, Problem) or pattern.registry


def test_registries_that_are_known_to_have_no_catalog() -> None:
    _, (problem,) = named(asked(["library/*"]))
    assert (problem.code, problem.subject) == ("no-catalog", "docker.io")
    assert "Docker Hub has no catalog for anybody" in problem.hint


def test_a_registry_that_is_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """Its catalog would tell the other one's names; its tags are that one's."""
    conf = tmp_path / "registries.conf"
    conf.write_text(f'[[registry]]\nprefix = "registry.example"\nlocation = "{server.address}/hub"\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    answering(server, {"/v2/hub/app/tags/list?n=1000": reply("tags", "1")})
    images, (problem,) = found("registry.example", "*", "app:*")
    assert images == ["app:1"]
    assert problem.code == "no-catalog"
    assert "registries.conf" in problem.message
