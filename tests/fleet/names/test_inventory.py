"""Inventories of clusters: what really runs, by its digest where the cluster tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.fleet.names import asked, inventory, named
from secpipe.fleet.names._values import Found
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

A, B = (f"sha256:{digit * 64}" for digit in "ab")


def found(path: Path) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    images, problems = named(asked(inventory=[path]))
    return {each.reference: each.by for each in images}, problems


def pod(
    image: str, image_id: str, key: str = "containers", statuses: str = "containerStatuses"
) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-1", "namespace": "shop"},
        "spec": {key: [{"name": "other", "image": "x"}, {"name": "app", "image": image}]},
        "status": {statuses: [{"name": "app", "image": "whatever", "imageID": image_id}]},
    }


@pytest.mark.parametrize(
    ("image", "image_id", "expected"),
    [
        # Docker, by way of dockershim and cri-dockerd.
        ("app:1", f"docker-pullable://app@{A}", f"docker.io/library/app:1@{A}"),
        ("app:1", f"docker://{A}", "docker.io/library/app:1"),
        # containerd.
        ("registry.example/app:1", f"registry.example/app@{A}", f"registry.example/app:1@{A}"),
        ("registry.example/app:1", A, "registry.example/app:1"),
        # CRI-O, of old with the bare id.
        ("registry.example/app:1", "a" * 64, "registry.example/app:1"),
        # containerd, of an image that came out of an archive, as kind's own do.
        ("registry.example/app:1", f"docker.io/library/import-2023-06-15@{A}", "registry.example/app:1"),
        # One image with two names, of which the node tells the other one.
        ("registry.example/app:1", f"mirror.example/app@{A}", f"mirror.example/app@{A}"),
        # The digest that runs is that of the one platform.
        (f"app:1@{B}", f"docker.io/library/app@{A}", f"docker.io/library/app:1@{A}"),
        (f"app@{B}", f"docker.io/library/app@{A}", f"docker.io/library/app@{A}"),
        ("app", f"docker.io/library/app@{A}", f"docker.io/library/app:latest@{A}"),
        # Not yet pulled, and what nobody can read.
        ("app:1", "", "docker.io/library/app:1"),
        ("app:1", "x@y", "docker.io/library/app:1"),
        (A, f"docker.io/library/app@{A}", f"docker.io/library/app@{A}"),
    ],
)
def test_what_runs(tmp_path: Path, image: str, image_id: str, expected: str) -> None:
    path = tmp_path / "pods.json"
    for key, statuses in zip(
        ("containers", "initContainers", "ephemeralContainers"),
        ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"),
        strict=True,
    ):
        path.write_text(json.dumps({"kind": "PodList", "items": [pod(image, image_id, key, statuses)]}))
        images, problems = found(path)
        assert images == {
            expected: ("Pod shop/web-1 (app)",),
            "docker.io/library/x:latest": ("Pod shop/web-1 (other)",),
        }
        assert not problems


def test_the_images_of_nodes(tmp_path: Path) -> None:
    listed = [
        {"names": [f"docker.io/library/app@{A}", "docker.io/library/app:1"], "sizeBytes": 1},
        {"names": [f"docker.io/library/app@{B}"]},
        {"names": ["registry.example/x:2", f"registry.example/y@{B}"]},
        {"names": [f"docker.io/library/import-2023-06-15@{A}", "registry.example/kept:2"]},
        {"names": ["<none>@<none>", "<none>:<none>"]},
        {"names": [f"docker.io/library/import-2023-06-15@{B}"]},
        {"names": None},
        {"names": ["Bad"]},
        7,
    ]
    node = {"kind": "Node", "metadata": {"name": "worker"}, "status": {"images": listed}}
    (tmp_path / "nodes.json").write_text(json.dumps({"kind": "List", "items": [node]}))
    images, (problem, local) = found(tmp_path / "nodes.json")
    assert local.code == "not-in-a-registry"
    assert "Node worker keeps 4 images" in local.message
    assert images == {
        "registry.example/kept:2": ("Node worker",),
        f"docker.io/library/app:1@{A}": ("Node worker",),
        f"docker.io/library/app@{B}": ("Node worker",),
        "registry.example/x:2": ("Node worker",),
        f"registry.example/y@{B}": ("Node worker",),
    }
    assert problem.code == "invalid-reference"


def test_other_objects_arrays_and_several_answers(tmp_path: Path) -> None:
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}},
    }
    text = json.dumps(["a:1", " b:1", "C"]) + json.dumps({"kind": "List", "items": [deployment]}, indent=2)
    (tmp_path / "i.json").write_text(text)
    images, (problem,) = found(tmp_path / "i.json")
    assert images == {
        "docker.io/library/a:1": (f"{tmp_path}/i.json [1]",),
        "docker.io/library/app:2": ("Deployment web (app)",),
        "docker.io/library/b:1": (f"{tmp_path}/i.json [2]",),
    }
    assert problem.subject == f"{tmp_path}/i.json [3]"


@pytest.mark.parametrize(
    ("text", "code", "coverage"),
    [
        ("", "unreadable-inventory", False),
        ("NAME  IMAGE", "unreadable-inventory", False),
        ('{"kind": "PodList", "items": []}', "no-images", True),
        ("{}", "no-images", True),
    ],
)
def test_what_is_no_inventory(tmp_path: Path, text: str, code: str, coverage: bool) -> None:
    (tmp_path / "i.json").write_text(text)
    images, (problem,) = found(tmp_path / "i.json")
    assert (images, problem.code, problem.coverage) == ({}, code, coverage)
    assert "kubectl" in problem.hint


def test_the_id_of_an_image_is_no_name(tmp_path: Path) -> None:
    """As of one that was put on the node by hand: `sha256` is no repository of Docker Hub's."""
    (tmp_path / "j.json").write_text(json.dumps({"kind": "Pod", **pod(A, A)}))
    images, (problem,) = found(tmp_path / "j.json")
    assert images == {"docker.io/library/x:latest": ("Pod shop/web-1 (other)",)}
    assert problem.code == "invalid-reference"
    assert f"NAME@{A}" in problem.hint


def test_lists_that_jq_put_together(tmp_path: Path) -> None:
    item = {"kind": "Pod", **pod("app:1", "")}
    (tmp_path / "i.json").write_text(
        json.dumps([{"kind": "List", "items": [item]}, ["a:1", ["b:1", 7]], "c:1"])
    )
    images, problems = found(tmp_path / "i.json")
    assert sorted(key[18:] for key in images) == ["a:1", "app:1", "b:1", "c:1", "x:latest"]
    assert not problems


def test_what_jq_makes_of_objects_without_an_image(tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text('["a:1", null, 7]')
    images, problems = found(tmp_path / "i.json")
    assert list(images) == ["docker.io/library/a:1"]
    assert [problem.message.partition(": ")[0][-3:] for problem in problems] == ["[2]", "[3]"]


@given(data=st.binary(max_size=200))
def test_any_bytes(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    for each in inventory._file(str(path), Limits()):
        assert isinstance(each, Found | Problem)
