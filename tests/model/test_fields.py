"""Structs whose fields do not all count."""

from __future__ import annotations

import pickle
from typing import ClassVar

from msgspec.structs import replace

from secpipe.model import fields
from secpipe.model.fields import PartlyCompared


class Word(PartlyCompared, frozen=True):
    ASIDE: ClassVar = frozenset({"place"})
    text: str
    place: str = ""


class Other(PartlyCompared, frozen=True):
    text: str


def test_what_stands_aside_is_not_compared() -> None:
    one = Word("a", "here")
    assert one == replace(one, place="there")
    assert len({one, Word("a", "there"), Word("b", "here")}) == 2
    assert one != Word("b", "here")
    assert one != Other("a")
    assert one != "a"


def test_it_is_there_all_the_same() -> None:
    one = Word("a", "here")
    assert fields.names(Word) == ("text", "place")
    assert repr(one) == "Word(text='a', place='here')"
    assert pickle.loads(pickle.dumps(one)).place == "here"  # our own
