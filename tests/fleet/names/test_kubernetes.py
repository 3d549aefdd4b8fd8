"""Manifests: every place where an object names an image, and what is none."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.documents.stream import Document
from secpipe.fleet.names import _objects, asked, named
from secpipe.fleet.names._values import Found
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

POD = {
    "initContainers": [{"name": "init", "image": "registry.example/init:1"}],
    "containers": [{"name": "app", "image": "registry.example/app:1"}],
    "ephemeralContainers": [{"name": "debug", "image": "registry.example/debug:1"}],
    "volumes": [
        {"name": "data", "image": {"reference": "registry.example/data:1"}},
        {"name": "tmp", "emptyDir": {}},
    ],
}
TEMPLATE = {"metadata": {"labels": {"image": "none"}}, "spec": POD}
OBJECTS: list[tuple[str, dict[str, Any]]] = [
    ("Pod", POD),
    ("Deployment", {"template": TEMPLATE}),
    ("ReplicaSet", {"template": TEMPLATE}),
    ("StatefulSet", {"template": TEMPLATE, "volumeClaimTemplates": []}),
    ("DaemonSet", {"template": TEMPLATE}),
    ("ReplicationController", {"template": TEMPLATE}),
    ("Job", {"template": TEMPLATE}),
    ("CronJob", {"jobTemplate": {"spec": {"template": TEMPLATE}}}),
    ("Rollout", {"strategy": {"canary": {}}, "template": TEMPLATE}),
    ("CloneSet", {"groups": [{"deep": {"deeper": [{"podTemplate": TEMPLATE}]}}]}),
]


def found(path: Path, limits: Limits = Limits()) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:  # noqa: B008
    images, problems = named(asked(kubernetes=[path]), limits)
    return {each.reference: each.by for each in images}, problems


def dump(*documents: object) -> str:
    import yaml

    return str(yaml.safe_dump_all(documents))


def obj(kind: str, spec: object, name: str = "web") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


@pytest.mark.parametrize(("kind", "spec"), OBJECTS, ids=[kind for kind, _ in OBJECTS])
@pytest.mark.parametrize("form", ["yaml", "json", "list", "yaml-list"])
def test_every_pod(tmp_path: Path, kind: str, spec: dict[str, Any], form: str) -> None:
    path, whole = tmp_path / "m.yaml", obj(kind, spec)
    if "list" in form:
        whole = {"apiVersion": "v1", "kind": "List", "items": [whole]}
    path.write_text(dump(whole) if "yaml" in form else json.dumps(whole))
    assert found(path) == (
        {
            "registry.example/app:1": (f"{kind} shop/web (app)",),
            "registry.example/data:1": (f"{kind} shop/web (volume data)",),
            "registry.example/debug:1": (f"{kind} shop/web (debug)",),
            "registry.example/init:1": (f"{kind} shop/web (init)",),
        },
        [],
    )


def test_a_pod_template_stands_beside_its_spec(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({**obj("PodTemplate", {}), "template": TEMPLATE}))
    assert len(found(path)[0]) == 4


def test_steps_of_argo_and_tekton(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("""
kind: Workflow
metadata: {generateName: build-}
spec:
  templates:
  - {name: a, container: {image: "alpine:1", args: ["{{inputs.parameters.x}}"]}, sidecars: [{name: s, image: "alpine:2"}]}
  - {name: b, script: {image: "alpine:3"}, steps: [[{name: x, template: a}]]}
