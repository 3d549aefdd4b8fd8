"""Installed Node packages."""

from __future__ import annotations

import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, node
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.images import Entry, files, tar
from tests.support.json import values
from tests.support.layers import image

ROOT = "app/node_modules/a/package.json"
INSIDE = "app/node_modules/a/dist/package.json"
OUTSIDE = "app/package.json"


def parse(content: object, path: str = ROOT) -> list[Package | Problem]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(node.parse(File(path, data)))


def release(name: str = "a", version: str = "1.0.0", **more: object) -> dict[str, object]:
    return {"name": name, "version": version, **more}


@pytest.mark.parametrize(
    "path",
    [
        ROOT,
        "node_modules/a/package.json",
        "usr/local/lib/node_modules/npm/node_modules/a/package.json",
        "app/node_modules/@s/b/node_modules/@t/c/package.json",
        "app/node_modules/.pnpm/@s+b@1.0.0_x@2/node_modules/a/package.json",
        "app/node_modules/.pnpm/b@1/node_modules/@s/a/package.json",
        "app/.yarn/unplugged/a-npm-1/node_modules/a/package.json",
        "usr/share/nodejs/a/package.json",
        "usr/share/nodejs/@s/a/package.json",
        "usr/lib/nodejs/a/package.json",
    ],
)
def test_roots_of_installed_packages(path: str) -> None:
    assert parse(release(private=True), path) == [Package("a", "1.0.0", "npm", path)]
    for damaged in (b"", b"{", b"[]", b'"a"', {}, {"name": "a"}, {"name": "a", "version": 1}, release("a b")):
        (problem,) = parse(damaged, path)
        assert isinstance(problem, Problem)
        assert (problem.code, problem.subject) == ("unreadable-metadata", path)


def test_the_file_says_who_it_is() -> None:
    """An alias (`npm:lodash@4`) is in a folder of another name."""
    assert parse(release("@S/Lodash", " v4.17.21 ")) == [Package("@S/Lodash", "4.17.21", "npm", ROOT)]
    assert parse(release(version="1.0.0-dev2")) == [Package("a", "1.0.0-dev2", "npm", ROOT)]
    assert parse(release(version="=1.0.0-rc.1+b")) == [Package("a", "1.0.0-rc.1+b", "npm", ROOT)]


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"name":"a","version":"1.0.0"}',
        b'{"author":"Andr\xe9","name":"a","version":"1.0.0"}',
        b'{"Andr\xe9":0,"name":"a","version":"1.0.0"}',
        b'{"x":"\\ud83d","y":1e999,"name":"a","version":"1.0.0"}',
        b'{"name":"b","version":1,"dependencies":{"name":"c"},"version":"1.0.0","name":"a"}',
        b'\r\n{ "private" : "no"\t, "version"\n:"\\u0031.0.0","name":"a"}\n',
    ],
)
def test_json_as_node_reads_it(data: bytes) -> None:
    assert parse(data) == [Package("a", "1.0.0", "npm", ROOT)]


@pytest.mark.parametrize(
    "path",
    [
        INSIDE,
        "app/node_modules/a/package/package.json",
        "app/node_modules/resolve/test/fixture/node_modules/b/package.json",
        "app/node_modules/.cache/x/package.json",
        "app/node_modules/package.json",
        "usr/share/nodejs/a/build/package.json",
        "usr/lib/R/site-library/bslib/lib/bs5/package.json",
        "opt/venv/lib/python3.12/site-packages/x/labextension/package.json",
        "usr/local/share/jupyter/labextensions/@s/a/package.json",
    ],
)
def test_copies_and_mere_settings(path: str) -> None:
    assert parse(release(), path) == [Package("a", "1.0.0", "npm", path)]
    for none in (
        *({"type": "module"}, {"name": "a/sub", "main": "x.js"}, release(private=True), {}),
        *(b"", b"{\n", b"0"),
    ):
        assert parse(none, path) == []


@pytest.mark.parametrize(
    "path",
    [OUTSIDE, "package.json", "srv/node_modules.bak/a/package.json", "usr/src/app/package.json"],
)
def test_an_application_is_no_release(path: str) -> None:
    """Its name may be that of a package that somebody published to be taken for it."""
    for content in (release(), release(private=True), {}, b"{"):
        assert parse(content, path) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("opt/yarn-v1.22.22/package.json", "yarn"),
        ("opt/yarn-1.22.22/package.json", "yarn"),
        ("root/.cache/node/corepack/v1/pnpm/1.22.22/package.json", "pnpm"),
        ("root/.bun/install/cache/@s/a@1.22.22@@@1/package.json", "@s/a"),
        ("root/.cache/deno/npm/registry.npmjs.org/a/1.22.22/package.json", "a"),
    ],
)
def test_releases_that_were_unpacked_elsewhere(path: str, name: str) -> None:
    assert parse(release(name, "1.22.22"), path) == [Package(name, "1.22.22", "npm", path)]
    assert parse(release(name, "1.22.21"), path) == []
    assert parse(release("other", "1.22.22"), path) == []


def test_archives_that_cannot_be_read() -> None:
    (problem,) = parse(b"#!/usr/bin/env node\n", "app/.pnp.cjs")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unread-package-database", "app/.pnp.cjs")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":' + b"[" * 200_000, "nested too deeply"),
        (b'{"a":"' + b"x" * (16 << 20) + b'"}', "larger than 16 MiB, so it was not read"),
        (b'{"name":"a","version":"1.0.0"', "no valid JSON"),
        (b"[1]", "no JSON object"),
    ],
)
def test_hostile_json(data: bytes, why: str) -> None:
    (problem,) = parse(data)
    assert isinstance(problem, Problem)
    assert problem.message == f"{ROOT}: {why}"


def test_in_an_image() -> None:
    store = "app/node_modules/.pnpm/b@2.0.0/node_modules/b"
    base = tar(
        [
            Entry(ROOT, json.dumps(release()).encode()),
            Entry(f"{store}/package.json", json.dumps(release("b", "2.0.0")).encode()),
            Entry("app/node_modules/b", type=tarfile.SYMTYPE, link=".pnpm/b@2.0.0/node_modules/b"),
            Entry("app/node_modules/.bin/b", type=tarfile.SYMTYPE, link="../b/cli.js"),
            Entry("app/node_modules/.package-lock.json", b"{}"),
        ]
    )
    built = image([base, files({"app/node_modules/c/package.json": json.dumps(release("@s/c", "3.0.0"))})])
    found = inventory(file_view(built, Limits()), built)
    assert [(package.purl, package.path) for package in found.packages] == [
        ("pkg:npm/%40s/c@3.0.0", "app/node_modules/c/package.json"),
        ("pkg:npm/a@1.0.0", ROOT),
        ("pkg:npm/b@2.0.0", f"{store}/package.json"),
    ]
    assert found.problems == ()
    gone = image([base, tar([Entry("app/.wh.node_modules")])])
    assert inventory(file_view(gone, Limits()), gone).packages == ()


@given(
    st.binary() | values("name", "version", "private").map(lambda value: json.dumps(value).encode()),
    st.sampled_from([ROOT, INSIDE, OUTSIDE]),
)
def test_anything_gives_one_answer_at_most(data: bytes, path: str) -> None:
    assert len(parse(data, path)) in ((1,) if path == ROOT else (0, 1))
