"""What a lint says of its sources."""

from __future__ import annotations

import pytest

from secpipe.model.lint import Sources


def test_lines_are_those_of_the_file_without_their_ends() -> None:
    sources = Sources({"a": "FROM x\r\nRUN y", "b": ""})
    assert sources == {"a": ("FROM x", "RUN y"), "b": ("",)}
    assert sources["a"] is sources["a"]
    assert sources.get("c", ()) == ()
    with pytest.raises(KeyError):
        sources["c"]