---
kind: Task
metadata: {name: t}
spec: {steps: [{name: one, image: "alpine:4"}], stepTemplate: {image: "alpine:5"}, sidecars: [{image: "alpine:6"}]}
""")
    images, problems = found(path)
    assert not problems
    assert {key.rpartition(":")[2]: by[0] for key, by in images.items()} == {
        "1": "Workflow build-* (container)",
        "2": "Workflow build-* (s)",
        "3": "Workflow build-* (script)",
        "4": "Task t (one)",
        "5": "Task t (stepTemplate)",
        "6": "Task t (sidecars)",
    }


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("quay.io/prometheus/prometheus:v3", ["quay.io/prometheus/prometheus:v3"]),
        ("spark:3.5", ["docker.io/library/spark:3.5"]),
        ("logo.png", []),
        ("https://example.com/logo.png", []),
        ("/img/logo.png", []),
        ("a picture: of it", []),
        ("icons/logo:2.png", []),
        (7, []),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_what_operators_run(tmp_path: Path, image: object, expected: list[str], deep: bool) -> None:
    spec = {"deeper": [{"logo": {"image": image}}]} if deep else {"image": image}
    cluster = {**obj("Cluster", spec), "apiVersion": "ceph.rook.io/v1"}
    path = tmp_path / "m.json"
    path.write_text(json.dumps(cluster))
    expected = [] if deep and image == "spark:3.5" else expected
    assert found(path) == (
        ({expected[0]: (f"Cluster shop/web ({'logo' if deep else 'spec'})",)}, [])
        if expected
        else ({}, found(path)[1])
    )
    path.write_text(json.dumps(cluster).replace("ceph.rook.io/v1", "v1"))
    assert found(path)[0] == {}
    path.write_text(json.dumps({**cluster, "spec": {"image": "$(IMAGE)"}}))
    assert [each.code for each in found(path)[1]] == ["invalid-reference"]


def test_other_words_of_operators_for_an_image(tmp_path: Path) -> None:
    spec = {
        "imageName": "ghcr.io/cloudnative-pg/postgresql:16.2",
        "deeper": {"dockerImage": "ghcr.io/zalando/spilo:3.2", "pooler_image_name": "quay.io/x/pooler:2"},
        "pull": {"imagePullPolicy": "registry.example/no:1", "imageFormat": "registry.example/no:2"},
        "SIDECAR_IMAGE": "quay.io/x/side:1",
        "logoImage": "https://registry.example/logo:1",
    }
    value = {**obj("Cluster", spec), "apiVersion": "x.example/v1", "baseImage": "quay.io/x/base:1"}
    (tmp_path / "m.json").write_text(json.dumps(value))
    images, problems = found(tmp_path)
    assert images == {
        "ghcr.io/cloudnative-pg/postgresql:16.2": ("Cluster shop/web (spec)",),
        "ghcr.io/zalando/spilo:3.2": ("Cluster shop/web (deeper)",),
        "quay.io/x/base:1": ("Cluster shop/web (Cluster)",),
        "quay.io/x/pooler:2": ("Cluster shop/web (deeper)",),
        "quay.io/x/side:1": ("Cluster shop/web (spec)",),
    }
    assert not problems


@pytest.mark.parametrize("image", ["redis:6.2", "prom/exporter", "registry.example/team/exporter"])
def test_what_may_be_an_image_is_told(tmp_path: Path, image: str) -> None:
    path = tmp_path / "m.json"
    value = {**obj("Redis", {"exporter": {"image": image}}), "apiVersion": "x.example/v1"}
    path.write_text(json.dumps(value))
    images, (problem,) = found(path)
    assert (images, problem.code, problem.coverage) == ({}, "unclear-image", True)
    assert f"Redis shop/web (exporter): '{image}' may be an image" in problem.message
    assert [each.code for each in named(asked(inventory=[path]))[1]] == ["no-images"]


def test_streams_of_openshift(tmp_path: Path) -> None:
    """What a stream imports and a build begins with is named; what a trigger puts in cannot be known."""
    digest = "sha256:" + "a" * 64
    docker = {"kind": "DockerImage", "name": "quay.io/x/ruby:3.3"}
    tags = [
        {"name": "3.3", "from": docker},
        {"name": "latest", "from": {"kind": "ImageStreamTag", "name": "3.3"}},
    ]
    trigger = {"type": "ImageChange", "imageChangeParams": {"containerNames": ["web", "put-in"]}}
    containers = [
        {"name": "web", "image": "shop/web:latest"},
        {"name": "put-in", "image": f"registry.svc:5000/shop/web@{digest}"},
        {"name": "side", "image": "quay.io/x/side:1"},
        {"name": "blank", "image": " "},
        {"image": "quay.io/x/nameless:1"},
    ]
    pods = {"template": {"spec": {"containers": containers}}}
    place = "spec.template.spec"
    annotation = json.dumps(
        [
            {"fieldPath": f'{place}.containers[?(@.name=="web")].image', "from": {}},
            {"fieldPath": f"{place}.initContainers[1].image", "from": {}},
            {"fieldPath": f"{place}.initContainers[2].image", "from": {}},
            {"fieldPath": f"{place}.initContainers[7].image", "from": {}},
        ]
    )
    init = [{"name": "first", "image": "quay.io/x/first:1"}, {"name": "second", "image": "web:latest"}, {}]
    pod = {"containers": containers[:1], "initContainers": init}
    deployment = obj("Deployment", {"template": {"spec": pod}})
    deployment["metadata"]["annotations"] = {"image.openshift.io/triggers": annotation}
    builder = {"strategy": {"sourceStrategy": {"from": {**docker, "name": "quay.io/x/builder:1"}}}}
    (tmp_path / "m.json").write_text(
        json.dumps(
            [
                obj("ImageStream", {"tags": tags}),
                obj("BuildConfig", builder),
                {
                    "kind": "Template",
                    "metadata": {},
                    "objects": [obj("DeploymentConfig", {**pods, "triggers": [trigger]})],
                },
                deployment,
            ]
        )
    )
    images, problems = found(tmp_path)
    assert images == {
        "quay.io/x/builder:1": ("BuildConfig shop/web (from)",),
        "quay.io/x/first:1": ("Deployment shop/web (first)",),
        "quay.io/x/nameless:1": ("DeploymentConfig shop/web (containers)",),
        "quay.io/x/ruby:3.3": ("ImageStream shop/web (from)",),
        "quay.io/x/side:1": ("DeploymentConfig shop/web (side)",),
        f"registry.svc:5000/shop/web@{digest}": ("DeploymentConfig shop/web (put-in)",),
    }
    assert [each.message.partition(".json: ")[2] for each in problems] == [
        "Deployment shop/web (initContainers) has no image",
        "Deployment shop/web (second): the image is left to an image stream",
        "Deployment shop/web (web): the image is left to an image stream",
        "DeploymentConfig shop/web (blank) has no image",
        "DeploymentConfig shop/web (web): the image is left to an image stream",
    ]
    assert {each.code for each in problems} == {"no-image"}


def test_lists_within_lists(tmp_path: Path) -> None:
    """As one gets of several clusters. What a list that Kubernetes wrote has does not say what it is."""
    digest = "sha256:" + "a" * 64
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "app:1"}, {"name": "d"}]},
        "status": {"containerStatuses": [{"name": "c", "imageID": f"docker.io/library/app@{digest}"}]},
    }
    node = {"metadata": {"name": "n"}, "status": {"images": [{"names": ["registry.example/x:1"]}]}}
    lists = [
        {"kind": "PodList", "metadata": {}, "items": [pod]},
        {"kind": "NodeList", "metadata": {}, "items": [node]},
    ]
    (tmp_path / "i.json").write_text(json.dumps([*lists, {"kind": "List", "metadata": {}, "items": lists}]))
    images, problems = named(asked(inventory=[tmp_path / "i.json"]))
    assert {each.reference: each.by for each in images} == {
        f"docker.io/library/app:1@{digest}": ("Pod p (c)",),
        "registry.example/x:1": ("Node n",),
    }
    assert [each.code for each in problems] == ["no-image"]
    (tmp_path / "m.yaml").write_text(dump(lists[0]))
    images, problems = named(asked(kubernetes=[tmp_path / "m.yaml"]))
    assert [(each.reference, each.by) for each in images] == [("docker.io/library/app:1", ("Pod p (c)",))]
    assert [each.code for each in problems] == ["no-image"]


def test_releases_of_charts(tmp_path: Path) -> None:
    """What their values name is known, and that there may be more is told once for all of them."""
    values = {
        "a": {"image": {"repository": "ghcr.io/x/a", "tag": "v1@" + "sha256:" + "a" * 64}},
        "b": {"image": {"registry": "quay.io", "repository": "x/b", "digest": "sha256:" + "b" * 64}},
        "c": {"image": {"repository": "ghcr.io/x/c"}, "other": {"image": {"tag": "v1"}}},
        "d": {"image": {"repository": "x/d", "tag": "${TAG}"}},
    }
    api = {"apiVersion": "helm.toolkit.fluxcd.io/v2"}
    releases = [{**obj("HelmRelease", {"values": {}}, f"r{number}"), **api} for number in range(9)]
    (tmp_path / "a.yaml").write_text(dump({**obj("HelmRelease", {"values": values}), **api}))
    (tmp_path / "b.yaml").write_text(dump(*releases))
    images, problems = found(tmp_path)
    assert images == {
        "ghcr.io/x/a:v1@sha256:" + "a" * 64: ("HelmRelease shop/web",),
        "quay.io/x/b@sha256:" + "b" * 64: ("HelmRelease shop/web",),
    }
    assert [each.code for each in problems] == ["images-elsewhere", "invalid-reference"]
    assert "10 objects" in problems[0].message
    assert problems[0].message.endswith("HelmRelease shop/r0, HelmRelease shop/r1, HelmRelease shop/r2 …")
    (tmp_path / "i.json").write_text(json.dumps({"kind": "List", "items": releases}))
    assert [each.code for each in named(asked(inventory=[tmp_path / "i.json"]))[1]] == ["no-images"]


def test_what_istio_puts_in(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(obj("Pod", {"containers": [{"name": "istio-proxy", "image": "auto"}]})))
    images, (problem,) = found(path)
    assert (images, problem.code) == ({}, "no-image")


def test_what_names_no_image(tmp_path: Path) -> None:
    """Texts in a ConfigMap, the schema of a definition, values of a chart, other programs' files."""
    documents = [
        {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"image": "x", "containers": "- image: y"}},
        obj("CustomResourceDefinition", {"containers": [{"name": "x", "image": "default:1"}]}),
        {"image": {"repository": "x", "tag": "y"}, "containers": [{"image": "values:1"}]},
        {"services": {"web": {"image": "compose:1"}}},
        ["image"],
        "image",
        None,
        {**obj("Deployment", {"template": {}}), "status": {"containers": [{"image": "status:1"}]}},
    ]
    (tmp_path / "m.yaml").write_text(dump(*documents))
    assert found(tmp_path / "m.yaml")[0] == {}
    assert [each.code for each in found(tmp_path / "m.yaml")[1]] == ["no-images"]
    assert [each.code for each in found(tmp_path)[1]] == ["no-images"]


