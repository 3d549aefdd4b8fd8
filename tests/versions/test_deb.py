"""Debian's order: the table is written from Policy §5.6.12, the oracle is dpkg."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from secpipe.versions import InvalidVersion, deb
from tests.support.data import event_versions
from tests.versions.support import sign, table

TABLE = """
~~ < ~~a < ~ < 0a < a < a1
1.0~beta1~svn1245 < 1.0~beta1 < 1.0~rc1 < 1.0 < 1.0-0.1 < 1.0-1~bpo1 < 1.0-1 < 1.0-1+b1 < 1.0-1.1 < 1.0-10
1.0 = 1.0-0 = 0:1.0 = 00:1.0 < 1:0.1 < 2:0.1 < 10:0.1
1.2 = 01.2 = 1.02 = 1.2-00 < 1.10 < 1.a < 1.+
1 < 1.0 = 1. < 1.0a
1.0-1 < 1.0a-1 < 1.0+dfsg-1 < 1.0.1-1
102.9.0esr-1~deb10u1 < 102.9.0esr-1~deb11u1 < 102.9.0esr-1
1.1.1n-0+deb11u3 < 1.1.1n-0+deb11u4 < 1.1.1n-0+deb11u10 < 1.1.1w-0
2:10.1.5-5055683-4+deb9u5 < 2:10.1.5-5055683-4+deb9u6
1:2:3 < 1:2:4
1.0-a < 1.0-a0b < 1.0-a1
"""


@pytest.mark.parametrize(("left", "expected", "right"), table(TABLE))
def test_table(left: str, expected: str, right: str) -> None:
    assert sign(deb, left, right) == expected


@pytest.mark.parametrize(
    "text", ["1-", ":1", "1:", "-1", "a:1", "1-:1", "2147483648:1", "99999999999999999999999:1", "1:-1"]
)
def test_what_dpkg_refuses(text: str) -> None:
    with pytest.raises(InvalidVersion):
        deb.key(text)


_LOOP = """
while read -r a b; do
    dpkg --compare-versions "$a" lt "$b"; less=$?
    if [ $less = 0 ]; then echo "<"; elif [ $less != 1 ]; then echo "?"
    elif dpkg --compare-versions "$a" eq "$b"; then echo "="; else echo ">"; fi
done
"""


def _dpkg(pairs: list[tuple[str, str]]) -> list[str]:
    text = "".join(f"{left} {right}\n" for left, right in pairs)
    command = ["sh", "-c", _LOOP]
    done = subprocess.run(
        command, check=True, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return done.stdout.split()


@pytest.mark.skipif(
    shutil.which("dpkg") is None, reason="dpkg is not installed: the order is not compared with it"
)
def test_agrees_with_dpkg() -> None:
    """One process a pair: a sample of neighbours, strangers and damaged versions."""
    rng = random.Random(20)
    found = event_versions("Debian")
    every = sorted({version for versions in found.values() for version in versions})
    pairs = []
    for _ in range(500):
        versions = found[rng.choice(sorted(found))]
        pairs.append((rng.choice(versions), rng.choice(versions)))
        pairs.append((rng.choice(every), rng.choice(every)))
        one = rng.choice(every)
        at = rng.randrange(len(one))
        pairs.append((one, one[:at] + rng.choice("~+.-:0aZ^") + one[at:]))
    pairs = [pair for pair in pairs if not any(text.startswith("-") for text in pair)]
    wrong = [
        (*pair, told) for pair, told in zip(pairs, _dpkg(pairs), strict=True) if sign(deb, *pair) != told
    ]
    assert wrong == []
