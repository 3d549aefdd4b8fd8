"""Ours is the `NamedTuple` that everybody knows."""

from __future__ import annotations

import inspect
import pickle
import typing

import pytest

from secpipe.model.lint import LintFinding
from secpipe.model.location import Region
from secpipe.model.named import NamedTuple
from secpipe.model.severity import Level


class Ours(NamedTuple):
    """A place."""

    file: str
    line: int = 1
    """From 1."""
    words: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return f"{self.file}:{self.line}"

    def below(self) -> Ours:
        return self._replace(line=self.line + 1)


class Theirs(typing.NamedTuple):
    """A place."""

    file: str
    line: int = 1
    """From 1."""
    words: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return f"{self.file}:{self.line}"

    def below(self) -> Theirs:
        return self._replace(line=self.line + 1)


def test_it_is_what_typing_makes() -> None:
    assert Ours._fields == Theirs._fields
    assert Ours._field_defaults == Theirs._field_defaults
    assert Ours.__mro__[1:] == Theirs.__mro__[1:]
    assert inspect.signature(Ours).parameters.keys() == inspect.signature(Theirs).parameters.keys()
    assert (Ours.__doc__, Ours.__module__, Ours.__qualname__) == (Theirs.__doc__, __name__, "Ours")
    assert vars(Ours).keys() - vars(Theirs).keys() == set()


@pytest.mark.parametrize("given", [("a",), ("a", 3), ("a", 3, ("b", "c"))])
def test_its_values_are_the_same(given: tuple[typing.Any, ...]) -> None:
    ours, theirs = Ours(*given), Theirs(*given)
    assert tuple(ours) == ours == tuple(theirs)
    assert hash(ours) == hash(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert (ours.shown, *ours.below()) == (theirs.shown, *theirs.below())
    assert ours._asdict() == theirs._asdict()
    assert ours == Ours(**ours._asdict())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeError):
        Ours(line=3)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        Ours("a").line = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Ours("a").column = 2  # type: ignore[attr-defined]


def test_one_that_went_to_another_process_is_of_the_same_class() -> None:
    finding = LintFinding("a", Region(1, 2, 3, 4), "DL3006", Level.WARNING, "")
    back = pickle.loads(pickle.dumps(finding))
    assert back == finding
    assert (type(back), type(back.region)) == (LintFinding, Region)
