"""Real package databases and advisories against what trivy finds on them: every difference has its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.findings_agreement import Comparison, comparisons
from tests.support.data import data_folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Comparison]:
    database: Path = tmp_path_factory.mktemp("database") / "advisories"
    return {result.name: result for result in comparisons(data_folder(), database)}


def test_every_difference_is_explained(compared: dict[str, Comparison]) -> None:
    assert compared
    unexplained = {name: result.unexplained for name, result in compared.items() if result.unexplained}
    assert unexplained == {}


def test_the_peer_finds_next_to_nothing_that_we_do_not(compared: dict[str, Comparison]) -> None:
    agreed = sum(len(result.agreed) for result in compared.values())
    missed = [difference.what for result in compared.values() for difference in result.only_peer]
    assert agreed > 2000
    assert len(missed) <= agreed * 0.002, missed


def test_fixed_versions_are_those_of_the_branch(compared: dict[str, Comparison]) -> None:
    """Where trivy names one fix, it is ours, but for flaws that are told under several."""
    for result in compared.values():
        single = [d for d in result.fixes if not d.reason.startswith("branches")]
        assert len(single) <= max(2, len(result.agreed) * 0.01), single


@pytest.mark.parametrize(("root", "ecosystem"), [("alpine-3.20", "Alpine:v3.20"), ("debian-12", "Debian:12")])
def test_no_advisories_is_not_clean(compared: dict[str, Comparison], root: str, ecosystem: str) -> None:
    assert compared[root].ours.packages
    assert compared[root].ours.findings == ()
    assert compared[root].ours.missing == (ecosystem,)
