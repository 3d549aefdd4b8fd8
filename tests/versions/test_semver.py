"""SemVer: the table is written from §9–§11 of the specification and from what OSV records contain."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from secpipe.versions import InvalidVersion, semver
from tests.support.data import event_versions
from tests.versions.support import disagreements, pairs, sign, table, told

TABLE = """
1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0
1.0.0 < 1.0.1 < 1.1.0 < 1.9.0 < 1.10.0 < 2.0.0
0 = 0.0 = 0.0.0 = v0 < 0.0.1
0.0.0-0 < 0.0.0
1.2.3 = v1.2.3 = 1.2.3+build.7 = v1.2.3+incompatible = 01.02.03
1.2.3-rc.1+a = 1.2.3-rc.1+b
1.0.0-1 < 1.0.0-2 < 1.0.0-10 < 1.0.0--1 < 1.0.0-1a < 1.0.0-A < 1.0.0-a
1.0.0-r100 < 1.0.0-r2
0.7.20-0 < 0.7.20-alpha.1 < 0.7.20
0.0.0-20220906165146-f3363e06e74c < 0.7.0
1.18.0-0 < go1.18beta1 < go1.18rc2 < 1.18.0-rc.10 < go1.18 = 1.18.0 < go1.18.1
go1.21rc2 = 1.21.0-rc.2
1.2.3rc1 = 1.2.3-rc1 < 1.2.3
1.2-rc1 = 1.2.0-rc1
1.0.0-a..0 = 1.0.0-a.-.0
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(semver, left, right) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a",
            "1.2.3.4",
            "1.2.",
            "1..2",
            "nightly.2026-03-10.0",
            "1.2.3-",
            "1.2.3-ä",
            "v",
            "(devel)",
            "1.2.3_4",
        ),
        *("v0.0.0-00010101000000-000000000000", "2.0.0-00010101000000-000000000000"),
    ],
)
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidVersion):
        semver.key(text)


@pytest.mark.parametrize("ecosystem", ["Go", "crates.io"])
def test_every_real_version_has_a_key(ecosystem: str) -> None:
    versions = {version for found in event_versions(ecosystem).values() for version in found}
    refused = []
    for version in versions:
        try:
            semver.key(version)
        except InvalidVersion:
            refused.append(version)
    assert refused == []


ASK = """
const semver = require(process.argv[1]);
const whole = /^v?[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z-]|[A-Za-z+]|$)/;
const read = text => whole.test(text) ? semver.parse(text, {loose: true}) : null;
const lines = require("fs").readFileSync(0, "utf8").trim().split("\\n");
console.log(lines.map(line => {
    const [left, right] = line.split(" ").map(read);
    return left && right ? "<=>"[semver.compare(left, right, {loose: true}) + 1] : "?";
}).join("\\n"));
"""


def _node_semver() -> Path | None:
    """The `semver` package that npm itself brings."""
    if shutil.which("node") is None or (npm := shutil.which("npm")) is None:
        return None
    library = next((folder for folder in Path(npm).resolve().parents if folder.name == "npm"), None)
    found = library / "node_modules" / "semver" if library else None
    return found if found and found.is_dir() else None


@pytest.mark.skipif(
    _node_semver() is None, reason="node with npm is not installed: the order is not compared with its semver"
)
def test_agrees_with_node() -> None:
    """Wherever node parses both: versions without all three numbers and Go's names are ours alone.

    Its loose mode is asked, but not for `1.2.34.rc`, which it reads as 1.2.3-4.rc.
    """
    rng = random.Random(20)
    asked = pairs(rng, "alpha beta rc rc.1 next canary dev a A 0 20210101 build.5 deadbeef 0abc", 20_000)
    for ecosystem in ("Go", "crates.io", "Bitnami"):
        found = event_versions(ecosystem)
        every = sorted({version for versions in found.values() for version in versions})
        for _ in range(5_000):
            versions = found[rng.choice(sorted(found))]
            asked += [(rng.choice(versions), rng.choice(versions)), (rng.choice(every), rng.choice(every))]
    answers = told(["node", "-e", ASK, str(_node_semver())], asked)
    both = [(pair, answer) for pair, answer in zip(asked, answers, strict=True) if answer != "?"]
    assert disagreements(semver, [pair for pair, _ in both], [answer for _, answer in both]) == []
    assert len(both) > 25_000
