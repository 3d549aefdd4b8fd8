"""WWW-Authenticate, as it should be and as it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.oci.challenge import MAX_LENGTH, parse, preferred

CASES: list[tuple[list[str], list[tuple[str, dict[str, str]]]]] = [
    (
        ['Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push"'],
        [
            (
                "bearer",
                {
                    "realm": "https://auth.example/token",
                    "service": "r.example",
                    "scope": "repository:a/b:pull,push",
                },
            )
        ],
    ),
    (
        ['Basic realm="a \\"quoted\\" realm, with comma"'],
        [("basic", {"realm": 'a "quoted" realm, with comma'})],
    ),
    (
        ["BEARER Realm=https://auth.example/token?x=1,SERVICE=s"],
        [("bearer", {"realm": "https://auth.example/token?x=1", "service": "s"})],
    ),
    (["Basic realm=simple"], [("basic", {"realm": "simple"})]),
    (["Basic"], [("basic", {})]),
    (["Negotiate", 'Basic realm="x"'], [("negotiate", {}), ("basic", {"realm": "x"})]),
    (
        ['Negotiate YII+/x==, Basic realm="x", Bearer realm="https://a/"'],
        [("negotiate", {}), ("basic", {"realm": "x"}), ("bearer", {"realm": "https://a/"})],
    ),
    (
        ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'],
        [
            ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
            ("basic", {"realm": "simple"}),
        ],
    ),
    (['Bearer realm = "https://a/" , scope = "x"'], [("bearer", {"realm": "https://a/", "scope": "x"})]),
    (['Bearer realm="https://one/",realm="https://two/"'], [("bearer", {"realm": "https://one/"})]),
    ([', ,, Basic realm="x",,'], [("basic", {"realm": "x"})]),
    (['Bearer realm="https://a/', 'Basic realm="x"'], [("basic", {"realm": "x"})]),
    (['Basic realm="x", Bearer realm="https://a/'], [("basic", {"realm": "x"})]),
    (['Bearer realm=""'], [("bearer", {"realm": ""})]),
    (["Bearer realm="], [("bearer", {"realm": ""})]),
    (['Bearer realm="a\\'], []),
    (["", "   ", "=", '"', "\x00"], []),
    ([], []),
]


@pytest.mark.parametrize(("headers", "expected"), CASES)
def test_parse(headers: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(found.scheme, dict(found.parameters)) for found in parse(headers)] == expected


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        (['Basic realm="x"', 'Bearer realm="https://a/"'], "bearer"),
        (['Basic realm="x"', "Bearer"], "basic"),
        (['Bearer realm=""', "Basic"], "basic"),
        (["Negotiate", "Digest realm=x"], None),
        ([], None),
    ],
)
def test_preference(headers: list[str], scheme: str | None) -> None:
    found = preferred(parse(headers))
    assert (found.scheme if found else None) == scheme


@pytest.mark.parametrize(
    "text",
    [
        'Bearer realm="' + "a" * 200_000 + '"',
        "a " * 100_000,
        "a=" * 100_000,
        ", " * 4000 + "Basic",
        'x="' + "\\" * 8000,
        '"' * 8000,
        "a" * 8000,
    ],
)
def test_length_is_bounded(text: str) -> None:
    start = time.monotonic()
    found = parse([text, text])
    assert time.monotonic() - start < 0.5
    assert len(found) <= MAX_LENGTH


@given(st.lists(st.text() | st.text(alphabet='Bearic realm="\\, =x\t', max_size=80), max_size=4))
def test_any_headers_parse(headers: list[str]) -> None:
    for challenge in parse(headers):
        assert challenge.scheme == challenge.scheme.lower() != ""


values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
tokens = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


@given(
    st.lists(st.tuples(tokens, st.dictionaries(tokens, values, min_size=1, max_size=4)), max_size=4),
    st.booleans(),
)
def test_what_is_quoted_is_read(challenges: list[tuple[str, dict[str, str]]], joined: bool) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    headers = [f"{s} " + ", ".join(f"{k}={quoted(v)}" for k, v in p.items()) for s, p in challenges]
    found = parse([", ".join(headers)] if joined else headers)
    assert [(challenge.scheme, dict(challenge.parameters)) for challenge in found] == challenges
