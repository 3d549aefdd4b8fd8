"""The one place where names of both sides are made to meet."""

from __future__ import annotations

import pytest

from secpipe.advisories.names import base, normalise


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("PyPI", "Friendly-._.-Bard", "friendly-bard"),
        ("PyPI", "jw.util", "jw-util"),
        ("Debian:12", "libstdc++6", "libstdc++6"),
        ("Go", "github.com/A/b.c", "github.com/A/b.c"),
        ("npm", "@Scope/Name", "@Scope/Name"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
        ("Packagist", "Twig/Twig", "twig/twig"),
        ("Maven", "Org.A:B", "Org.A:B"),
    ],
)
def test_normalise(ecosystem: str, name: str, expected: str) -> None:
    assert normalise(ecosystem, name) == expected


def test_base() -> None:
    assert base("Ubuntu:Pro:16.04:LTS") == "Ubuntu"
    assert base("PyPI") == "PyPI"