def test_a_folder(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "c/d.JSON", "c/e.txt", ".hidden/f.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            json.dumps(obj("Pod", {"containers": [{"name": "x", "image": f"app:{path.stem}"}]}, path.stem))
        )
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    (tmp_path / "broken.json").write_text("{// no word of it\n}")
    images, problems = found(tmp_path)
    assert sorted(key[-1] for key in images) == ["a", "b", "d"]
    assert not problems
    images, (problem,) = found(tmp_path, Limits(fleet_files=2))
    assert ([key[-1] for key in images], problem.code) == (["a"], "too-many-files")


def test_what_is_no_file_in_a_folder(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a folder, and a link to nowhere."""
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").mkdir()
    (tmp_path / "c.yaml").symlink_to("nowhere")
    assert [(each.code, each.subject[-6:]) for each in found(tmp_path)[1]] == [
        ("no-such-file", "c.yaml"),
        ("not-a-file", "a.yaml"),
    ]


def test_a_bad_document_costs_no_other(tmp_path: Path) -> None:
    good = dump(obj("Pod", {"containers": [{"name": "x", "image": "good"}]}))
    (tmp_path / "m.yaml").write_text(f"image: [\n---\n{good}---\n image: }}\n")
    (tmp_path / "l.json").write_text('{"kind": "List", "items": [{"image": ]}')
    images, problems = found(tmp_path)
    assert list(images) == ["docker.io/library/good:latest"]
    assert [(each.code, each.subject.removeprefix(f"{tmp_path}/")) for each in problems] == [
        ("unreadable-manifest", "l.json:1"),
        ("unreadable-manifest", "m.yaml:13"),
        ("unreadable-manifest", "m.yaml:2"),
    ]
    assert all(each.message.startswith(f"{each.subject}: no valid YAML: ") for each in problems)


def test_templates_are_told(tmp_path: Path) -> None:
    chart = tmp_path / "my chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: x")
    (chart / "templates/deployment.yaml").write_text("{{- if .x }}\nimage: y\n{{- end }}")
    (tmp_path / "line.yaml").write_text("kind: Pod\nspec:\n  {{- if .x }}\n  image: y\n  {{- end }}")
    bare = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n    image: "
    (tmp_path / "bare.yaml").write_text(bare + "{{ .Values.image }}\n")
    (tmp_path / "quoted.yaml").write_text(bare + '"{{ .Values.image }}:{{ .Values.tag }}"\n')
    (tmp_path / "variable.yaml").write_text(bare + "registry.example/app:${TAG}\n")
    images, problems = found(tmp_path)
    assert not images
    by_subject = {each.subject.removeprefix(f"{tmp_path}/"): each for each in problems}
    assert {key: each.code for key, each in by_subject.items()} == {
        "bare.yaml": "template",
        "line.yaml:3": "template",
        "my chart": "template",
        "quoted.yaml": "template",
        "variable.yaml": "invalid-reference",
    }
    assert f"helm template '{chart}' | secpipe fleet scan --kubernetes -" in by_subject["my chart"].hint
    assert "variables" in by_subject["variable.yaml"].hint


def test_what_kustomize_makes_is_told(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\nimages: [{name: x, newTag: y}]\n")
    (tmp_path / "patch.yaml").write_text(
        json.dumps(obj("Deployment", {"template": {"spec": {"containers": [{"name": "x"}]}}}))
    )
    images, (built, patch) = sorted([each.code for each in found(tmp_path)[1]]), ("no-image", "not-built")
    assert images == [built, patch]


def test_what_ko_builds(tmp_path: Path) -> None:
    """A path of Go's is no repository, whatever it looks like."""
    pod = {"containers": [{"name": "x", "image": "ko://knative.dev/serving/cmd/webhook"}]}
    (tmp_path / "m.json").write_text(json.dumps(obj("Pod", pod)))
    images, (problem,) = found(tmp_path)
    assert (images, problem.code) == ({}, "invalid-reference")
    assert "ko resolve -f" in problem.hint
    assert "leave" not in problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "bases: [../base]\nimages: [{name: x, newTag: y}]\n",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: x, newTag: y}]\n",
        "resources: [a.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n"
        "      path: /spec/template/spec/containers/0/image\n      value: x:2\n",
        "resources: [a.yaml]\npatchesStrategicMerge:\n- |-\n  kind: Deployment\n  spec: {image: x}\n  metadata: {}\n",
        """resources: [a.yaml]\npatches: [{patch: '[{"op": "replace", "path": "/spec/image", "value": "x"}]'}]\n""",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: f}\n"
        "spec: {images: [{name: x, newTag: y}]}\n",
        "- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: x:2\n",
        '[{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "s", "image": "x:2"}}]',
    ],
)
def test_what_changes_images_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    images, (problem,) = found(tmp_path)
    assert (images, problem.code, problem.coverage) == ({}, "not-built", True)
    assert problem.hint.startswith("build it first: ")


