"""RUNs that could be one: DL3059 beyond the examples of its rule."""

from __future__ import annotations

from tests.lint.support import lines


def test_a_mount_is_the_same_with_other_names_for_its_options() -> None:
    one = "RUN --mount=type=cache,dst=/a b\n"
    assert lines(f"FROM debian:12\n{one}RUN --mount=target=/a,type=cache c\n", "DL3059") == [3]
    assert lines(f"FROM debian:12\n{one}RUN --mount=target=/b,type=cache c\n", "DL3059") == []
