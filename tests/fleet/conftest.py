"""Both databases, for the same tests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.support.postgres import emptied, postgres

__all__ = ["postgres"]


@pytest.fixture
def new_sqlite(tmp_path: Path) -> Callable[[], str]:
    """Gives the address of a file that is not there yet, each time it is called."""
    numbers = count()
    return lambda: f"sqlite:{tmp_path / f'{next(numbers)}.sqlite'}"


@pytest.fixture
def new_postgres(postgres: str) -> Callable[[], str]:
    """Gives the address of a server's database without anything in it, each time it is called."""
    return lambda: emptied(postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives the address of a database without anything in it, each time it is called."""
    found: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    return found


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """The address of a database without anything in it."""
    return new_database()