@pytest.mark.parametrize(
    "text",
    [
        "resources:\n- https://github.com/x/y/releases/download/v1/install.yaml\n",
        "resources: [github.com/x/y/deploy?ref=v1]\n",
        "kind: Kustomization\nresources: [a.yaml, 'git@github.com:x/y']\n",
        "helmCharts: [{name: x, repo: 'https://charts.example', version: 1.0.0}]\nkind: Kustomization\n",
        "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\n"
        "spec: {pipelineRef: {resolver: git, params: []}}\n",
    ],
)
def test_what_leads_elsewhere_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    images, (problem,) = found(tmp_path)
    assert (images, problem.code, problem.coverage) == ({}, "images-elsewhere", True)


def test_a_kustomization_that_changes_no_image(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [a.yaml, ../base, github.com]\npatches:\n- path: patches/image.yaml\n- patch: |-\n    spec:\n"
        "      imagePullPolicy: Always\n- patch: |-\n    - op: add\n      path: /spec/replicas\n      value: 2\n"
        "patchesStrategicMerge: [patches/image.yaml]\n"
    )
    (tmp_path / "a.yaml").write_text(dump(obj("Pod", {"containers": [{"name": "x", "image": "app:1"}]})))
    (tmp_path / "env.yaml").write_text("- {op: add, path: /spec/containers/0/env/-, value: {name: image}}\n")
    images, problems = found(tmp_path)
    assert (list(images), problems) == (["docker.io/library/app:1"], [])


