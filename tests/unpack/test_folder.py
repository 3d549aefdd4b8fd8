"""A root filesystem in a directory, read as if it were an image's only layer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.limits import Limits
from secpipe.oci.target import open_image
from secpipe.unpack.layer import LayerExtract, Run, read_layer
from secpipe.unpack.view import FileView, open_view


def view(root: Path, *patterns: str, limits: Limits | None = None) -> FileView:
    with open_image(f"dir:{root}") as image:
        return open_view(image, patterns, limits or Limits())


def extract(
    root: Path, wanted: Callable[[bytes], bool] = lambda name: False, limits: Limits | None = None
) -> LayerExtract:
    with open_image(f"dir:{root}") as image:
        return read_layer(image.layers[0], wanted, limits or Limits(), whole=True)


def test_files_and_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "lib").symlink_to("usr/lib")
    (root / "usr/lib/os-release").write_text("ID=x\n")
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / "etc/other").symlink_to("/usr/lib/hard")
    os.link(root / "usr/lib/os-release", root / "usr/lib/hard")
    found = view(root, "etc/os-release", "etc/other", "lib/os-release", "etc/none")
    assert (
        found.read("etc/os-release") == found.read("etc/other") == found.read("lib/os-release") == b"ID=x\n"
    )
    assert found.read("etc/none") is None
    assert found.problems == ()


def test_no_link_leads_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "relative").symlink_to("../../../../../.." + str(tmp_path / "secret"))
    (root / "folder").symlink_to(tmp_path / "outside")
    found = view(root, "absolute", "relative", "folder/file", "folder/*")
    assert [found.read(name) for name in ("absolute", "relative", "folder/file")] == [None] * 3
    assert {problem.code for problem in found.problems} == {"dangling-link"}


def test_whiteouts_are_files_here(tmp_path: Path) -> None:
    (tmp_path / ".wh.a").write_text("1")
    (tmp_path / ".wh..wh..opq").touch()
    (tmp_path / "a").write_text("2")
    found = view(tmp_path, "a", ".wh.a")
    assert (found.read("a"), found.read(".wh.a")) == (b"2", b"1")


def test_entries(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o750)
    (tmp_path / "d/f").write_bytes(b"123")
    (tmp_path / "d/f").chmod(0o4755)
    os.mkfifo(tmp_path / "p")
    (tmp_path / "s").symlink_to("d")
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff", os.O_CREAT))
    found = extract(tmp_path)
    assert found.attributes
    entries = [
        (
            entry.parent + b"/" * bool(entry.parent) + entry.names,
            "file",
            b"",
            found.attributes.of(entry.first),
        )
        if isinstance(entry, Run)
        else (entry.name, entry.kind, entry.link, found.attributes.of(entry.ordinal))
        for entry in found.entries
    ]
    umask = os.umask(0)
    os.umask(umask)
    assert entries == [
        (b"d", "directory", b"", (0o750, 0)),
        (b"p", "device", b"", (0o666 & ~umask, 0)),
        (b"s", "symlink", b"d", (0o777, 0)),
        (b"\xff", "file", b"", (0o777 & ~umask, 0)),
        (b"d/f", "file", b"", (0o4755, 3)),
    ]


def test_what_nobody_asked_for_is_packed_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").touch()
    os.truncate(tmp_path / "big", 1 << 40)
    with open_image(f"dir:{tmp_path}") as image:
        found = read_layer(image.layers[0], lambda name: False, Limits())
    assert [type(entry) for entry in found.entries] == [Run]
    assert (found.contents, found.count) == ({}, 1)


def test_bounds(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "f").write_bytes(bytes(100))
    assert extract(tmp_path, lambda name: True, Limits(file_bytes=99)).oversized
    assert [problem.code for problem in view(tmp_path, "f", limits=Limits(file_bytes=99)).problems] == [
        "file-too-large"
    ]
    for limits in (Limits(path_components=1), Limits(path_bytes=2), Limits(path_steps=2)):
        with pytest.raises(LimitExceeded):
            extract(tmp_path, limits=limits)
    with pytest.raises(LimitExceeded, match="image-entries"):
        extract(tmp_path, limits=Limits(image_entries=3))


def test_deep_folders(tmp_path: Path) -> None:
    """Deeper than a path may be long and than files may be open."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir(b"d" * 20, dir_fd=here)
        below = os.open(b"d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    limits = Limits()
    try:
        assert extract(tmp_path, limits=limits).count == 1500
    finally:
        subprocess.run(["rm", "-rf", tmp_path / ("d" * 20)], check=True)


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "hidden").write_text("x")
    (tmp_path / "link").symlink_to("hidden")
    (tmp_path / "open").write_text("x")
    real = os.open

    def forbidding(path: bytes | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if path in (b"var", b"secret", b"hidden"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", forbidding)
    found = view(tmp_path, "var/*", "secret", "link", "open")
    assert found.read("open") == b"x"
    told = {problem.message for problem in found.problems if problem.code == "unreadable-file"}
    for name in ("var", "secret", "hidden"):
        assert f"{name} cannot be read: Permission denied" in told


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot read"):
        read_layer_of(tmp_path / "gone")


def read_layer_of(path: Path) -> None:
    path.mkdir()
    with open_image(f"dir:{path}") as image:
        path.rmdir()
        read_layer(image.layers[0], lambda name: False, Limits())
