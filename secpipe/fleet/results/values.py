"""What the one who writes results is given and gives."""

from __future__ import annotations

from msgspec import Struct


class Run(Struct, frozen=True):
    """One run over the fleet. `resumed` tells that an earlier process began it, and did not come to its end."""

    number: int
    catalogers: str
    resumed: bool = False


def tagged(reference: str) -> tuple[str, bool]:
    """A reference as the history knows it, and whether it can lead to several images at once.

    The digest behind a tag changes from one image to the next that runs under the name, and for a while both may run.
    A reference without a tag is known by its digest.
    """
    name, at, _ = reference.partition("@")
    if not at:
        return reference, False
    return (name, True) if ":" in name.rpartition("/")[2] else (reference, False)
