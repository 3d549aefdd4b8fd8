"""Gates of their own for packages, paths and images."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from secpipe.model.problem import Problem
from secpipe.model.severity import Severity
from secpipe.policy.baseline import about_new
from secpipe.policy.endoflife import System
from secpipe.policy.gate import decide, gate_of
from secpipe.policy.overrides import Gates, Override, for_image
from tests.support.reports import finding, package

CURL = finding("CVE-1-1", package("curl", "1"))
ZLIB = finding("CVE-1-2", package("zlib1g", "1"), Severity.LOW)
LAX, STRICT = gate_of(["critical"], "f:3"), gate_of(["low"], "f:5")


@pytest.mark.parametrize(
    ("override", "holds"),
    [
        (Override(STRICT, package="CURL"), True),
        (Override(STRICT, package="pkg:deb/debian/curl"), True),
        (Override(STRICT, package="pkg:apk/debian/curl"), False),
        (Override(STRICT, path="var/lib/**"), True),
        (Override(STRICT, path="/var/lib/**"), True),
        (Override(STRICT, path="opt/**"), False),
        (Override(STRICT, package="curl", path="opt/**"), False),
        (Override(STRICT, package="curl", image="registry.example/team/*"), True),
        (Override(STRICT, package="curl", image="registry.example/*"), False),
        (Override(STRICT, image="**"), True),
    ],
)
def test_what_an_override_is_for(override: Override, holds: bool) -> None:
    gates = for_image(LAX, [override], "registry.example/team/app:1")
    assert gates.of(CURL) == (STRICT if holds else LAX)


def test_the_first_one_holds() -> None:
    some, every = Override(STRICT, package="curl"), Override(gate_of(["none"]), image="**")
    gates = for_image(LAX, [some, every, Override(LAX, package="zlib1g")], "app")
    assert (gates.of(CURL), gates.of(ZLIB), gates.gate) == (STRICT, gate_of(["none"]), gate_of(["none"]))
    assert for_image(LAX, [every, some], "app").of(CURL) == gate_of(["none"])


def test_the_verdict_names_the_gate_that_was_met() -> None:
    gates = for_image(LAX, [Override(STRICT, package="zlib1g")], "app")
    decision = decide([CURL, ZLIB], [], gates.gate, of=gates.of)
    assert decision.reason == "1 finding at or above the gate (low, from f:5): CVE-1-2"
    clean = decide([CURL], [], gates.gate, of=gates.of)
    assert clean.reason == "1 finding, none at the gate (critical, from f:3)"
    both = decide([CURL, replace(ZLIB, severity=Severity.NEGLIGIBLE)], [], gates.gate, of=gates.of)
    assert both.reason == "2 findings, none at the gate (critical, from f:3; low, from f:5)"


def test_an_unknown_counts_only_at_its_own_gate() -> None:
    unrated = replace(CURL, severity=Severity.UNKNOWN)
    gates = for_image(LAX, [Override(gate_of(["none"]), package="curl")], "app")
    assert decide([unrated], [], gates.gate, of=gates.of).exit_code == 0
    assert decide([replace(unrated, package=ZLIB.package)], [], gates.gate, of=gates.of).exit_code == 3


def test_a_gap_is_no_matter_of_packages() -> None:
    gap = Problem("no-advisories", "PyPI", "none")
    gates = for_image(LAX, [Override(gate_of(["none"]), image="**")], "app")
    assert decide([], [gap], gates.gate, of=gates.of).exit_code == 3


def test_the_end_of_life_is_asked_of_the_images_gate() -> None:
    systems = {"": System("debian 9", True, "2022-06-30")}
    gates = for_image(gate_of(["eol"]), [Override(gate_of(["high"]), image="old/*")], "old/app")
    assert decide([], [], gates.gate, of=gates.of, systems=systems).exit_code == 0
    gates = for_image(gate_of(["eol"]), [Override(gate_of(["high"]), image="old/*")], "new/app")
    assert decide([], [], gates.gate, of=gates.of, systems=systems).exit_code == 1


def test_a_baseline_is_for_all_gates() -> None:
    gates = about_new(Gates(LAX, (Override(STRICT, package="curl"),)))
    assert [str(one) for one in gates.conditions] == ["critical and new", "low and new"]
    own = Gates(LAX, (Override(gate_of(["low,new"]), package="curl"),))
    assert about_new(own) == own
