"""An image as FROM names it, split into its parts.

Source: the reference grammar of distribution/reference; nothing is checked here, for variables may stand anywhere.
"""

from __future__ import annotations

from functools import lru_cache

from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_OFFICIAL = lazy(
    r"(?:(?:(?:registry-1\.|index\.)?docker\.io/)?(?:library/|amd64/|i386/|arm32v[567]/|arm64v8/|ppc64le/|riscv64/|s390x/)?"
    r"|(?:public\.ecr\.aws/docker|mirror\.gcr\.io)/library/)([a-z0-9][a-z0-9._-]*)"
)


class ImageName(NamedTuple):
    """`name[:tag][@digest]`; `tag` and `digest` keep their mark, so that an empty one is still there."""

    name: str
    tag: str | None
    digest: str | None

    @property
    def last_component(self) -> str:
        """What follows the last slash of the name."""
        return self.name.rpartition("/")[2]


@lru_cache(256)
def split(text: str) -> ImageName:
    """Split a reference; a colon before the last slash belongs to a registry's port, one in `${…}` to a variable."""
    name, at, digest = text.partition("@")
    slash = name.rfind("/")
    colon = _colon(name, slash + 1)
    return ImageName(
        name[:colon] if colon >= 0 else name,
        name[colon + 1 :] if colon >= 0 else None,
        digest if at else None,
    )


def _colon(text: str, start: int) -> int:
    """The first colon from `start` that is in no braces, -1 for none."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
        elif text[index] == ":" and depth <= 0:
            return index
    return -1


@lru_cache(256)
def official(name: str) -> str:
    """The bare name of one of Docker's official images (`debian` for `docker.io/library/debian`), '' for any other."""
    match = _OFFICIAL.fullmatch(name)
    return match[1] if match else ""
