"""Both databases, for the same tests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.support.postgres import emptied, postgres

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the address of a database without anything in it, each time it is called."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres")
        return lambda: emptied(url)
    numbers = count()
    return lambda: f"sqlite:{tmp_path / f'{next(numbers)}.sqlite'}"


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """The address of a database without anything in it."""
    return new_database()
