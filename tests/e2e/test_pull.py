"""Pulling from the real registry, in its three flavours."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from secpipe.errors import AuthenticationError, ImageError, NotFoundError, SecpipeError
from secpipe.model.limits import MIB
from secpipe.oci.credentials import Credentials
from secpipe.oci.target import open_image
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer
from tests.support.registry import IDENTITY_TOKEN, PASSWORD, USERNAME, Registries, push

LAYERS = [
    BuiltLayer(images.files({"etc/os-release": "ID=alpine\nVERSION_ID=3.20\n"}), "ADD rootfs"),
    BuiltLayer(images.files({"srv/app": b"application" * 100_000}), "COPY app /srv", "none"),
    BuiltLayer(images.files({"srv/more": "more"}), "RUN make more", "zstd"),
]
OCI = images.image(LAYERS, empty_steps=["CMD app"])
DOCKER = images.image([BuiltLayer(layer.tar, layer.created_by) for layer in LAYERS], docker=True)
ARM64 = images.image(LAYERS[:1], architecture="arm64")
ARMV7 = images.image(LAYERS[1:2], architecture="arm", variant="v7")
INDEX = images.index([ARM64, OCI, ARMV7])
LIST = images.index([images.image(LAYERS[:1], docker=True, architecture="arm64"), DOCKER], docker=True)
ALICE = Credentials(USERNAME, PASSWORD)
AMD64 = "linux/amd64"


@pytest.fixture(scope="module")
def pushed(registries: Registries) -> Registries:
    """The registries with the images of these tests in them."""
    for tag, built in {"oci": OCI, "docker": DOCKER, "index": INDEX, "list": LIST}.items():
        for repository in ("pull/app", "public/app"):
            push(registries.anonymous, repository, tag, built)
    return registries


def contents(target: str, credentials: Credentials | None = None, **options: Any) -> list[bytes]:
    """The layers' bytes as stored."""
    with open_image(target, credentials=credentials, **options) as image:
        return [b"".join(layer.open()) for layer in image.layers]


def complaint(target: str, credentials: Credentials | None = None, **options: Any) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised:
        contents(target, credentials, **options)
    assert raised.value.exit_code == 3
    assert PASSWORD not in raised.value.message + raised.value.hint
    return raised.value


def blobs(built: BuiltImage) -> list[bytes]:
    return [built.blobs[layer["digest"]] for layer in json.loads(built.manifest)["layers"]]


@pytest.mark.parametrize("flavour", ["anonymous", "basic", "token"])
@pytest.mark.parametrize(
    ("tag", "built"), [("oci", OCI), ("docker", DOCKER), ("index", OCI), ("list", DOCKER)]
)
def test_images(pushed: Registries, flavour: str, tag: str, built: BuiltImage) -> None:
    address = getattr(pushed, flavour)
    credentials = None if flavour == "anonymous" else ALICE
    with open_image(f"{address}/pull/app:{tag}", credentials=credentials, platform=AMD64) as image:
        assert image.digest == built.digest
        assert [b"".join(layer.open()) for layer in image.layers] == blobs(built)
        assert [layer.instruction for layer in image.layers] == [layer.created_by for layer in LAYERS]
        assert [layer.diff_id for layer in image.layers] == [images.digest(layer.tar) for layer in LAYERS]


def test_platforms(pushed: Registries) -> None:
    target = f"{pushed.anonymous}/pull/app:index"
    assert contents(target, platform="linux/arm64") == blobs(ARM64)
    assert contents(target, platform="linux/arm64/v8") == blobs(ARM64)
    assert contents(target, platform="linux/arm/v7") == blobs(ARMV7)
    error = complaint(target, platform="linux/s390x")
    assert isinstance(error, ImageError)
    assert "linux/amd64, linux/arm/v7, linux/arm64" in error.message


def test_digests(pushed: Registries) -> None:
    for digest in (OCI.digest, INDEX.digest, DOCKER.digest):
        expected = DOCKER if digest == DOCKER.digest else OCI
        for name in (f"@{digest}", f":tag-that-is-not-there@{digest}"):
            assert contents(f"{pushed.anonymous}/pull/app{name}", platform=AMD64) == blobs(expected)


def test_names_that_are_not_there(pushed: Registries) -> None:
    for target in ("pull/app:none", "pull/none:oci", f"pull/app@sha256:{'0' * 64}"):
        for address, credentials in ((pushed.anonymous, None), (pushed.basic, ALICE), (pushed.token, ALICE)):
            error = complaint(f"{address}/{target}", credentials)
            assert isinstance(error, NotFoundError)
            assert f"{address}/{target}" in error.message
            assert error.hint


def test_without_credentials(pushed: Registries) -> None:
    for address in (pushed.basic, pushed.token):
        error = complaint(f"{address}/pull/app:oci")
        assert isinstance(error, AuthenticationError)
        assert "credentials" in error.message
        assert f"docker login {address}" in error.hint


def test_with_a_wrong_password(pushed: Registries) -> None:
    for address in (pushed.basic, pushed.token):
        error = complaint(f"{address}/pull/app:oci", Credentials(USERNAME, "guess"))
        assert isinstance(error, AuthenticationError)
        assert f"refuses the credentials of '{USERNAME}'" in error.message
        assert "guess" not in error.message


