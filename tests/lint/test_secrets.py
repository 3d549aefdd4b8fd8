"""What a secret looks like: any text is read, and what people make up is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.lint.secrets import by_format, by_name, looks_random


@given(
    st.lists(
        st.sampled_from(["AKIA", "ghp_", "Z9k3", ".eyJ", "PRIVATE KEY-----", "token", "=", " ", "-", "\n"])
    ).map("".join)
)
def test_places_are_within_the_text(text: str) -> None:
    for secret in (*by_format(text), *by_name(text, environment=True)):
        assert 0 <= secret.start < secret.end <= len(text)


@pytest.mark.parametrize("value", ["8kFj3Lq0ZpWv7RtX2mNc", "4f9a8b7c-6d5e-4f3a-2b1c-0d9e8f7a6b5c"])
def test_values_that_look_random(value: str) -> None:
    assert looks_random(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "changeme12345",
        "correct-horse-battery",
        "/run/secrets/a1b2c3d4e5f6",
        "https://a1b2c3d4e5f6",
        "00000000-0000-0000",
        "aaaaaaaaaaaa1",
    ],
)
def test_values_that_people_make_up(value: str) -> None:
    assert not looks_random(value)
