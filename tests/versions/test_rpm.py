"""RPM's order: the table is written from rpm-version(7), the oracle is rpm."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from secpipe.versions import InvalidVersion, rpm
from tests.support.data import event_versions
from tests.versions.support import sign, table

TABLE = """
1.0~~ < 1.0~ < 1.0~a < 1.0~rc1 < 1.0~rc1^git1 < 1.0 = 1.0. < 1.0^ < 1.0^git1~pre < 1.0^git1 < 1.0^git2 < 1.0.1 < 1.0.10
1.0 = 1..0 = 1_0 = 01.00 = 0:1.0 = 00:1.0 = :1.0 < 1.0-0 < 1.0-1.el8 < 1.0-1.el9 < 1.0-2 < 1.0-10 < 1:0.1 < 10:0.1
1a < 1b < 1ba < 1.0 < 1.0a < 1.0ab < 1.0.1
a < aa < ab < b < 0 < 1
1.0-1.el8_6 < 1.0-1.el8_10
1.0-1.module_el8.5.0+1+a < 1.0-1.module_el8.6.0+1+a
2.0-1-1 > 2.0-1
3 < 3-~rc1 < 3- < 3-0
"""

LUA = '%{{lua: for line in io.lines("{}") do local a, b = line:match("(%S+) (%S+)") print(rpm.vercmp(a, b) .. " ") end}}'


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(rpm, left, right) == expected


@pytest.mark.parametrize("text", ["1:", "1:-1", "-1", "-", "4294967296:1", "99999999999999999999999:1"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(InvalidVersion):
        rpm.key(text)


@pytest.mark.skipif(
    shutil.which("rpm") is None, reason="rpm is not installed: the order is not compared with it"
)
def test_agrees_with_rpm(tmp_path: Path) -> None:
    """Neighbours, strangers and damaged versions of two distributions' advisories, all in one process."""
    rng = random.Random(20)
    pairs = [(left, right) for left, _, right in table(TABLE)]
    for ecosystem in ("AlmaLinux", "Photon OS"):
        found = event_versions(ecosystem)
        every = sorted({version for versions in found.values() for version in versions if version != "0"})
        for _ in range(3_000):
            versions = found[rng.choice(sorted(found))]
            pairs.append((rng.choice(versions), rng.choice(versions)))
            pairs.append((rng.choice(every), rng.choice(every)))
            one = rng.choice(every)
            at = rng.randrange(len(one) + 1)
            pairs.append((one, one[:at] + rng.choice("~+._-0a^Z9") + one[at + rng.randrange(2) :]))
            pairs.append((one.partition("-")[0], one.replace("-", rng.choice(("-~", "-^", "-.")))))
    file = tmp_path / "pairs"
    file.write_text("".join(f"{left} {right}\n" for left, right in pairs))
    said = subprocess.run(
        ["rpm", "--eval", LUA.format(file)], check=True, capture_output=True, text=True
    ).stdout.split()
    signs = {"-1": "<", "0": "=", "1": ">"}
    wrong = [
        (*pair, signs[told], ours)
        for pair, told in zip(pairs, said, strict=True)
        if (ours := sign(rpm, *pair)) not in (signs[told], "?")
    ]
    assert wrong == []
    assert sum(sign(rpm, *pair) == "?" for pair in pairs) < len(pairs) // 100