def test_images_that_are_none(tmp_path: Path) -> None:
    containers: list[Any] = [
        {"name": "a", "image": 7},
        {"name": "b", "image": "A:1"},
        {"name": "c", "image": ""},
        "d",
        None,
    ]
    (tmp_path / "m.json").write_text(json.dumps(obj("Pod", {"containers": containers})))
    images, problems = found(tmp_path / "m.json")
    assert not images
    assert {each.message.partition(": ")[2].partition(")")[0][-1]: each.code for each in problems} == {
        "a": "invalid-reference",
        "b": "invalid-reference",
        "c": "no-image",
    }


def test_aliases(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("""
kind: Deployment
metadata: {name: web}
x-before: &c {name: app, image: "app:1"}
spec: &s
  containers:
  - *c
  - {<<: *c, name: other}
  cycle: *s
""")
    images, problems = found(tmp_path / "m.yaml")
    assert images == {"docker.io/library/app:1": ("Deployment web (app)", "Deployment web (other)")}
    assert not problems


def test_bombs_of_aliases(tmp_path: Path) -> None:
    lists = "  images: &i [" + "{names: [a]}, " * 50 + "]\n"
    one = "- kind: Node\n  metadata: {}\n  status: {images: *i}\n"
    (tmp_path / "m.yaml").write_text(f"x:\n{lists}y:\n" + one * 50)
    _, problems = found(tmp_path / "m.yaml", Limits(fleet_values=1500))
    assert [each.code for each in problems] == ["unreadable-manifest"]
    assert "aliases" in problems[0].message


def test_texts_that_would_take_for_ever(tmp_path: Path) -> None:
    """Each of a few megabytes takes less than a second, and would take hours of work that goes by its square."""
    long = 500_000
    spec = {"image": "a/" * long, "deeper": {"image": "a/" * long, "bImage": "a__" * long, "cImage": "a:b"}}
    documents = [
        {**obj("Cluster", spec), "apiVersion": "x.example/v1"},
        {"kind": "Kustomization", "patches": [{"patch": "image" * long}], "resources": ["?ref" * long]},
        {**obj("Deployment", {}), "metadata": {"annotations": {"image.openshift.io/triggers": "a." * long}}},
        {"op": "add", "path": "ontainers/" * long, "value": "image"},
    ]
    (tmp_path / "m.json").write_text(json.dumps(documents))
    problems = found(tmp_path)[1]
    assert {each.code for each in problems} == {"invalid-reference", "not-built", "unclear-image"}
    assert max(len(each.message) for each in problems) < 1000


@pytest.mark.parametrize(
    "text",
    [
        r'{"kind": "Pod", "spec": {"c\u006fntainers": [{"im\u0061ge": "hidden:1"}]}}',
        'kind: Pod\nspec: {"c\\x6Fntainers": [{"im\\x61ge": "hidden:1"}]}',
        'kind: Pod\nspec:\n  ? "co\\\n    ntainers"\n  : - {? "im\\\n    age" : "hidden:1"}',
    ],
)
def test_words_cannot_be_hidden(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    assert found(tmp_path) == ({"docker.io/library/hidden:1": ("Pod (containers)",)}, [])


def test_containers_cannot_be_hidden(tmp_path: Path) -> None:
    """By members that a cluster passes over: a container, a template or a list that says it is something else."""
    path, container = tmp_path / "m.json", {"name": "x", "image": "hidden:1"}
    other = {"kind": "CustomResourceDefinition", "metadata": {}, "spec": {}}
    pod = {"containers": [{**container, **other, "status": {}}]}
    digest = "sha256:" + "a" * 64
    status = {"containerStatuses": [{"name": "x", "imageID": f"docker.io/library/other@{digest}"}]}
    for value in (
        obj("Pod", pod),
        obj("Deployment", {"template": {**other, "spec": pod}}),
        {**obj("AllowList", {"template": {"spec": pod}}), "items": []},
        {**obj("Pod", pod), "status": status},
    ):
        path.write_text(json.dumps(value))
        assert list(found(path)[0]) == ["docker.io/library/hidden:1"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dump(obj("Pod", POD)).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert len(found(Path("-"))[0]) == 4


@pytest.mark.parametrize(("name", "code"), [("missing", "no-such-file"), ("empty", "no-images")])
def test_files_that_are_none(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").write_text("")
    assert [each.code for each in found(tmp_path / name)[1]] == [code]


@given(st.text(max_size=400))
def test_names_are_fit_to_show(name: str) -> None:
    value = {
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": name, "image": "a"}]},
    }
    (each,) = _objects.images(Document(1, value), "x", Limits(), runs=True)
    assert isinstance(each, Found)
    assert len(each.by) < 2 * 10 * 260
    assert "\n" not in each.by


KEYS = st.sampled_from(
    [
        "kind",
        "metadata",
        "name",
        "namespace",
        "spec",
        "status",
        "containers",
        "volumes",
        "image",
        "images",
        "x",
    ]
) | st.sampled_from(["reference", "items", "names", "containerStatuses", "imageID", "steps"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["Pod", "Node", "List", "a:1", "a@sha256:" + "0" * 64, ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(VALUES)
def test_any_value(value: object) -> None:
    for each in _objects.images(Document(1, value), "x", Limits(), runs=True):
        assert isinstance(each, Found | Problem)
