"""Fleets for the tests: many small images on few bases, pushed to a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.support.images import BuiltImage, BuiltLayer, files, image
from tests.support.packages import apk, dpkg, metadata, os_release
from tests.support.registry import push

_STATUS = [("openssl", "3.0.9-1"), ("zlib1g", "1:1.2.13.dfsg-1"), ("bash", "5.2.15-2")]
_INSTALLED = [("libssl3", "3.1.4-r0", "openssl"), ("busybox", "1.36.1-r5", "busybox")]
BASES = (
    BuiltLayer(
        files({"etc/os-release": os_release("debian", "12"), "var/lib/dpkg/status": dpkg(_STATUS)}),
        "ADD debian",
    ),
    BuiltLayer(
        files({"etc/os-release": os_release("alpine", "3.18.4"), "lib/apk/db/installed": apk(_INSTALLED)}),
        "ADD alpine",
    ),
)
_SITE = "usr/lib/python3.11/site-packages"


def _runtime(number: int) -> BuiltLayer:
    return BuiltLayer(
        files(
            {
                f"{_SITE}/requests-2.{30 + number}.0.dist-info/METADATA": metadata(
                    "requests", f"2.{30 + number}.0"
                )
            }
        ),
        f"RUN pip install requests==2.{30 + number}.0",
    )


def fleet(count: int) -> Iterator[tuple[str, str, BuiltImage]]:
    """Repository, tag and image of so many: two bases, five runtimes on each, and a layer of its own for each image."""
    for number in range(count):
        own = BuiltLayer(
            files({f"srv/app{number}": f"this is application {number}\n" * 50}), f"COPY app{number}"
        )
        yield (
            f"team{number % 8}/app",
            f"1.{number}",
            image([BASES[number % 2], _runtime(number // 2 % 5), own]),
        )


def layers_of(images: list[BuiltImage]) -> dict[str, int]:
    """The distinct layers of some images, and their bytes."""
    return {layer["digest"]: layer["size"] for one in images for layer in json.loads(one.manifest)["layers"]}


def pushed(address: str, count: int, prefix: str = "fleet") -> list[tuple[str, BuiltImage]]:
    """Push a fleet; returns its references, and the images."""
    there: dict[str, set[str]] = {}
    found = []
    for repository, tag, built in fleet(count):
        push(address, f"{prefix}/{repository}", tag, built, there=there.setdefault(repository, set()))
        found.append((f"{address}/{prefix}/{repository}:{tag}", built))
    return found
