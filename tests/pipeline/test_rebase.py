"""What another base would change, package by package."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from secpipe.model.package import Origin, Package
from secpipe.pipeline.rebase import rebased
from tests.support.reports import finding, package

CURL = package("curl", "1")
VENV = replace(
    package("requests", "2.30.0"),
    type="pypi",
    purl="pkg:pypi/requests@2.30.0",
    path="usr/lib/python3.11/site-packages/requests-2.30.0.dist-info/METADATA",
)
NEWER = replace(
    VENV,
    version="2.31.0",
    purl="pkg:pypi/requests@2.31.0",
    path="usr/lib/python3.12/site-packages/requests-2.31.0.dist-info/METADATA",
)


@pytest.mark.parametrize(
    ("ours", "origin", "there", "affected", "fate"),
    [
        (CURL, "", package("curl", "2"), False, "removed"),
        (CURL, "", package("curl", "2"), True, "stays"),
        (CURL, "base", package("zlib1g", "2"), False, "removed"),
        (CURL, "", package("zlib1g", "2"), False, ""),
        (CURL, "app", package("curl", "2"), False, ""),
        (VENV, "", NEWER, False, "removed"),
        (replace(VENV, path="app/" + VENV.path), "", NEWER, False, ""),
    ],
)
def test_what_becomes_of_a_finding(
    ours: Package, origin: Origin, there: Package, affected: bool, fate: str
) -> None:
    mine = finding("CVE-1-1", replace(ours, origin=origin))
    others = [finding("CVE-1-1", there)] if affected else []
    (told,), come = rebased([mine], [there], others)
    assert told.on_new_base == fate
    assert come == ()


def test_what_the_other_base_brings_comes_worst_first() -> None:
    others = [finding("CVE-1-2", package("zlib1g", "2")), finding("CVE-1-1", CURL)]
    (told,), come = rebased([finding("CVE-1-1", CURL)], [one.package for one in others], others)
    assert told.on_new_base == "stays"
    assert [(one.id, one.package, one.version) for one in come] == [("CVE-1-2", "zlib1g", "2")]
