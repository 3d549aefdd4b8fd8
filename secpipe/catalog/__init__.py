"""What is installed in an image: one module an ecosystem, and the engine that runs them all.

A cataloger is a module of this package whose name does not start with `_`. It has

- `NAME` and `VERSION` (raise it when the same file gives other packages than before),
- `TYPE`, the purl type of its packages,
- `GLOBS`, the files it reads (patterns as in `secpipe.unpack.patterns`),
- `parse(file) -> Iterator[Package | Problem]`, a pure function of `file.path` and `file.data`.

Adding an ecosystem is adding such a module and its test.
"""

from secpipe.catalog._engine import Inventory, inventory, patterns

__all__ = ["Inventory", "inventory", "patterns"]
