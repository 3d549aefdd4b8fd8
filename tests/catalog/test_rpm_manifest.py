"""The list of packages in Microsoft's distroless images."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import rpm_manifest
from secpipe.model.package import Package, Source
from secpipe.model.problem import Problem
from secpipe.unpack.view import File

PATH = "var/lib/rpmmanifest/container-manifest-2"
MORE = "1653816591\t1653753130\tMicrosoft Corporation\t(none)\t4326"


def parse(text: str | bytes) -> list[Package | Problem]:
    return list(rpm_manifest.parse(File(PATH, text.encode() if isinstance(text, str) else text)))


def test_fields() -> None:
    text = (
        f"glibc\t2.35-1.cm2\t{MORE}\tx86_64\t0\tglibc-2.35-1.cm2.src.rpm\n"
        f"openssl-libs\t1.1.1k-15.cm2\t{MORE}\taarch64\t1\topenssl-1.1.1k-15.cm2.src.rpm\n"
        f"odd\t1-1\t{MORE}\t(none)\t(none)\t(none)\n"
    )
    vendor = "Microsoft Corporation"
    assert parse(text) == [
        Package("glibc", "2.35-1.cm2", "rpm", PATH, Source("glibc", "2.35-1.cm2"), "x86_64", vendor=vendor),
        Package(
            *(
                "openssl-libs",
                "1:1.1.1k-15.cm2",
                "rpm",
                PATH,
                Source("openssl", "1:1.1.1k-15.cm2"),
                "aarch64",
            ),
            vendor=vendor,
        ),
        Package("odd", "1-1", "rpm", PATH, vendor=vendor),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"{PATH}: the package database is empty"),
        ("a\t1-1\n", f"{PATH}, line 1: no package of 10 fields"),
        (f"\n a\t1-1\t{MORE}\tx\t0\tb\n", f"{PATH}, line 2: no package of 10 fields"),
        (f"a\t1-1\t{MORE}\tx\t0\tb", f"{PATH}: the package database ends within a line, as if cut short"),
    ],
)
def test_what_is_no_such_list_is_told(text: str, message: str) -> None:
    assert [item.message for item in parse(text) if isinstance(item, Problem)] == [message]


@given(st.binary() | st.text("a1\t-\n.").map(str.encode))
def test_any_bytes_are_read_or_told(data: bytes) -> None:
    assert parse(data)
