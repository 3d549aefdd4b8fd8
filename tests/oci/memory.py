"""An image source in memory, and manifests to break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from secpipe.model.image import Descriptor
from tests.support.images import BuiltImage


class Memory:
    """Documents and blobs by digest, and one image under the name `tag`."""

    where = "memory"
    remote = False

    def __init__(self, built: BuiltImage, content_type: str | None = None) -> None:
        self.contents = {**built.blobs, built.digest: built.manifest, "tag": built.manifest}
        self.content_type = built.media_type if content_type is None else content_type
        self.asked: list[str] = []

    def manifest(self, identifier: str) -> tuple[bytes, str]:
        self.asked.append(identifier)
        return self.contents[identifier], self.content_type if identifier == "tag" else ""

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        self.asked.append(descriptor.digest)
        yield self.contents[descriptor.digest]

    def extent(self, descriptor: Descriptor) -> None:
        """They lie in no file."""


def changed(document: bytes, **members: Any) -> bytes:
    """A JSON object with members replaced; None removes one."""
    value = {**json.loads(document), **members}
    return json.dumps({key: member for key, member in value.items() if member is not None}).encode()
