"""What the reading of an image tells about itself, for whoever shows it to a person."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Told how far the reading of images is. Any thread may call it, for every chunk that it reads."""

    def image(self, layers: int) -> None:
        """One more image, of so many layers, is about to be read."""

    def layer(self, cached: bool) -> None:
        """One more layer is done; `cached` when what is in it was known already."""

    def reading(self, what: str, size: int | None) -> AbstractContextManager[Callable[[int], object]]:
        """Something is read while the context lasts; what comes out is told each number of bytes that was.

        `size` is how many there will be, None when nobody knows. `what` may hold any text.
        """
