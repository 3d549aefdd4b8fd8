"""Whether a distribution still gets updates, as os-release names it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.model.package import Distribution
from secpipe.model.releases import CURRENT, ENDED, ENDS
from secpipe.policy.endoflife import system

TODAY = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("id", "version", "name", "ended"),
    [
        ("debian", "10", "", True),
        ("debian", "11", "", True),  # ended after the day of the data, on a day that was set by then
        ("debian", "12", "", False),
        ("debian", "", "Debian GNU/Linux forky/sid", None),
        ("debian", "99", "", None),
        ("alpine", "3.18.4", "", True),
        ("alpine", "3.1", "", True),
        ("alpine", "3.23.0", "", False),
        ("alpine", "3.23_alpha20250612", "", False),
        ("alpine", "edge", "", False),
        ("ubuntu", "18.04", "", True),
        ("centos", "8", "CentOS Linux 8", True),
        ("centos", "9", "CentOS Stream 9", False),
        ("centos", "8", "CentOS Stream 8", True),
        ("rhel", "7.9", "", True),
        ("rhel", "9.4", "", False),
        ("ol", "10.0", "", False),
        ("amzn", "2023", "", False),
        ("amzn", "2018.03", "", True),
        ("opensuse-leap", "15.5", "", True),
        ("opensuse-tumbleweed", "20260101", "", False),
        ("wolfi", "20230201", "", False),
        ("linuxmint", "21", "", None),
    ],
)
def test_distributions(id: str, version: str, name: str, ended: bool | None) -> None:
    found = system(Distribution(id, version, name), TODAY)
    assert (found.name, found.ended) == (f"{id} {version}".strip(), ended)


def test_it_gets_updates_on_its_last_day() -> None:
    debian = Distribution("debian", "11")
    assert system(debian, date(2026, 8, 31)).ended is False
    assert system(debian, TODAY)[1:] == (True, "2026-08-31")


def test_an_image_without_a_name_is_unknown() -> None:
    assert system(None, TODAY).ended is None


def test_only_releases_with_updates_have_an_end_to_come() -> None:
    assert ENDS.keys() == ENDED.keys() == CURRENT.keys()
    assert all(set(ENDS[product]) <= set(CURRENT[product]) for product in ENDS)
    assert all(date.fromisoformat(day) for days in ENDS.values() for day in days.values())


@given(st.sampled_from(["debian", "alpine", "centos", "wolfi"]) | st.text(), st.text(), st.text())
def test_any_name_is_read(id: str, version: str, name: str) -> None:
    assert system(Distribution(id, version, name), TODAY).ended in (True, False, None)