def test_anonymous_tokens(pushed: Registries) -> None:
    assert contents(f"{pushed.token}/public/app:oci") == blobs(OCI)
    _, query = pushed.issuer.requests[-1]
    assert query["scope"] == ["repository:public/app:pull"]


def test_an_identity_token(pushed: Registries) -> None:
    known = Credentials(identity_token=IDENTITY_TOKEN)
    assert contents(f"{pushed.token}/pull/app:oci", known) == blobs(OCI)
    assert pushed.issuer.requests[-1][0] == "POST"


def test_a_registry_token(pushed: Registries) -> None:
    access = [{"type": "repository", "name": "pull/app", "actions": ["pull"]}]
    known = Credentials(registry_token=pushed.issuer.token(access))
    assert contents(f"{pushed.token}/pull/app:oci", known) == blobs(OCI)
    expired = Credentials(registry_token=pushed.issuer.token(access, age=pushed.issuer.life + 120))
    assert isinstance(complaint(f"{pushed.token}/pull/app:oci", expired), AuthenticationError)


def test_credentials_of_docker(pushed: Registries, tmp_path: Path) -> None:
    encoded = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    file = tmp_path / "config.json"
    for key in (pushed.token, f"{pushed.token}/pull", f"http://{pushed.token}/v2/"):
        file.write_text(json.dumps({"auths": {key: {"auth": encoded}}}))
        assert contents(f"{pushed.token}/pull/app:oci", authfile=file) == blobs(OCI)
    error = complaint(f"{pushed.basic}/pull/app:oci", authfile=file)
    assert "without credentials" in error.message or "wants credentials" in error.message


def test_layers_side_by_side(pushed: Registries) -> None:
    with (
        open_image(f"{pushed.token}/pull/app:index", credentials=ALICE, platform=AMD64) as image,
        ThreadPoolExecutor(6) as pool,
    ):
        found = list(pool.map(lambda layer: b"".join(layer.open()), [*image.layers] * 4))
    assert found == blobs(OCI) * 4


@contextmanager
def cutting(address: str, after: int) -> Iterator[tuple[str, list[bytes]]]:
    """A relay to the registry that cuts every connection after so many bytes; and the requests that it saw."""
    host, _, port = address.rpartition(":")
    requests: list[bytes] = []
    relays: list[threading.Thread] = []

    def relay(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection((host, int(port))) as server:
            back = threading.Thread(target=upstream, args=(client, server))
            back.start()
            left = after
            with contextlib.suppress(OSError):
                while left > 0 and (data := server.recv(min(65536, left))):
                    client.sendall(data)
                    left -= len(data)
            hang_up(client, server)
            back.join()

    def upstream(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                requests.append(data)
                server.sendall(data)
        hang_up(server)

    def hang_up(*sides: socket.socket) -> None:
        for side in sides:
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            relays.append(threading.Thread(target=relay, args=(client,)))
            relays[-1].start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in relays:
                thread.join()


def test_a_cut_download_is_taken_up_again(pushed: Registries) -> None:
    big = BuiltLayer(images.files({"big": b"0123456789abcdef" * (MIB // 4)}), "COPY big /", "none")
    push(pushed.anonymous, "pull/big", "1", images.image([big]))
    with cutting(pushed.anonymous, 3 * MIB // 2) as (address, requests):
        assert contents(f"{address}/pull/big:1") == [big.tar]
    starts = [
        int(found[1]) for data in requests if (found := re.search(rb"range: bytes=(\d+)-\r\n", data.lower()))
    ]
    assert len(starts) >= 2
    assert starts == sorted(set(starts))


def test_nothing_but_pull_is_asked_of_the_token_service(pushed: Registries) -> None:
    pushed.issuer.requests.clear()
    contents(f"{pushed.token}/pull/app:oci", ALICE)
    scopes = {scope for _, query in pushed.issuer.requests for scope in query["scope"]}
    assert scopes == {"repository:pull/app:pull"}
    assert len(pushed.issuer.requests) == 1


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize(("tag", "flavour"), [("oci", "anonymous"), ("list", "basic"), ("index", "token")])
def test_skopeo_sees_the_same(pushed: Registries, tag: str, flavour: str) -> None:
    address = getattr(pushed, flavour)
    given = [] if flavour == "anonymous" else [f"--creds={USERNAME}:{PASSWORD}"]
    command = [
        "skopeo",
        "--override-arch=amd64",
        "--override-os=linux",
        "inspect",
        "--tls-verify=false",
        *given,
    ]
    theirs = subprocess.run(
        [*command, f"docker://{address}/pull/app:{tag}"], check=True, capture_output=True
    ).stdout
    credentials = None if flavour == "anonymous" else ALICE
    with open_image(f"{address}/pull/app:{tag}", credentials=credentials, platform=AMD64) as image:
        assert [layer.descriptor.digest for layer in image.layers] == json.loads(theirs)["Layers"]


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_layouts_that_skopeo_pulls(pushed: Registries, tmp_path: Path) -> None:
    command = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false"]
    subprocess.run(
        [*command, f"docker://{pushed.anonymous}/pull/app:index", f"oci:{tmp_path}:app"], check=True
    )
    for platform, layers in ((AMD64, LAYERS), ("linux/arm/v7", LAYERS[1:2])):
        with open_image(f"oci:{tmp_path}:app", platform=platform) as image:
            assert [layer.diff_id for layer in image.layers] == [images.digest(layer.tar) for layer in layers]
            assert all(b"".join(layer.open()) for layer in image.layers)
