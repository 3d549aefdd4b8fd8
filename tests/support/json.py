"""JSON of any shape."""

from __future__ import annotations

from hypothesis import strategies as st


def values(*keys: str) -> st.SearchStrategy[object]:
    """Values in which objects have some of these keys, and others."""
    return st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(keys) | st.text(max_size=3), inner, max_size=4)
        ),
        max_leaves=8,
    )
