"""What a target is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError, InvalidReference, UsageError
from secpipe.oci import target
from secpipe.oci.target import open_image, registry_reference, split_path
from tests.support import images
from tests.support.images import BuiltLayer

IMAGE = images.image([BuiltLayer(images.files({"one": "1"}))])


def kind(text: str) -> str:
    opener, rest = target._recognise(text)
    names = {id(opener): name for name, opener in target._OPENERS.items()}
    return f"{names.get(id(opener), 'path')}|{rest}"


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        ("registry:alpine", "registry|alpine"),
        ("alpine", "registry|alpine"),
        ("alpine:3.20", "registry|alpine:3.20"),
        ("localhost:5000/app", "registry|localhost:5000/app"),
        ("oci:folder:1", "oci|folder:1"),
        ("oci-archive:a.tar", "oci-archive|a.tar"),
        ("docker-archive:a.tar:app:1", "docker-archive|a.tar:app:1"),
        ("./nothing", "path|./nothing"),
        ("/nothing", "path|/nothing"),
        ("here", "registry|here"),
        ("here:1", "registry|here:1"),
        ("./here:1", "path|./here:1"),
        ("here/layout", "path|here/layout"),
        ("here/layout:app:1", "path|here/layout:app:1"),
        ("here/layout@1", "path|here/layout@1"),
        ("here/file", "path|here/file"),
        ("elsewhere/here", "registry|elsewhere/here"),
        ("oci:", "registry|oci:"),
        ("dir:/", "dir|/"),
        ("docker:app:1", "docker|app:1"),
        ("podman:app", "podman|app"),
        ("-", "path|-"),
        ("-:app:1", "path|-:app:1"),
        ("docker-archive:-", "docker-archive|-"),
    ],
)
def test_kinds(text: str, recognised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images.write_layout(tmp_path / "here/layout", {"1": IMAGE})
    (tmp_path / "here/file").touch()
    assert kind(text) == recognised


def test_a_list_of_packages_is_no_image() -> None:
    with pytest.raises(UsageError, match="list of packages and no image"), open_image("sbom:x.json"):
        pass


def test_the_reference_that_a_target_is() -> None:
    assert str(registry_reference("registry:app")) == "docker.io/library/app:latest"
    assert registry_reference("docker:app") is None


def test_an_unknown_kind_before_a_path(tmp_path: Path) -> None:
    images.write_docker_archive(tmp_path / "a.tar", {"app:1": IMAGE})
    with (
        pytest.raises(UsageError, match="'dockerarchive:' is no kind of target") as raised,
        open_image(f"dockerarchive:{tmp_path}/a.tar"),
    ):
        pass
    for known in (
        "registry:",
        "oci:",
        "oci-archive:",
        "docker-archive:",
        "docker:",
        "podman:",
        "dir:",
        "sbom:",
    ):
        assert known in raised.value.hint


def test_wrong_references() -> None:
    with pytest.raises(InvalidReference), open_image("registry:UPPER"):
        pass
    with pytest.raises(InvalidReference), open_image("https://ghcr.io/app"):
        pass
    with pytest.raises(InvalidReference), open_image(""):
        pass
    with pytest.raises(UsageError, match="platform"), open_image("alpine", platform="linux"):
        pass


def test_paths_with_colons_and_ats(tmp_path: Path) -> None:
    odd = tmp_path / "a:b@c"
    images.write_layout(odd, {"1": IMAGE})
    assert split_path(f"{odd}:1") == (odd, "1")
    assert split_path(f"{odd}@sha256:x") == (odd, "@sha256:x")
    assert split_path(str(odd)) == (odd, "")
    for text in (f"oci:{odd}:1", f"{odd}:1", f"{odd}:@0", f"{odd}@0", f"{odd}@{IMAGE.digest}"):
        with open_image(text) as image:
            assert image.digest == IMAGE.digest
    with pytest.raises(UsageError, match="does not exist"):
        split_path(f"{tmp_path}x:1")


def test_paths_that_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="empty directory"), open_image(str(tmp_path)):
        pass
    with pytest.raises(UsageError, match="is no directory"), open_image(f"oci:{__file__}"):
        pass
    with pytest.raises(ImageError, match="no tar archive") as raised, open_image(__file__):
        pass
    assert raised.value.hint


@given(st.text())
def test_any_text_is_recognised_or_refused(text: str) -> None:
    for candidate in (text, "oci:" + text, "./" + text, text + ":1"):
        try:
            _, rest = target._recognise(candidate)
            split_path(rest)
        except UsageError:
            continue
