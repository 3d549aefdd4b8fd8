"""Ignore files: ours, which tells whatever is wrong, and Trivy's as Trivy reads it."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import UsageError
from secpipe.policy import ignore, trivyignore
from secpipe.policy.ignore import MAX_BYTES, Entry

FULL = b"""\
# accepted
- id: CVE-2024-0001
  package: pkg:npm/@scope/name
  path: "opt/**"
  image: registry.example.com/*
  reason: >-
    not
    reachable
  owner: team
  expires: 2027-01-31
- {id: GHSA-aaaa-bbbb-cccc, reason: accepted, owner: ~, expires: }
"""


def test_every_key() -> None:
    assert ignore.parse(FULL, "f").entries == (
        Entry(
            "CVE-2024-0001",
            "f",
            2,
            "not reachable",
            "pkg:npm/@scope/name",
            "opt/**",
            "registry.example.com/*",
            "team",
            date(2027, 1, 31),
        ),
        Entry("GHSA-aaaa-bbbb-cccc", "f", 11, "accepted"),
    )


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"[]", b"---\n", b"~", b"\xef\xbb\xbf[]\n"])
def test_no_entries(text: bytes) -> None:
    assert ignore.parse(text, "f") == ((), ())


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (b"- id: a\n  reason: b\n  expire: 2027-01-01", "f:3: unknown key expire", "did you mean expires?"),
        (b"- id: a\n  Reason: b", "f:2: unknown key Reason", "did you mean reason?"),
        (b"- id: a\n  zzz: b", "f:2: unknown key zzz", "the keys are id, package"),
        (b"- id: a\n\n- id: b\n  reason: c", "f:1: the entry of a has no reason", "write a list"),
        (b"- id: a\n  reason: ' '", "f:2: the entry of a has no reason", "write a list"),
        (b"- reason: a", "f:1: the entry has no id", "write a list"),
        (b"- id: a\n  id: b", "f:2: id: this key stands here twice", "remove"),
        (b"- id: [a]\n  reason: b", "f:1: id: this is no text", "repeat the entry"),
        (b"- id: a\n  reason: b\n  expires: 2027-02-29", "f:3: expires: 2027-02-29 is no date", "YYYY-MM-DD"),
        (b"- id: a\n  reason: b\n  expires: 31.12.2027", "f:3: expires: 31.12.2027 is no date", "YYYY-MM-DD"),
        (
            b"- id: a\n  reason: b\n  package: pkg:npm/a@1",
            "f:3: package: pkg:npm/a@1 is more",
            "without version",
        ),
        (b"- id: a\n  reason: b\n  package: pkg:deb/debian/a?arch=x", "f:3: package:", "without version"),
        (b"id: a\nreason: b", "f:1: this is no list", "write a list"),
        (b"- CVE-1-1", "f:1: this entry has no keys", "write a list"),
        (b"- ? [a]\n  : b", "f:1: a key that is no text", "write a list"),
        (b"--- []\n--- []", "f: more than one document", "one list"),
        (b"- id: 'a\n", "f:2:1: no valid YAML", "write a list"),
        (b"- id: a\n  reason: \xff", "f:2: the ignore file is no UTF-8", "UTF-8"),
        (b"- id: a\n  reason: " + b"x" * 2000, "f:2: reason: more than 1024", "shorter"),
        (b"#" * (MAX_BYTES + 1), "f: an ignore file of more than", "another"),
        (b"- &a {id: b, reason: c}\n- *a", "f:2: this entry has no keys", "write a list"),
        (b"[" * 100_000, "f:1: this entry has no keys", "write a list"),
        (b"\x00", "f: no valid YAML", "write a list"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: bytes, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        ignore.parse(text, "f")
    assert error.value.message.startswith(message)
    assert hint in error.value.hint


@given(st.binary() | st.text(alphabet="-:{}[]&*!|>'\"#?~ \nidreasonexp20\0\ud7ff").map(str.encode))
def test_any_bytes_are_entries_or_a_usage_error(data: bytes) -> None:
    for parse in (ignore.parse, trivyignore.parse):
        with contextlib.suppress(UsageError):
            for entry in parse(data, "f").entries:
                assert entry.id
                assert entry.line >= 1


def test_trivyignore() -> None:
    text = b"""\
# comment
CVE-2018-14618

  CVE-2019-1543 exp:2027-01-31 said the team
AVD-DS-0002
CVE-2020-0001 exp:31/01/2027
"""
    found = trivyignore.parse(text, "t")
    assert found.entries == (
        Entry("CVE-2018-14618", "t", 2),
        Entry("CVE-2019-1543", "t", 4, expires=date(2027, 1, 31)),
        Entry("AVD-DS-0002", "t", 5, told=False),
    )
    assert [(p.code, p.subject) for p in found.problems] == [("unreadable-ignore", "t:6")]
