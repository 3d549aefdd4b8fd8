"""The one place where names of both sides are made to meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.advisories.names import base, normalise, places, release


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("PyPI", "Friendly-._.-Bard", "friendly-bard"),
        ("PyPI", "jw.util", "jw-util"),
        ("Debian:12", "libstdc++6", "libstdc++6"),
        ("Go", "github.com/A/b.c", "github.com/a/b.c"),
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


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9"),
        ("Red Hat:enterprise_linux:9", "Red Hat:enterprise_linux:9"),
        ("Red Hat:enterprise_linux:10.1", "Red Hat:enterprise_linux:10"),
        ("Red Hat:rhel_eus:9.2::baseos", "Red Hat:rhel_eus:9.2::baseos"),
        ("Red Hat:openshift:4.12::el8", "Red Hat:openshift:4.12::el8"),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise 15 SP5"),
        ("SUSE:Linux Enterprise Module for Python 3 15 SP5", "SUSE:Linux Enterprise 15 SP5"),
        ("SUSE:Linux Enterprise Server 15 SP3-LTSS", "SUSE:Linux Enterprise 15 SP3"),
        ("SUSE:Linux Enterprise High Performance Computing 15 SP4-ESPOS", "SUSE:Linux Enterprise 15 SP4"),
        ("SUSE:Linux Enterprise Server 12 SP5-LTSS", "SUSE:Linux Enterprise 12 SP5"),
        ("SUSE:Linux Enterprise Server LTSS Extended Security 12 SP5", "SUSE:Linux Enterprise 12 SP5"),
        ("SUSE:Linux Enterprise Module for Public Cloud 12", "SUSE:Linux Enterprise 12"),
        ("SUSE:Linux Enterprise Server 16.0", "SUSE:Linux Enterprise 16.0"),
        ("SUSE:Package Hub 15 SP5", "SUSE:Linux Enterprise 15 SP5"),
        ("SUSE:Linux Enterprise Micro 5.5", "SUSE:Linux Enterprise Micro 5.5"),
        ("SUSE:Linux Micro 6.1", "SUSE:Linux Micro 6.1"),
        ("SUSE:Manager Server 4.3", "SUSE:Manager Server 4.3"),
        ("openSUSE:Leap 15.5", "openSUSE:Leap 15.5"),
        ("Debian:12", "Debian:12"),
        ("Packagist:https://packages.drupal.org/8", "Packagist"),
        ("Maven:https://maven.google.com", "Maven"),
    ],
)
def test_products_of_a_release_are_looked_up_as_it(told: str, expected: str) -> None:
    assert release(told) == expected
    assert release(expected) == expected
    assert expected in places(expected)


def test_modules_of_suse_12_are_for_its_service_packs() -> None:
    assert places("SUSE:Linux Enterprise 12 SP5")[1] == "SUSE:Linux Enterprise 12"
    assert places("SUSE:Linux Enterprise 12") == ("SUSE:Linux Enterprise 12",)


@given(st.text(max_size=60).map("SUSE:Linux Enterprise ".__add__) | st.text())
def test_any_text_is_some_release(text: str) -> None:
    assert release(release(text)) == release(text)
