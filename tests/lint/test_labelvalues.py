"""The kinds of label values beyond the rules' own examples: any text is answered, and quickly."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.lint import labelvalues as values
from secpipe.lint.options import LABEL_TYPES

KINDS = {kind: fits for kind, (fits, _) in values.KINDS.items()}
HOSTILE = [
    "a" * 50_000,
    "a:" + "//" * 25_000 + "|",
    "a://" + "a@" * 25_000 + "|",
    "a://" + "a:" * 25_000 + "|",
    "a." * 25_000 + "@",
    "a@" + "a." * 25_000 + "_",
    "a@" + "a-" * 25_000,
    '"' + "\\a" * 25_000,
    "(" * 50_000,
    "( " * 25_000 + "MIT",
    " " * 50_000 + "@",
    "MIT OR " * 5_000,
    "1.2.3-" + "a." * 25_000 + "+",
    "1" * 50_000 + ".",
    "9" * 50_000 + "-01-01T00:00:00Z",
]


def test_every_kind_but_text_is_tried_here() -> None:
    assert set(LABEL_TYPES) == {"text", *KINDS}


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_any_text_is_answered(kind: str, text: str) -> None:
    assert KINDS[kind](text) in (True, False)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_values_are_answered_at_once(kind: str) -> None:
    start = time.perf_counter()
    for text in HOSTILE:
        KINDS[kind](text)
    assert time.perf_counter() - start < 5


@given(st.datetimes(timezones=st.timezones()))
def test_what_python_writes_is_a_time(moment: datetime) -> None:
    text = moment.isoformat()
    # Old time zones have offsets with seconds, for which RFC 3339 has no room.
    if len(text.rpartition("+" if "+" in text else "-")[2]) == len("01:00"):
        assert values.is_time(text)


@given(st.dates(), st.integers(29, 31))
def test_days_that_do_not_exist_are_no_time(date: object, day: int) -> None:
    text = f"{str(date)[:8]}{day}"
    try:
        datetime.fromisoformat(text)
        exists = True
    except ValueError:
        exists = False
    assert values.is_time(f"{text}T00:00:00Z") == exists


@given(
    st.sampled_from(["v1.2.3", "1.2.3", "1.2.3-a+b", "1.2", "1.2.3-01", "1.2.3-0a", "1.2.3+a.0"]),
    st.text(max_size=3),
)
def test_a_line_end_belongs_to_no_value(version: str, rest: str) -> None:
    assert not values.is_semver(f"{version}{rest}\n")
    assert not values.is_git_hash("0123456\n")
    assert not values.is_time("2024-05-01T12:00:00Z\n")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a://[v1.x]:1",
        "a:?b/#c?",
        "a:/b//c",
        "http:",
        "http://1.2.3.4.5",
        "a://b@c/",
        "a://[::ffff:1.2.3.4]",
    ],
)
def test_uris(text: str) -> None:
    assert values.is_uri(text) == (text != "a")


@pytest.mark.parametrize(
    "text", ["a://b@c@d/", "a://[::1", "a://::1]", "a://[1::2::3]", "a:b|c", "a:%a", "ä:b", ":b", ""]
)
def test_what_is_no_uri(text: str) -> None:
    assert not values.is_uri(text)


@pytest.mark.parametrize("text", ['"a b"@c', '"a\\"b"@c', "(x) a @ b (y)", "a@[IPv6:::1]", f"{'a' * 64}@b"])
def test_addresses(text: str) -> None:
    assert values.is_email(text)


@pytest.mark.parametrize(
    "text", ["a@b.", f"{'a' * 65}@b", f"a@{'b' * 64}", "a@b, c@d", '"a@b', "a@[b", "(a@b"]
)
def test_what_is_no_address(text: str) -> None:
    assert not values.is_email(text)


def test_licences_nest() -> None:
    assert values.is_licence("(" * 1000 + "MIT" + ")" * 1000)
    assert values.is_licence("DocumentRef-a:LicenseRef-b")
    assert not values.is_licence("")
    assert not values.is_licence("LicenseRef-")
