"""What refers to an image: the list of a registry, its pages, the tags that stand for it; and the real registry's."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError, LimitExceeded, RegistryError, SecpipeError
from secpipe.model.image import Descriptor
from secpipe.model.limits import Limits
from secpipe.oci import reference, referrers
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Found
from secpipe.pipeline.image import ImageOptions, referring
from tests.oci.archives import ONE, TWO
from tests.oci.server import Reply, Seen, Server
from tests.support import images
from tests.support.cli import secpipe
from tests.support.images import OCI_INDEX, OCI_MANIFEST, BuiltImage
from tests.support.registry import Registries, push

SPDX, SIGNATURE = "application/spdx+json", "application/vnd.example.signature"
LIST = f"/v2/app/referrers/{ONE.digest}"
TAG = "sha256-" + ONE.digest.partition(":")[2]


def entry(number: int, kind: str = SPDX) -> dict[str, Any]:
    return {
        "mediaType": OCI_MANIFEST,
        "digest": f"sha256:{number:064x}",
        "size": 7,
        "artifactType": kind,
        "annotations": {"number": str(number)},
    }


def page(*entries: dict[str, Any], link: str = "") -> Reply:
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    return Reply(200, body, [("Content-Type", OCI_INDEX), *([("Link", link)] if link else [])])


def asked(server: Server, limits: Limits | None = None, kind: str = "") -> list[Descriptor]:
    named = reference.parse(f"{server.address}/app@{ONE.digest}")
    with closing(Registry(named, lambda: Found(None), limits=limits or Limits())) as registry:
        return referrers.referrers(registry, ONE.digest, limits or Limits(), kind)


def answering(server: Server, pages: dict[str, Reply]) -> None:
    def answer(seen: Seen) -> Reply:
        return Reply() if seen.path == "/v2/" else pages.get(seen.path, Reply(404))

    server.answer = answer


def test_the_list_and_its_pages(server: Server) -> None:
    answering(
        server,
        {
            LIST: page(entry(3), entry(1), link=f'<{LIST}?page=2>; rel="next"'),
            f"{LIST}?page=2": page(entry(2, SIGNATURE), link="<?page=3>;rel=next"),
            f"{LIST}?page=3": page(entry(1)),
        },
    )
    found = asked(server)
    assert [one.digest[-1] for one in found] == ["1", "3", "2"]
    assert found[0].annotations == {"number": "1"}
    assert server.seen[1].headers["accept"] == OCI_INDEX


@pytest.mark.parametrize("filtered", [True, False])
def test_a_type_is_asked_for_and_held_to(server: Server, filtered: bool) -> None:
    whole = [entry(1), entry(2, SIGNATURE)]
    answering(
        server, {f"{LIST}?artifactType=application%2Fspdx%2Bjson": page(*whole[: 1 if filtered else 2])}
    )
    assert [one.digest[-1] for one in asked(server, kind=SPDX)] == ["1"]


@pytest.mark.parametrize("status", [404, 400, 405, 406])
def test_tags_where_there_is_no_list(server: Server, status: int) -> None:
    signature = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []}).encode()
    answering(
        server,
        {
            LIST: Reply(status),
            f"/v2/app/manifests/{TAG}": page(entry(1), entry(2)),
            f"/v2/app/manifests/{TAG}.sig": Reply(200, signature, [("Content-Type", OCI_MANIFEST)]),
        },
    )
    found = asked(server)
    assert [one.digest[-1] for one in found[:2]] == ["1", "2"]
    assert (found[2].digest, found[2].size) == (images.digest(signature), len(signature))
    assert found[2].annotations == {referrers.TAG: f"{TAG}.sig"}
    assert "cosign" in found[2].artifact_type
    answering(server, {})
    assert asked(server) == []


def test_bounds(server: Server) -> None:
    answering(server, {LIST: page(*map(entry, range(6)))})
    with pytest.raises(LimitExceeded, match="limit referrers: 5"):
        asked(server, Limits(referrers=5))
    # Pages without an end, each of them empty.
    answering(server, {LIST: page(link=f'<{LIST}>; rel="next"')})
    with pytest.raises(LimitExceeded, match="limit referrers: 5"):
        asked(server, Limits(referrers=5))
    with pytest.raises(RegistryError, match="manifest_bytes"):
        asked(server, Limits(manifest_bytes=10))


def test_pages_elsewhere_are_not_followed(server: Server) -> None:
    for link in ("<http://127.0.0.1:1/x>; rel=next", "<ftp://x/>; rel=next", "<//other.example/>; rel=next"):
        answering(server, {LIST: page(link=link)})
        with pytest.raises(RegistryError, match="not followed"):
            asked(server)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"x", b'{"manifests": 1}', b'{"manifests": [{"size": 1}]}'])
def test_what_is_no_list(server: Server, body: bytes) -> None:
    answering(server, {LIST: Reply(200, body)})
    with pytest.raises((ImageError, RegistryError)):
        asked(server)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    with suppress(SecpipeError):
        referrers._entries(data, "it")


def test_refusals_are_errors(server: Server) -> None:
    answering(server, {LIST: Reply(500)})
    with pytest.raises(RegistryError):
        asked(server)


def artifact(subject: BuiltImage, kind: str) -> BuiltImage:
    """A manifest that refers to an image, with an empty configuration."""
    empty = b"{}"
    blob = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": images.digest(empty), "size": 2}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": blob,
        "layers": [blob],
        "subject": {key: subject.descriptor()[key] for key in ("mediaType", "digest", "size")},
    }
    return BuiltImage(json.dumps(document).encode(), OCI_MANIFEST, {images.digest(empty): empty})


def test_the_real_registry(registries: Registries) -> None:
    """It has no list, so clients keep the tag; what they put there is found."""
    whole = images.index([ONE, images.image([], architecture="arm64")])
    push(registries.anonymous, "referred", "1", whole)
    sbom = artifact(ONE, SPDX)
    push(registries.anonymous, "referred", "sbom", sbom)
    descriptor = {**sbom.descriptor(artifactType=SPDX)}
    del descriptor["platform"]
    listed = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor]}
    push(
        registries.anonymous,
        "referred",
        TAG,
        BuiltImage(json.dumps(listed).encode(), OCI_INDEX, {**sbom.blobs, sbom.digest: sbom.manifest}),
    )
    push(registries.anonymous, "referred", f"{TAG}.sig", TWO)
    target = f"{registries.anonymous}/referred:1"
    assert referring(ImageOptions(target)) == (whole.digest, [])
    result = secpipe("image", "referrers", target, "--platform", "linux/amd64", "-f", "json")
    assert result.code == 0
    schema = Path(__file__).parents[2] / "docs/schema/image.schema.json"
    jsonschema.validate(result.json, json.loads(schema.read_text()))
    assert result.json["digest"] == ONE.digest
    assert [found["digest"] for found in result.json["referrers"]] == [sbom.digest, TWO.digest]
    only = secpipe("image", "referrers", f"{registries.anonymous}/referred@{ONE.digest}", "--type", SPDX)
    assert only.stdout.splitlines() == [ONE.digest, f"{sbom.digest}  {SPDX}"]
    assert secpipe("image", "referrers", f"{registries.anonymous}/nothing:1").code == 3


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_what_skopeo_copies_is_looked_into(registries: Registries, tmp_path: Path) -> None:
    layout = images.write_layout(tmp_path / "layout", {"1": TWO})
    target = f"{registries.anonymous}/copied:1"
    command = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{target}"]
    subprocess.run(command, check=True)
    assert secpipe("image", "cat", target, "two").stdout == "2"
    found = secpipe("image", "inspect", target, "-f", "json").json
    assert found["manifest"]["config"]["digest"] == json.loads(TWO.manifest)["config"]["digest"]
