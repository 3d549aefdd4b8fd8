"""What is installed in an image: one module an ecosystem, and the engine that runs them all.

A cataloger is a module of this package whose name does not start with `_`. It has

- `NAME` and `VERSION` (raise it when the same file gives other packages than before),
- `TYPE`, the purl type of its packages,
- `GLOBS`, the files it reads (patterns as in `secpipe.unpack.patterns`; `PROGRAMS` stands for programs of any name, of which
  `_programs` keeps what it knows),
- `KEPT`, those of them, at fixed places, that are gone only when somebody deletes what is known of packages which may
  still be there (a manager that keeps a file a package deletes it with the package),
- `COMPLETE`, those of them whose directory is one package, so that without that file it is a problem,
- optionally `OWNED`, the files in which a package manager keeps what files it brought, and `owned(file, paths)`, which of
  the paths they name (see `_owners`),
- optionally `BESIDE`, files that tell more of the package whose file is in the same folder, and `beside(file)`, what they
  tell as qualifiers of its package URL, or a Problem,
- optionally `ONCE`, true where a package that several of its files list, in the same version, is one,
- optionally `distil(path, data, limits)`, what is kept of such a file in memory and in the cache, where that is much less;
  `parse` is given that,
- `parse(file) -> Iterator[Package | Problem]`, a pure function of `file.path` and `file.data`.

Adding an ecosystem is adding such a module and its test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.catalog._engine import (
    Inventory,
    file_view,
    inventory,
    keep_layer,
    knows_layer,
    patterns,
    versions,
)

if TYPE_CHECKING:
    from secpipe.catalog._sbom import Listed
    from secpipe.model.limits import Limits

__all__ = [
    "Inventory",
    "file_view",
    "inventory",
    "keep_layer",
    "knows_layer",
    "patterns",
    "read_sbom",
    "versions",
]


def read_sbom(data: bytes, what: str, limits: Limits) -> Listed:
    """As `secpipe.catalog._sbom.read`, which only those load who read a list."""
    from secpipe.catalog._sbom import read

    return read(data, what, limits)
