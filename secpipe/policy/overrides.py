"""Gates of their own for some packages, paths or images."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from secpipe.model.scan import Finding
from secpipe.policy.gate import Conditions, Gate
from secpipe.policy.globs import matches
from secpipe.policy.suppress import is_in


class Override(Struct, frozen=True):
    """A gate, and what it is for; an empty field asks for nothing.

    `package` is a name or a package URL without version; `path` and `image` are globs, for the file that names the package
    and for the reference as it was given.
    """

    gate: Gate
    package: str = ""
    path: str = ""
    image: str = ""


class Gates(Struct, frozen=True):
    """The gate of an image, and those of some of its packages, of which the first that concerns one holds."""

    gate: Gate
    overrides: tuple[Override, ...] = ()

    def of(self, finding: Finding) -> Gate:
        """The gate that a finding is held against."""
        found = (one.gate for one in self.overrides if is_in(one, finding.package))
        return next(found, self.gate)

    @property
    def conditions(self) -> tuple[Conditions, ...]:
        """Those of all gates, each once."""
        every = (*self.gate, *(one for override in self.overrides for one in override.gate))
        return tuple(dict.fromkeys(every))


def for_image(gate: Gate, overrides: Sequence[Override], reference: str) -> Gates:
    """The gates for one image. An override without package and path is for all of it, and ends the list."""
    some: list[Override] = []
    for one in overrides:
        if one.image and not matches(one.image, reference):
            continue
        if not (one.package or one.path):
            return Gates(one.gate, tuple(some))
        some.append(one)
    return Gates(gate, tuple(some))
