"""Which registries are trusted, and which names are archives."""

from __future__ import annotations

import pytest

from secpipe.lint.archives import is_tar, may_be_archive
from secpipe.lint.registry import is_trusted


@pytest.mark.parametrize(
    ("image", "pattern", "expected"),
    [
        ("debian:12", "docker.io", True),
        ("debian@sha256:ab", "hub.docker.com", True),
        ("docker.io/debian", "index.docker.io", True),
        ("team/app", "docker.io/team", True),
        ("debian", "docker.io/library", True),
        ("docker.io/debian", "docker.io/library/", True),
        ("debian", "quay.io", False),
        ("base-${X}", "docker.io", True),
        ("quay.io/team/app:1", "quay.io", True),
        ("QUAY.io/team/app:1", "Quay.io", True),
        ("quay.io/team/app:1", "quay.io/team/*", True),
        ("quay.io/teams/app:1", "quay.io/team", False),
        ("quay.io/team", "quay.io/team", True),
        ("quay.io:443/x", "quay.io", False),
        ("localhost/x", "localhost", True),
        ("localhost:5000/x:1", "localhost:5000", True),
        ("a.corp.example/x", "*.corp.example", True),
        ("corp.example/x", "*.corp.example", False),
        ("a.corp.example/x", "a.*", True),
        ("a.corp.example/x", "*corp*", True),
        ("$X", "docker.io", False),
        ("$X/y", "*.example", False),
        ("$X/y", "*", True),
        ("quay.io/$X", "quay.io", True),
        ("", "quay.io", False),
    ],
)
def test_trusted_registries(image: str, pattern: str, expected: bool) -> None:
    assert is_trusted(image, ["registry.example.org", pattern]) is expected


@pytest.mark.parametrize(
    ("path", "archive", "tar"),
    [
        ("a.tar", True, True),
        ("x/a.TAR.gz", True, True),
        ("a.tgz", True, True),
        ("a.tbz2", True, True),
        ("a.gz", True, False),
        ("a.tar.*", True, True),
        ("*.tar.?z", True, True),
        ("a*.txt", False, False),
        ("a.tar/*", False, False),
        ("a.tar.d/b", False, False),
        ("a.zip", False, False),
        ("tar", False, False),
        ("", False, False),
    ],
)
def test_archives_by_name(path: str, archive: bool, tar: bool) -> None:
    assert may_be_archive(path) is archive
    assert is_tar(path) is tar


def test_long_names_take_no_long_time() -> None:
    assert not may_be_archive(".tar" * 1_000_000 + "x")
    assert not is_tar(".tarx" * 1_000_000)
